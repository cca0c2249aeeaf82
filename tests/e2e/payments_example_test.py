#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The payments example builds, answers as its README says, refuses what is malformed, and becomes a cage of one file."""

import http.client
import json
import pathlib
import shutil
import socket
import subprocess
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import project  # noqa: E402

CARD = "4242 4242 4242 4242"


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Payments(project.Case):
    def setUp(self):
        super().setUp()
        self.folder = self.top / "payments"
        shutil.copytree(project.TOP / "examples/payments", self.folder, ignore=shutil.ignore_patterns("payments", ".cage"))
        subprocess.run(["make", "-s", "-C", self.folder], check=True)

    def start(self):
        self.port = free_port()
        program = subprocess.Popen([self.folder / "payments"], env={"PORT": str(self.port)}, stdout=subprocess.PIPE, text=True)
        self.addCleanup(program.stdout.close)
        self.addCleanup(program.wait)
        self.addCleanup(program.kill)
        self.assertIn("listening", program.stdout.readline())
        return program

    def ask(self, method, path, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        self.addCleanup(connection.close)
        connection.request(method, path, body=None if body is None else json.dumps(body))
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())

    def raw(self, data):
        with socket.create_connection(("127.0.0.1", self.port), timeout=15) as s:
            s.sendall(data)
            got = b""
            while part := s.recv(4096):
                got += part
            return got

    def test_charges(self):
        program = self.start()
        self.assertEqual(self.ask("GET", "/healthz"), (200, {"status": "ok"}))
        status, charge = self.ask("POST", "/v1/charges", {"card": CARD, "amount": 1250, "currency": "eur"})
        self.assertEqual(status, 201)
        self.assertEqual(charge["card"], "************4242")
        self.assertRegex(charge["token"], "^tok_[0-9a-f]{32}$")
        self.assertEqual(self.ask("GET", "/v1/charges/" + charge["id"]), (200, charge))
        program.terminate()
        self.assertEqual(program.wait(5), 0)
        self.assertNotIn("4242424242424242", program.stdout.read())

    def test_refusals(self):
        self.start()
        good = {"card": CARD, "amount": 1, "currency": "eur"}
        rows = (({**good, "card": "4242 4242 4242 4241"}, 422), ({**good, "card": "4242"}, 422), ({**good, "card": "x" * 16}, 422),
                ({**good, "amount": 0}, 422), ({**good, "amount": 10**12}, 422), ({**good, "amount": -1}, 400),
                ({**good, "currency": "EUR"}, 422), ({**good, "currency": "euro"}, 400), ({"card": CARD}, 400), ({}, 400), ([], 400))
        for body, status in rows:
            self.assertEqual(self.ask("POST", "/v1/charges", body)[0], status, body)
        for method, path, status in (("GET", "/v1/charges/none", 404), ("GET", "/", 404), ("PUT", "/healthz", 405), ("GET", "/v1/charges", 405)):
            self.assertEqual(self.ask(method, path)[0], status, path)

    def test_what_is_no_request_ends_the_connection(self):
        self.start()
        for data in (b"nonsense\r\n\r\n", b"GET / HTTP/1.0\r\n\r\n", b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\n\r\n",
                     b"POST /v1/charges HTTP/1.1\r\nContent-Length: 99999\r\n\r\n",
                     b"POST /v1/charges HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx",
                     b"POST /v1/charges HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
                     b"POST /v1/charges HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                     b"GET /\0 HTTP/1.1\r\n\r\n"):
            self.assertTrue(self.raw(data).startswith(b"HTTP/1.1 400 "), data[:60])

    def test_connections_are_bounded_and_the_service_survives(self):
        self.start()
        held = [socket.create_connection(("127.0.0.1", self.port)) for _ in range(80)]
        time.sleep(0.3)
        for s in held:
            s.close()
        time.sleep(0.3)
        self.assertEqual(self.ask("GET", "/healthz")[0], 200)

    def test_becomes_a_cage_of_one_file(self):
        self.assertEqual(self.cage("init", "--platform", "https://127.0.0.1:1", "--root", project.ROOT, cwd=self.folder).returncode, 0)
        self.build(self.folder)
        entries = project.ramdisk(self.folder / ".cage/payments.eif", 1)
        self.assertEqual(list(entries), ["cage", "cage/manifest", "rootfs", "rootfs/payments"])


if __name__ == "__main__":
    project.need(project.CAGE, project.RUNTIME, "make", "cc")
    unittest.main()
