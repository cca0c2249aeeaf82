#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Unmodified clients in a cage reach real servers in another network namespace by name, as [egress] allows, through the whole path:
HTTPS, PostgreSQL, Redis, a server that speaks first, echo; and are refused another name, port or address. caged and cage-host run
in a namespace whose only way out leads to those servers."""

import contextlib
import http.client
import json
import os
import pathlib
import re
import shutil
import socket
import ssl
import subprocess
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import client_root  # noqa: E402
import namespaces  # noqa: E402
import project  # noqa: E402
import running  # noqa: E402

DNS, WEB, PG, REDIS, MAIL, ECHO, OTHER = (f"45.66.77.{n}" for n in (2, 3, 4, 5, 6, 7, 9))
NAMES = {"web": WEB, "pg": PG, "redis": REDIS, "mail": MAIL, "echo": ECHO, "other": WEB, "unlisted": ECHO, "rebind": "127.0.0.1",
         "meta": "169.254.169.254"}
ALLOW = ["web.example.test", "pg.example.test:5432", "redis.example.test:6379", "mail.example.test:25", "*.example.test:7",
         "rebind.example.test:80", "meta.example.test:80", ECHO + ":7"]
POSTGRES = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin/postgres"))
GO_CLIENT = """package main

import ("fmt"; "io"; "net"; "os"; "time")

func main() {
\tc, err := net.DialTimeout("tcp", os.Args[1], 10*time.Second)
\tif err == nil { _, err = c.Write([]byte("from go")) }
\tif err == nil { err = c.(*net.TCPConn).CloseWrite() }
\tif err != nil { fmt.Println("refused:", err); os.Exit(1) }
\tall, err := io.ReadAll(c)
\tfmt.Println(string(all), err)
}
"""
NODE_CLIENT = """const c = require("net").connect(7, process.argv[1], () => c.end("from node"));
let all = ""; c.on("data", d => all += d); c.on("error", e => console.log("refused:", e.code)); c.on("close", () => console.log(all));"""
ASKING_CLIENT = """import socket, sys
with socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=8) as s:
    print(s.recv(10))"""
SMTP_CLIENT = """import smtplib, sys
with smtplib.SMTP(sys.argv[1], 25, timeout=10) as mail:
    print(mail.sendmail("a@example.test", ["b@example.test"], "Subject: x\\n\\nbody"), mail.noop()[0])"""


class Egress(running.Case):
    @classmethod
    def setUpClass(cls):
        namespaces.connect([DNS, WEB, PG, REDIS, MAIL, ECHO, OTHER])

    def in_servers(self, *command, **more):
        program = subprocess.Popen(namespaces.inside(*command), **{"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, **more})
        self.addCleanup(program.wait)
        self.addCleanup(program.terminate)
        return program

    def wait_for(self, address, port):
        self.until(lambda: self.connects(address, port), f"server at {address}:{port}")

    def connects(self, address, port):
        try:
            socket.create_connection((address, port), timeout=1).close()
            return True
        except OSError:
            return False

    def start_servers(self):
        pem, key = self.top / "web.pem", self.top / "web.key"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                        "-subj", "/CN=web.example.test", "-addext", "subjectAltName=DNS:web.example.test", "-out", pem,
                        "-keyout", key], check=True, capture_output=True)
        support = pathlib.Path(__file__).resolve().parents[1] / "support"
        self.in_servers("/usr/bin/python3", support / "egress_servers.py", WEB, MAIL, ECHO, pem, key, stdin=subprocess.PIPE)
        records = [f"--host-record={name}.example.test,{address}" for name, address in NAMES.items()]
        self.in_servers("dnsmasq", "--no-daemon", "--no-resolv", "--no-hosts", "--conf-file=/dev/null", f"--listen-address={DNS}",
                        "--bind-interfaces", "--pid-file=", "--user=root", "--local=/example.test/", "--local-ttl=1",
                        "--txt-record=web.example.test,hello in a record", *records)
        self.in_servers("redis-server", "--bind", REDIS, "--port", "6379", "--save", "", "--dir", self.top, "--protected-mode", "no")
        self.start_postgres()
        for address, port in ((WEB, 443), (MAIL, 25), (ECHO, 7), (REDIS, 6379), (PG, 5432)):
            self.wait_for(address, port)

    def start_postgres(self):
        data = self.top / "pg"
        data.mkdir()
        self.top.chmod(0o755)
        shutil.chown(data, "postgres", "postgres")
        binaries = POSTGRES[-1].parent
        run = ["runuser", "-u", "postgres", "--"]
        subprocess.run([*run, binaries / "initdb", "-D", data, "-A", "trust", "-U", "cage", "--no-sync"], check=True, capture_output=True)
        with open(data / "pg_hba.conf", "a", encoding="ascii") as rules:
            rules.write("host all all 45.66.77.0/24 trust\n")
        self.in_servers(*run, binaries / "postgres", "-D", data, "-h", PG, "-k", "", "-F")

    def client_project(self, name, egress):
        folder = self.project({"root/app.py": (pathlib.Path(__file__).resolve().parents[1] / "support/run_for_me.py").read_text()}, name, "",
                              'rootfs = "root"\ncommand = ["/usr/bin/python3", "/app.py"]')
        root = folder / "root"
        if egress:
            client_root.add_python(root)
            psql = str(POSTGRES[-1].parent / "psql")
            self.have = client_root.add(root, "/usr/bin/curl", psql, "/usr/bin/redis-cli", "/usr/bin/socat", "/usr/bin/node")
            self.psql = psql
            shutil.copy(self.top / "web.pem", root / "web.pem")
            self.add_go(root)
        else:
            client_root.add_python(root)
        (root / "tmp").mkdir(exist_ok=True)
        text = (folder / "cage.toml").read_text().replace('name = "test"', f'name = "{name}"\nport = 8080')
        (folder / "cage.toml").write_text(text + (f"[egress]\nallow = {json.dumps(ALLOW)}\n" if egress else ""))
        roots = json.dumps(self.platform["roots"])
        (folder / "cage.lock").write_text(f'version = 1\n[platform]\nurl = "https://example.com"\nroots = {roots}\n')
        return folder

    def add_go(self, root):
        go = shutil.which("go")
        if not go:
            return
        source = self.top / "client.go"
        source.write_text(GO_CLIENT)
        env = {**self.env, "CGO_ENABLED": "0", "GOFLAGS": "-mod=mod", "GO111MODULE": "off", "GOCACHE": str(self.top / "go-cache")}
        done = subprocess.run([go, "build", "-o", root / "goclient", source], env=env, capture_output=True, text=True, check=False)
        if done.returncode == 0:
            self.have.append("/goclient")

    def start_cage(self, name, egress):
        self.call("POST", "/v1/apps", json.dumps({"name": name}).encode())
        folder = self.client_project(name, egress)
        # The runtime is the one that the manifest asks for.
        done = self.cage("build", "--json", cwd=folder)
        self.assertEqual(done.returncode, 0, done.stderr)
        built = json.loads(done.stdout)
        self.deployment = self.deploy(name, folder / built["eif"])
        return self.deployment

    def inside(self, *argv, stdin="", deployment=None):
        """What a command in the cage came to."""
        name = (deployment or self.deployment)["names"][0]
        tls = ssl.create_default_context(cafile=str(self.ca_file))
        plain = socket.create_connection(("127.0.0.1", self.ingress), timeout=40)
        connection = http.client.HTTPConnection(name, timeout=40)
        connection.sock = tls.wrap_socket(plain, server_hostname=name)
        self.addCleanup(connection.close)
        connection.request("POST", "/", json.dumps({"argv": list(argv), "stdin": stdin}))
        return json.loads(connection.getresponse().read())

    def said_inside(self, *argv, stdin=""):
        done = self.inside(*argv, stdin=stdin)
        self.assertEqual(done["code"], 0, f"{argv}: {done} host: {self.said('cage-host')[-2000:]}")
        return done["out"]

    def metric(self, name, **labels):
        total = 0
        for line in self.observed("/metrics").splitlines():
            if line.startswith(f"cage_host_egress_{name}{{") and all(f'{k}="{v}"' in line for k, v in labels.items()):
                total += int(line.rsplit(" ", 1)[1])
        return total

    def reaches_what_is_listed(self):
        self.assertEqual(self.said_inside("/usr/bin/curl", "-sS", "--cacert", "/web.pem", "https://web.example.test/"),
                         "hello over https, web.example.test\n")
        self.assertEqual(self.said_inside("/usr/bin/curl", "-sS", "--cacert", "/web.pem", "https://WEB.Example.TEST/"),
                         "hello over https, WEB.Example.TEST\n")
        self.assertEqual(self.said_inside(self.psql, "host=pg.example.test user=cage dbname=postgres", "-Atc", "select 6 * 7"), "42\n")
        self.assertEqual(self.said_inside("/usr/bin/redis-cli", "-h", "redis.example.test", "set", "a", "b"), "OK\n")
        self.assertEqual(self.said_inside("/usr/bin/redis-cli", "-h", "redis.example.test", "get", "a"), "b\n")
        began = time.monotonic()
        self.assertEqual(self.said_inside("/usr/bin/python3", "-c", SMTP_CLIENT, "mail.example.test"), "{} 250\n")
        self.assertLess(time.monotonic() - began, 5)
        # The client ends its side; the server's last word comes all the same.
        for where in ("echo.example.test", ECHO):
            self.assertEqual(self.said_inside("/usr/bin/socat", "-t10", "-", f"TCP4:{where}:7", stdin="a" * 300_000),
                             "a" * 300_000 + "[end]", where)
        if "/usr/bin/node" in self.have:
            self.assertEqual(self.said_inside("/usr/bin/node", "-e", NODE_CLIENT, "echo.example.test"), "from node[end]\n")
        if "/goclient" in self.have:
            self.assertEqual(self.said_inside("/goclient", "echo.example.test:7"), "from go[end] <nil>\n")

    def is_refused_what_is_not(self):
        def refused(*argv):
            began = time.monotonic()
            done = self.inside(*argv)
            self.assertNotEqual(done["code"], 0, argv)
            self.assertLess(time.monotonic() - began, 8, argv)
            return done

        before = self.metric("opens_total")
        for name in ("other.example.test", "unlisted.example.org", "example.test"):
            refused("/usr/bin/curl", "-sSk", "--max-time", "20", f"https://{name}/")
        for where in ("web.example.test:8080", "echo.example.test:80", f"{OTHER}:7", f"{ECHO}:80", f"{DNS}:53"):
            done = refused("/usr/bin/python3", "-c", ASKING_CLIENT, *where.split(":"))
            self.assertRegex(done["err"], "ConnectionResetError|ConnectionRefusedError", where)
            self.assertTrue(self.connects(*self.resolved(where)) or where.startswith(OTHER), where)
        self.assertEqual(self.metric("opens_total"), before, "the enclave refuses before it asks the host")

    def resolved(self, where):
        host, port = where.split(":")
        return NAMES.get(host.split(".")[0], host), int(port)

    def is_refused_private_addresses(self):
        before = self.metric("answers_total", code="EGRESS_ADDRESS")
        for name in ("rebind", "meta"):
            done = self.inside("/usr/bin/curl", "-sS", "--max-time", "20", f"http://{name}.example.test:80/")
            self.assertNotEqual(done["code"], 0, done)
        self.assertEqual(self.metric("answers_total", code="EGRESS_ADDRESS"), before + 2)

    def verdicts_agree(self, deployment):
        health = next(c for c in self.observed("/health")["cages"] if c["deployment"] == deployment)
        self.assertRegex(health["egress"], "^[0-9a-f]{16}$")
        self.assertIn(health["egress"], self.said("cage-host"))
        for entry in ("web.example.test:443", "pg.example.test:5432", "redis.example.test:6379", "mail.example.test:25", "*.example.test:7"):
            self.assertGreater(self.metric("entry_allowed_total", entry=entry), 0, entry)
        self.assertEqual(self.metric("alarms_total"), 0)

    def listening_for_cages(self):
        """The vsock ports that the host listens on, as the kernel's socket tables have them: one set for each cage's namespace (the
        process driver makes the sockets there, and cage-host holds them)."""
        host = self.programs["cage-host"].pid
        held = set()
        for descriptor in pathlib.Path(f"/proc/{host}/fd").iterdir():
            with contextlib.suppress(OSError):
                held.add(os.readlink(descriptor))
        found = {}
        for process in pathlib.Path("/proc").iterdir():
            if not process.name.isdigit():
                continue
            with contextlib.suppress(OSError):
                for line in (process / "net/unix").read_text().splitlines():
                    fields = line.split()
                    if len(fields) == 8 and f"socket:[{fields[6]}]" in held and (port := re.search(r"/v_(\d+)$", fields[7])):
                        found.setdefault(os.readlink(process / "ns/net"), set()).add(int(port[1]))
        return sorted(found.values(), key=len)

    def test_clients_of_every_kind(self):
        self.start_servers()
        self.start_caged()
        self.start_host(f'[egress]\ndns_servers = ["{DNS}"]\n')
        first = self.start_cage("reach", True)
        self.reaches_what_is_listed()
        self.is_refused_what_is_not()
        self.is_refused_private_addresses()
        self.verdicts_agree(first["id"])
        # A cage without a list: nothing listens for it (its host's socket table), and no client gets anywhere.
        second = self.start_cage("alone", False)
        self.assertEqual(self.listening_for_cages(), [{7001, 7002, 9000}, {7001, 7002, 7004, 7005, 9000}])
        for host in ("echo.example.test", ECHO):
            program = f"import socket; socket.create_connection(({host!r}, 7), timeout=5)"
            self.assertNotEqual(self.inside("/usr/bin/python3", "-c", program, deployment=second)["code"], 0)


if __name__ == "__main__":
    project.need(project.CAGE, project.RUNTIME, project.BIN / "cage-runtime-isolated", "dnsmasq", "redis-server", "redis-cli", "psql", "socat", "curl", "openssl", "runuser")
    if not POSTGRES:
        print("skipped: there is no PostgreSQL server", file=sys.stderr)
        sys.exit(project.SKIPPED)
    namespaces.enter()
    unittest.main()
