#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""An image that `cage` did not make, with an init of its own that speaks docs/protocol.md, runs beside an ordinary cage: under its
own PCRs it gets exactly its own CA and secrets, and nothing that it tries against host and platform disturbs the other."""

import hashlib
import json
import os
import pathlib
import re
import ssl
import subprocess
import sys
import threading
import time
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "support"))
import eif  # noqa: E402
import manifest  # noqa: E402
import project  # noqa: E402
import running  # noqa: E402

OWN = {"FOREIGN_KEY": b"the foreign image's own value"}
OTHERS = b"sk_live_of_the_ordinary_cage"
ATTACKS_TIME = 240
# What one check alone refuses (table.toml).
REFUSED = {"provision.token-again": "TOKEN_REPLAYED", "provision.another-deployment": "TOKEN_SIGNATURE",
           "provision.nonce-of-another-session": "PROV_NONCE", "provision.request-for-another-key": "PROV_KEYS"}
# What a terminal or a reader of lines could act on.
CONTROL = re.compile(rb"[\x00-\x09\x0b-\x1f\x7f-\xff]")


def build_init(folder):
    path = folder / "foreign-init"
    sources = sorted((HERE / "foreign-eif").glob("*.c"))
    subprocess.run([os.environ.get("CC", "clang-19"), "-static", "-O1", "-w", "-o", path, *sources, "-lssl", "-lcrypto"], check=True,
                   stderr=subprocess.DEVNULL)
    return path.read_bytes()


class Neighbour(threading.Thread):
    """Calls the ordinary cage all the time, as its clients do."""

    def __init__(self, call):
        super().__init__()
        self.call, self.outcomes, self.ended = call, [], threading.Event()

    def run(self):
        while not self.ended.is_set():
            began = time.monotonic()
            done = self.call()
            self.outcomes.append((done.returncode, time.monotonic() - began, done.stdout, done.stderr))
            time.sleep(0.1)


class Scenario(running.Case):
    """The whole of it, once: the tests below look at what came of it."""

    def setUp(self):
        super().setUp()
        self.start_caged()
        self.start_host()
        self.run_ordinary()
        self.run_foreign()

    def run_ordinary(self):
        self.call("POST", "/v1/apps", b'{"name":"shop"}')
        self.call("PUT", "/v1/apps/shop/secrets/STRIPE_KEY", OTHERS)
        self.shop = self.app_project("shop", '[secrets]\nSTRIPE_KEY = {deliver = "file"}\n')
        self.shop_live = self.deploy("shop", self.shop / self.build(self.shop)["eif"])

    def run_foreign(self):
        app = self.call("POST", "/v1/apps", b'{"name":"foreign"}')
        for name, value in OWN.items():
            self.call("PUT", f"/v1/apps/foreign/secrets/{name}", value)
        self.call("PUT", "/v1/apps/foreign/secrets/UNASKED", b"of the app, not of the image")
        name = f"foreign.{app['id'].replace('_', '-')}.{self.platform['domain']}"
        root = bytes.fromhex(self.platform["roots"][0])
        policy = manifest.manifest(["/none"], k1="foreign", k14=[[n, 0] for n in sorted(OWN)], k20=[root])
        files = {"init": build_init(self.top), "platform": root, "self": name.encode(), "other": self.shop_live["names"][0].encode(),
                 "other-deployment": self.shop_live["id"].encode()}
        first = eif.cpio([(path, 0o100755, 0, 0, content) for path, content in files.items()])
        second = eif.cpio([("cage", 0o040755, 0, 0, b""), ("cage/manifest", 0o100644, 0, 0, policy)])
        image = self.top / "foreign.eif"
        image.write_bytes(eif.eif([first, second]))
        self.foreign = self.deploy("foreign", image)
        measured = hashlib.sha384(eif.KERNEL + b"console=ttyS0 panic=1" + first + second).digest()
        self.pcr0 = hashlib.sha384(b"\0" * 48 + measured).hexdigest()
        self.assertEqual(self.foreign["names"], [name])

    def console(self, kind):
        """Lines "KIND name value" of the foreign init, in order; lines of one name are put together."""
        found = {}
        for line in re.findall(rf'enclave\.console .*?line="?{kind} (.*?)"?$', self.said("cage-host"), re.M):
            name, _, value = line.partition(" ")
            found[name] = found.get(name, "") + value
        return found

    def foreign_project(self):
        """A folder as `cage build` leaves one, for clients of the foreign image."""
        folder = self.top / "foreign-client"
        if folder.exists():
            return folder
        (folder / ".cage").mkdir(parents=True)
        described = self.cage("describe", "--json", self.top / "foreign.eif")
        (folder / ".cage/measurements.json").write_text(json.dumps({"Measurements": json.loads(described.stdout)["Measurements"]}))
        return folder

    def openssl(self, *words, text=None):
        return subprocess.run(["openssl", *map(str, words)], input=text, capture_output=True, timeout=60)

    def check_own(self):
        facts = self.console("fact")
        self.assertEqual(self.foreign["pcr0"], self.pcr0)
        self.assertEqual(facts["provisioned"], "granted")
        self.assertEqual(facts["own-key"], "1")
        secrets = {name[7:]: value for name, value in facts.items() if name.startswith("secret.")}
        self.assertEqual(secrets, {name: hashlib.sha256(value).hexdigest() for name, value in OWN.items()})
        intermediate = self.top / "intermediate.pem"
        intermediate.write_text(ssl.DER_cert_to_PEM_cert(bytes.fromhex(facts["intermediate"])))
        text = self.openssl("x509", "-in", intermediate, "-noout", "-text").stdout.decode()
        permitted = re.search(r"Permitted:\n(.*?)Excluded", text, re.S).group(1).split()
        self.assertEqual(permitted, ["DNS:" + self.foreign["names"][0]])
        self.assertIn("CA:TRUE, pathlen:0", text)
        # A certificate of its own making for another's name is believed by nobody.
        forged = self.top / "forged.pem"
        forged.write_text(ssl.DER_cert_to_PEM_cert(bytes.fromhex(facts["forged"])))
        done = self.openssl("verify", "-CAfile", self.ca_file, "-untrusted", intermediate, forged)
        self.assertIn(b"permitted subtree violation", done.stderr + done.stdout)

    def check_served(self):
        answer = self.attested(self.foreign_project(), self.foreign)
        self.assertEqual((answer.returncode, answer.stdout), (0, "foreign\n"), answer.stderr)
        answer = self.attested(self.shop, self.foreign)
        self.assertEqual(answer.returncode, 10, answer.stderr)
        self.assertIn("PCR_MISMATCH", answer.stderr)

    def check_refusals(self):
        attacks = {name: outcome for name, outcome in self.attacks.items() if name not in REFUSED}
        provision = {"alg-none": "TOKEN_HEADER", "no-token": "PURPOSE", "token-too-long": "LIMIT", "tls-1.2": "closed",
                     "asks-for-anothers-name": "granted", "name-of-another": "left-out", "two-hellos": "closed", "version-2": "closed",
                     "document-too-long": "closed", "length-4g": "closed", "document-again": "TOKEN_REPLAYED"}
        self.assertEqual({name: attacks.pop("provision." + name) for name in provision}, provision)
        tokens = re.fullmatch(r"got-(\d+)-refused-(\d+)", attacks.pop("flood.tokens"))
        self.assertLessEqual(int(tokens[1]), 12)
        self.assertEqual(int(tokens[1]) + int(tokens[2]), 60)
        floods = {name[6:]: attacks.pop(name) for name in list(attacks) if name.startswith("flood.")}
        self.assertEqual(floods, {"lines": "silent", "journal": "silent", "metrics": "silent", "health": "silent", "unread": "done",
                                  "streams": "done"})
        ports = {name: attacks.pop(name) for name in list(attacks) if name.startswith("port-")}
        self.assertEqual(set(ports.values()), {"no-port"}, ports)
        self.assertGreater(len(attacks), 45)
        self.assertEqual({name: outcome for name, outcome in attacks.items() if outcome != "closed"}, {})
        self.assertEqual(sorted(self.console("socket")), ["v", "v_7001", "v_7002", "v_9000"])

    def check_bounds(self):
        ident, other = self.foreign["id"], self.shop_live["id"]
        journal = self.observed("/journal/" + ident)
        self.assertEqual(len(journal["entries"]), 256)
        self.assertGreater(journal["dropped"], 1000)
        log = self.observed("/logs/" + ident)
        self.assertLessEqual(len(log["lines"]), 1000)
        self.assertGreater(log["dropped"], 1000)
        text = "\n".join(line["text"] for line in log["lines"])
        self.assertIn("forged", text)
        self.assertIsNone(CONTROL.search(text.encode()))
        series = re.findall(r'^(cage_\w+)\{cage="(\w+)",deployment="([^"]+)",source="enclave"\}', self.observed("/metrics"), re.M)
        own = [name for name, _, deployment in series if deployment == ident]
        self.assertEqual(len(own), 256)
        self.assertEqual([name for name, _, deployment in series if deployment == other and "flood" in name], [])
        # What an operator sees on a terminal, and what a reader of lines takes for a line of the host's own.
        for name in ("cage-host", "caged"):
            said = (self.top / (name + ".err")).read_bytes()
            self.assertIsNone(CONTROL.search(said), name)
        lines = [line for line in self.said("cage-host").splitlines() if " cage.log " in line and "forged" in line]
        self.assertTrue(lines)
        for line in lines:
            self.assertRegex(line, r'cage\.log enclave=[0-9a-f]{16} text="[^"]*"$')
        self.assertLess(max(map(len, self.said("cage-host").splitlines())), 5000)

    def memory_kib(self, name):
        status = pathlib.Path(f"/proc/{self.programs[name].pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", status)[1])

    def play(self):
        self.until(lambda: "ready" in self.console("fact"), "foreign init")
        self.check_own()
        self.check_served()
        before = {name: self.memory_kib(name) for name in self.programs}
        neighbour = Neighbour(lambda: self.attested(self.shop, self.shop_live))
        neighbour.start()
        try:
            self.until(lambda: "attacks" in self.console("fact"), "end of the attacks", ATTACKS_TIME)
            self.attacks = self.console("attack")
            # Its clients meet somebody who does not know the way of the ports, and its host asks it to end.
            for _ in range(8):
                self.attested(self.foreign_project(), self.foreign)
            self.check_bounds()
            self.call("POST", "/v1/apps/foreign/versions/1/revoke")
            self.until(lambda: self.foreign["id"] not in [c["deployment"] for c in self.observed("/health")["cages"]], "end of it", 120)
        finally:
            neighbour.ended.set()
            neighbour.join()
        self.check_refusals()
        self.assertGreater(len(neighbour.outcomes), 20)
        for code, seconds, out, err in neighbour.outcomes:
            self.assertEqual(code, 0, err)
            self.assertIn("file STRIPE_KEY 400 1 " + OTHERS.decode(), out)
            self.assertLess(seconds, 10)
        for name, program in self.programs.items():
            self.assertIsNone(program.poll(), name)
            self.assertLess(self.memory_kib(name) - before[name], 64 * 1024, name)
        for name in ("cage-host", "caged"):
            self.assertNotIn(OTHERS.decode(), self.said(name))


class ForeignEif(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.scenario, cls.result = Scenario("play"), unittest.TestResult()
        cls.scenario.attacks = {}
        cls.scenario.run(cls.result)

    def refused(self, name):
        self.assertEqual(self.scenario.attacks.get("provision." + name), REFUSED["provision." + name])

    def test_it_gets_its_own_and_disturbs_nobody(self):
        self.assertTrue(self.result.wasSuccessful(), "".join(text for _, text in self.result.errors + self.result.failures))

    def test_its_token_is_good_once(self):
        self.refused("token-again")

    def test_its_token_cannot_name_another_deployment(self):
        self.refused("another-deployment")

    def test_its_document_is_for_one_session(self):
        self.refused("nonce-of-another-session")

    def test_its_document_is_for_one_request(self):
        self.refused("request-for-another-key")


if __name__ == "__main__":
    if os.geteuid() != 0:
        print("skipped: needs root, for the driver's root mode")
        sys.exit(project.SKIPPED)
    project.need("openssl", os.environ.get("CC", "clang-19"))
    unittest.main()
