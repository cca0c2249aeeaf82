# SPDX-License-Identifier: Apache-2.0
"""An app that is root in its image, in a cage without [egress], tries DNS, TCP, UDP, raw sockets, vsock, netlink, io_uring and the host's
ports, and gets nowhere; from outside, its network namespace holds loopback and the app's own port. The same program in a cage with an
empty [egress] is caught and refused instead, which is how this test would look if the isolated build had a network."""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("CAGES_BIN", ROOT / "build/release/bin"))
PORT = 8080
NOWHERE = {
    "dns here": "ECONNREFUSED", "dns here by tcp": "ECONNREFUSED", "dns elsewhere": "ENETUNREACH", "tcp": "ENETUNREACH",
    "tcp v6": "ENETUNREACH", "tcp to a name's address": "ECONNREFUSED", "tcp to metadata": "ENETUNREACH",
    "add a route": "EPERM", "add a rule": "EPERM", "unshare network": "EPERM", "host's egress port": "ENOENT", "host's dns port": "ENOENT",
    "socket vsock": "EAFNOSUPPORT", "socket packet": "EAFNOSUPPORT", "socket raw": "EPERM", "io_uring_setup": "ENOSYS",
}
# Where there is egress: answered by a refusal, or caught and then reset.
CAUGHT = {"dns here": "ok", "dns here by tcp": "ok", "tcp": "ok", "tcp v6": "ok", "tcp to metadata": "ok"}


def build_probe(folder):
    path = folder / "probe"
    subprocess.run(["clang++-19", "-std=c++20", "-O1", "-static", "-o", path, ROOT / "tests/attacks/app_probe.cpp"], check=True)
    return path


class Isolated(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.top = pathlib.Path(tempfile.mkdtemp(prefix="cages-isolated."))
        cls.addClassCleanup(shutil.rmtree, cls.top, True)
        cls.probe = build_probe(cls.top)

    def start(self, name, settings):
        project = self.top / name
        (project / "rootfs").mkdir(parents=True)
        shutil.copy(self.probe, project / "rootfs/probe")
        (project / "cage.toml").write_text(
            f'version = 1\nname = "{name}"\nport = {PORT}\n[image]\nrootfs = "rootfs"\ncommand = ["/probe", "network", "{PORT}"]\n'
            f'[logs]\napp = "forward"\n{settings}')
        self.out = project / "out"
        with self.out.open("w") as out:
            dev = subprocess.Popen([BIN / "cage", "dev", "--yes"], cwd=project, stdout=out, stderr=subprocess.STDOUT,
                                   env={**os.environ, "CAGE_STATE_DIR": str(self.top / f"{name}-state")})
        self.addCleanup(self.stop, dev)
        deadline = time.monotonic() + 60
        while not (project / ".cage/dev.json").exists() or "tried=all" not in self.out.read_text():
            self.assertIsNone(dev.poll(), self.out.read_text())
            self.assertLess(time.monotonic(), deadline, self.out.read_text())
            time.sleep(0.1)
        return json.loads((project / ".cage/dev.json").read_text())

    @staticmethod
    def stop(dev):
        if dev.poll() is None:
            dev.send_signal(signal.SIGINT)
            dev.wait(30)

    def results(self):
        return dict(line.rsplit("text=", 1)[1].strip().strip('"').split("=", 1) for line in self.out.read_text().splitlines()
                    if "text=" in line and "=" in line.rsplit("text=", 1)[1])

    def init_pid(self, host_pid):
        """The runtime, seen from outside: the process named init below cage-host whose network is not ours."""
        ours = os.readlink("/proc/self/ns/net")
        for entry in pathlib.Path("/proc").iterdir():
            try:
                if entry.name.isdigit() and os.readlink(entry / "exe") == "/init" and os.readlink(entry / "ns/net") != ours:
                    at = int(entry.name)
                    while at > 1:
                        if at == host_pid:
                            return int(entry.name)
                        at = int((pathlib.Path("/proc") / str(at) / "stat").read_text().rsplit(")", 1)[1].split()[1])
            except OSError:
                continue
        self.fail("there is no enclave")

    def test_nothing_gets_out_of_a_cage_without_egress(self):
        facts = self.start("isolated", "")
        got = self.results()
        self.assertEqual({name: got.get(name) for name in NOWHERE}, NOWHERE)
        net = pathlib.Path(f"/proc/{self.init_pid(facts['pids']['cage-host'])}/net")
        self.assertEqual([line.split(":")[0].strip() for line in (net / "dev").read_text().splitlines()[2:]], ["lo"])
        for table in ("udp", "udp6", "raw", "raw6"):
            self.assertEqual(len((net / table).read_text().splitlines()), 1, table)  # its head alone
        listening = [line.split()[1] for table in ("tcp", "tcp6") for line in (net / table).read_text().splitlines()[1:]
                     if line.split()[3] == "0A"]
        self.assertEqual(listening, [f"00000000:{PORT:04X}"])

    def test_with_an_empty_list_the_same_app_is_caught_and_refused(self):
        self.start("listed", "[egress]\nallow = []\n")
        got = self.results()
        self.assertEqual({name: got.get(name) for name in CAUGHT}, CAUGHT)
        self.assertEqual(got.get("add a route"), "EPERM")
        self.assertEqual(got.get("host's egress port"), "ENOENT")
        deadline = time.monotonic() + 1  # "cage dev shows it within a second"
        while 'egress refused: 192.0.2.1 port 443' not in self.out.read_text():
            self.assertLess(time.monotonic(), deadline, self.out.read_text())
            time.sleep(0.1)


if __name__ == "__main__":
    unittest.main()
