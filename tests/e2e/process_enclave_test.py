#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""An enclave of the process driver finds itself alone, fenced and bounded; an image that is not as it should be is refused."""

import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "support"))
import eif  # noqa: E402

BIN = pathlib.Path(os.environ.get("CAGES_BIN", HERE.parents[1] / "build/release/bin"))
TIME = 60


def build_init(folder):
    path = pathlib.Path(folder) / "init"
    source = HERE.parent / "support/enclave_init.c"
    subprocess.run([os.environ.get("CC", "clang-19"), "-static", "-O1", "-o", path, source], check=True)
    return path.read_bytes()


class Case(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.top = pathlib.Path(tempfile.mkdtemp(prefix="cages-e2e."))
        cls.init = build_init(cls.top)

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.top, ignore_errors=True)

    def write(self, data, name="image.eif"):
        path = self.top / name
        path.write_bytes(data)
        return path

    def command(self, image, *more):
        return [BIN / "cage-host", "enclave", image, "--run", self.top / "run", "--nsm-state", self.top / "nsm", "--json", *more]

    def run_image(self, image, *more):
        """Runs to the end; returns (exit code, events by name, what it wrote on its console, standard error)."""
        done = subprocess.run(self.command(image, *more), capture_output=True, text=True, timeout=TIME)
        events = {e["event"]: e for e in map(json.loads, done.stdout.splitlines())}
        console = re.findall(r'enclave\.console .*?line="?(.*?)"?$', done.stderr, re.M)
        return done.returncode, events, console, done.stderr

    def play(self, role, *more, **changes):
        return self.run_image(self.write(eif.image(self.init, role, **changes)), *more)

    def assert_nothing_left(self):
        self.assertEqual([p.name for p in (self.top / "run/e").iterdir() if p.name != ".lock"], [])
        groups = [p for p in pathlib.Path("/sys/fs/cgroup").glob("**/cages-*") if self.owns(p)]
        self.assertEqual(groups, [])

    def owns(self, path):
        return path.name.startswith("cages-" + getattr(self, "prefix", "nothing"))


class Fenced(Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        case = cls()
        cls.code, cls.events, cls.console, cls.err = case.play("look", "--memory-mib", "64",
                                                               extra=[("hard", 0o100600, 0, 0, b"1"), ("owned", 0o100640, 1000, 1001, b"x")])
        cls.found = dict(line.split(" ", 1) for line in cls.console if " " in line)

    def test_init_ran_and_its_exit_is_told(self):
        self.assertEqual(self.events["ended"]["cause"], "exited", self.err)
        self.assertEqual(self.events["ended"]["code"], 7)
        self.assertEqual(self.code, 1)
        self.assert_nothing_left()

    def test_pcrs_are_of_the_image_that_ran(self):
        import hashlib
        image = eif.image(self.init, "look", extra=[("hard", 0o100600, 0, 0, b"1"), ("owned", 0o100640, 1000, 1001, b"x")])
        first = eif.cpio([("init", 0o100755, 0, 0, self.init)])
        self.assertIn(first, image)
        measured = hashlib.sha384(eif.KERNEL + b"console=ttyS0 panic=1" + first).digest()
        self.assertEqual(self.events["started"]["pcr1"], hashlib.sha384(b"\0" * 48 + measured).hexdigest())

    def test_it_is_alone(self):
        self.assertEqual(self.found["ids"], "1 0 0")
        self.assertEqual(self.found["processes"], "1")
        self.assertEqual([line for line in self.console if line.startswith("interface")], ["interface lo"])
        self.assertEqual(self.found["hostname"], "cage")
        self.assertEqual(self.found["cmdline"], "console=ttyS0 panic=1")
        self.assertEqual(self.found["descriptors"], "4")

    def test_owners_are_the_images(self):
        if os.geteuid() == 0:
            self.assertEqual(self.found["owned"], "1000 1001 100640")

    def test_it_is_fenced_before_it_runs(self):
        text = "\n".join(self.console)
        self.assertRegex(text, r"NoNewPrivs:\W*(?:x09)?1")
        self.assertRegex(text, r"Seccomp:\W*(?:x09)?2")
        self.assertRegex(text, r"CapBnd:\W*(?:x09)?00000000802415fb")

    def test_it_is_refused_what_a_cage_has_no_need_of(self):
        expected = {"vsock": "EAFNOSUPPORT", "alg": "EAFNOSUPPORT", "packet": "EAFNOSUPPORT", "inet": "ok", "io_uring": "ENOSYS", "bpf": "EPERM",
                    "ptrace": "EPERM", "keyctl": "ENOSYS", "userfaultfd": "ENOSYS", "module": "EPERM", "kexec": "EPERM", "perf": "EPERM",
                    "reboot": "EPERM", "by_handle": "EPERM", "newer_call": "ENOSYS", "mount_ext4": "EPERM", "mount_tmpfs": "ok",
                    "mknod": "EPERM", "write_sysctl": "EACCES", "setuid_high": "EINVAL"}
        for name, answer in expected.items():
            with self.subTest(name):
                self.assertEqual(self.found[name], answer)

    def test_the_apps_own_namespaces_can_be_made_in_it(self):
        self.assertEqual(self.found["nested"], "ok")

    def test_heartbeat_and_nsm_answer(self):
        self.assertEqual(self.found["heartbeat"], "b7")
        self.assertGreater(int(self.found["nsm"]), 100)


class Refused(Case):
    def refuse(self, image, code, status=10):
        returned, events, _, err = self.run_image(self.write(image))
        self.assertEqual(returned, status, err)
        self.assertIn("cage-host: " + code, err)
        self.assertNotIn("started", events)
        self.assert_nothing_left()

    def test_a_byte_that_changed(self):
        image = bytearray(eif.image(self.init, "serve"))
        image[len(image) // 2] ^= 1
        self.refuse(image, "EIF_CRC")

    def test_a_signature_that_is_none(self):
        first = eif.cpio([("init", 0o100755, 0, 0, self.init)])
        self.refuse(eif.eif([first], signature=b"\x81\xa0"), "EIF_SIGNATURE_FORMAT")

    def test_paths_that_leave_the_root(self):
        for path in ("../escape", "a/../../escape", "/escape"):
            with self.subTest(path):
                self.refuse(eif.image(self.init, "serve", extra=[(path, 0o100644, 0, 0, b"x")]), "CPIO")

    def test_a_file_through_a_symlink(self):
        extra = [("way", 0o120777, 0, 0, b"/"), ("way/escape", 0o100644, 0, 0, b"x")]
        self.refuse(eif.image(self.init, "serve", extra=extra), "CPIO")

    def test_a_second_ramdisk_that_replaces_init(self):
        self.refuse(eif.image(self.init, "serve", extra=[("zz", 0o040755, 0, 0, b""), ("init", 0o100755, 0, 0, b"other")]), "CPIO")

    def test_something_else_where_the_driver_puts_its_own(self):
        for path in ("cage", "dev", "proc"):
            with self.subTest(path):
                self.refuse(eif.image(self.init, "serve", extra=[(path, 0o120777, 0, 0, b"/tmp")]), "DRIVER_ROOT", 50)

    def test_an_image_that_does_not_fit(self):
        big = ("big", 0o100644, 0, 0, b"x" * (20 << 20))
        returned, _, _, err = self.run_image(self.write(eif.image(self.init, "serve", extra=[big])), "--memory-mib", "16")
        self.assertEqual(returned, 10, err)
        self.assertRegex(err, "DRIVER_MEMORY|DRIVER_LOST")

    def test_no_init(self):
        returned, events, _, err = self.run_image(self.write(eif.eif([eif.cpio([("x", 0o100644, 0, 0, b"")])])))
        self.assertEqual(returned, 1)
        self.assertIn("DRIVER_INIT", err)
        self.assert_nothing_left()

    def test_not_an_image(self):
        self.refuse(b"#!/bin/sh\n", "EIF_")


class Bounded(Case):
    def test_disk(self):
        _, _, console, err = self.play("fill", "--memory-mib", "64")
        found = dict(line.split(" ", 1) for line in console if " " in line)
        megabytes, why = found["filled"].split()
        self.assertLessEqual(int(megabytes), 48, err)
        self.assertEqual(why, "ENOSPC")
        files, why = found["shared_files"].split()
        self.assertLess(int(files), 64)
        self.assertEqual(why, "ENOSPC")

    def test_processes(self):
        _, _, console, err = self.play("fork", "--memory-mib", "64", "--processes", "50")
        found = dict(line.split(" ", 1) for line in console if " " in line)
        children, why = found["forked"].split()
        self.assertLess(int(children), 50, err)
        self.assertEqual(why, "EAGAIN")

    def test_noise_is_escaped_and_cut(self):
        _, _, console, err = self.play("noise", "--memory-mib", "64")
        self.assertNotIn("\033", err)
        self.assertLess(len(console), 500)
        self.assertLess(max(map(len, err.splitlines())), 5000)


class Stopped(Case):
    def start_and_stop(self, role):
        """Tells the host to stop as soon as the enclave has started; what it wrote, having ended well."""
        image = self.write(eif.image(self.init, role))
        with subprocess.Popen(self.command(image), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as host:
            line = ""
            while "started" not in line:
                line = host.stdout.readline()
                self.assertTrue(line)
            host.send_signal(signal.SIGTERM)
            out, err = host.communicate(timeout=TIME)
        self.assertEqual(host.returncode, 0, err)
        return out, err

    def test_sigterm_ends_it_and_leaves_nothing(self):
        out, _ = self.start_and_stop("serve")
        self.assertIn('"stopped"', out)
        self.assert_nothing_left()

    def test_an_init_that_was_not_yet_listening_hears_it_too(self):
        _, err = self.start_and_stop("late")
        self.assertIn("heard 15", err)  # not killed when its grace was over


if __name__ == "__main__":
    unittest.main()
