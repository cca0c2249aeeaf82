#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A fresh user without root runs enclaves: with a range of ids all owners of the image are kept; without, they collapse, a warning says
so, and an image whose USER is another is refused with what to install."""

import json
import os
import pathlib
import pwd
import re
import shutil
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import process_enclave_test as base  # noqa: E402
import eif  # noqa: E402

USER = "cagese2e"


def cbor(value):
    def head(kind, number):
        for limit, info, size in ((24, number, 0), (256, 24, 1), (65536, 25, 2), (1 << 32, 26, 4)):
            if number < limit:
                return bytes([kind << 5 | info]) + (number.to_bytes(size, "big") if size else b"")
        raise ValueError(number)

    if isinstance(value, bool):
        return b"\xf5" if value else b"\xf4"
    if isinstance(value, int):
        return head(0, value)
    if isinstance(value, bytes):
        return head(2, len(value)) + value
    if isinstance(value, str):
        return head(3, len(value.encode())) + value.encode()
    if isinstance(value, list):
        return head(4, len(value)) + b"".join(map(cbor, value))
    return head(5, len(value)) + b"".join(cbor(k) + cbor(v) for k, v in value.items())


def manifest(uid, gid):
    fields = ["test", ["/app"], [], [uid, gid, []], "/", 15, 8080, 0, [], [], [0, "", 0, 0], [], [False, False, False], [], False,
              [False, []], False, False, 1, [b"\x01" * 48], 0]
    return cbor(["cages/manifest", 1, dict(enumerate(fields, 1))])


@unittest.skipUnless(os.geteuid() == 0 and shutil.which("useradd"), "needs root, to make a user")
class Unprivileged(base.Case):
    subids = True

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.remove_user()
        subprocess.run(["useradd", "--create-home", "--shell", "/bin/sh", USER], check=True, capture_output=True)
        cls.keep_subids(cls.subids)
        cls.home = pathlib.Path(pwd.getpwnam(USER).pw_dir)
        os.chmod(cls.top, 0o755)
        # The programs where that user can read them, as an installation has them.
        cls.bin = cls.top / "bin"
        cls.bin.mkdir()
        for name in ("cage-host", "cage-nsm", "cage"):
            shutil.copy(base.BIN / name, cls.bin / name)

    @classmethod
    def tearDownClass(cls):
        cls.remove_user()
        super().tearDownClass()

    @classmethod
    def remove_user(cls):
        subprocess.run(["userdel", "--remove", USER], capture_output=True)
        cls.keep_subids(False)

    @classmethod
    def keep_subids(cls, wanted):
        for name in ("/etc/subuid", "/etc/subgid"):
            path = pathlib.Path(name)
            lines = [line for line in path.read_text().splitlines() if not line.startswith(USER + ":")] if path.exists() else []
            if wanted:
                lines.append(f"{USER}:1000000:65536")
            path.write_text("".join(line + "\n" for line in lines))

    def as_user(self, words):
        user = pwd.getpwnam(USER)
        return subprocess.run(["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups", *map(str, words)],
                              capture_output=True, text=True, timeout=base.TIME, cwd=self.home,
                              env={"HOME": str(self.home), "USER": USER, "PATH": "/usr/bin:/bin"})

    def run_image(self, image, *more):
        done = self.as_user([self.bin / "cage-host", "enclave", image, "--run", self.home / "run", "--nsm-state", self.home / "nsm",
                             "--json", "--memory-mib", "64", *more])
        events = {e["event"]: e for e in map(json.loads, done.stdout.splitlines())}
        console = re.findall(r'enclave\.console .*?line="?(.*?)"?$', done.stderr, re.M)
        return done.returncode, events, dict(line.split(" ", 1) for line in console if " " in line), done.stderr

    def look(self):
        return self.play("look", extra=[("owned", 0o100640, 1000, 1001, b"x")])

    def assert_fenced(self, found):
        for name, answer in {"ids": "1 0 0", "processes": "1", "vsock": "EAFNOSUPPORT", "bpf": "EPERM", "ptrace": "EPERM",
                             "mount_ext4": "EPERM", "nested": "ok", "heartbeat": "b7"}.items():
            self.assertEqual(found.get(name), answer, name)
        self.assertGreater(int(found["nsm"]), 100)


class Rootless(Unprivileged):
    subids = True

    def test_every_owner_is_kept(self):
        _, events, found, err = self.look()
        self.assertEqual(events["driver"]["mode"], "rootless", err)
        self.assertEqual(found["owned"], "1000 1001 100640", err)
        self.assert_fenced(found)

    def test_processes_are_bounded(self):
        _, _, found, err = self.play("fork", "--processes", "50")
        children, why = found["forked"].split()
        self.assertLess(int(children), 60, err)
        self.assertEqual(why, "EAGAIN")

    def test_another_user_is_kept(self):
        _, events, _, err = self.play("quit", extra=[("cage", 0o040755, 0, 0, b""), ("cage/manifest", 0o100644, 0, 0, manifest(1000, 1000))])
        self.assertEqual(events["ended"]["code"], 0, err)


class SingleId(Unprivileged):
    subids = False

    def test_owners_collapse_and_a_warning_says_so(self):
        _, events, found, err = self.look()
        self.assertEqual(events["driver"]["mode"], "single-id", err)
        self.assertEqual(found["owned"], "0 0 100640")
        self.assertIn("driver.single_id", err)
        self.assert_fenced(found)

    def test_an_image_with_another_user_is_refused(self):
        for uid, gid in ((1000, 0), (0, 5)):
            code, _, _, err = self.play("quit", extra=[("cage", 0o040755, 0, 0, b""), ("cage/manifest", 0o100644, 0, 0, manifest(uid, gid))])
            self.assertEqual(code, 50, err)
            self.assertIn("DRIVER_SINGLE_ID", err)
            self.assertIn("uidmap and passwd", err)

    def test_doctor_says_what_to_install(self):
        done = self.as_user([self.bin / "cage", "doctor", "--json"])
        report = json.loads(done.stdout)
        self.assertEqual(report["mode"], "single-id")
        ids = next(f for f in report["findings"] if f["id"] == "ids")
        self.assertIn("usermod --add-subuids", ids["next"])
        self.assertEqual(done.returncode, 50, "cage-runtime is not beside it")


del base.Case, Unprivileged
if __name__ == "__main__":
    unittest.main()
