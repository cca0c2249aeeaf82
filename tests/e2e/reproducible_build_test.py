#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The same project gives the same bytes: on another path, another day, under another umask, locale and user; signed or not."""

import os
import pathlib
import pwd
import shutil
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import project  # noqa: E402

OUTPUTS = ("test.eif", "measurements.json", "release.json")
ROOTFS = {
    "root/bin/app": (b"#!/bin/sh\n", 0o755),
    "root/etc/passwd": "root:x:0:0::/root:/bin/sh\n",
    "root/data/\u00e9": "x" * 5000,
    "root/data/a": "1",
    "root/data-b": "2",
}
SETTINGS = 'port = 80\n[logs]\napp = "forward"\n'


def outputs(folder):
    return {name: (folder / ".cage" / name).read_bytes() for name in OUTPUTS}


class Reproducible(project.Case):
    image = 'rootfs = "root"\ncommand = ["/bin/app"]'

    def rootfs_project(self, name="project", settings=SETTINGS):
        return self.project(ROOTFS, name, settings, self.image)

    def copy(self, folder, name):
        target = self.top / name
        shutil.copytree(folder, target, symlinks=True, ignore=shutil.ignore_patterns(".cage"))
        return target

    def test_twice_in_one_place(self):
        folder = self.rootfs_project()
        self.build(folder)
        first = outputs(folder)
        self.build(folder, "--locked")
        self.assertEqual(outputs(folder), first)

    def test_on_another_path_day_and_umask_and_in_another_locale(self):
        folder = self.rootfs_project()
        self.build(folder)
        other = self.copy(folder, "a/longer path/with spaces")
        for path in (other / "root").rglob("*"):
            os.utime(path, (1, 1), follow_symlinks=False)
        env = {**self.env, "TZ": "Pacific/Auckland", "LC_ALL": "C", "LANG": "tr_TR.UTF-8"}
        before = os.umask(0o077)
        try:
            self.build(other, "--locked", env=env)
        finally:
            os.umask(before)
        self.assertEqual(outputs(other), outputs(folder))

    def test_without_source_date_epoch_the_lock_alone_decides(self):
        folder = self.rootfs_project()
        env = {name: value for name, value in self.env.items() if name != "SOURCE_DATE_EPOCH"}
        self.build(folder, env=env)
        other = self.copy(folder, "other")
        self.build(other, "--locked", env=env)
        self.assertEqual(outputs(other), outputs(folder))

    def test_signed_with_every_curve(self):
        for curve in ("p256", "p384", "p521"):
            folder = self.rootfs_project(curve, SETTINGS + '[signing]\ncertificate = "cert.pem"\nkey = "key.pem"\n')
            for words in (["cert", "new", "--certificate", "cert.pem", "--key", "key.pem", "--curve", curve],
                          ["release-key", "new", "--curve", curve]):
                made = self.cage(*words, cwd=folder)
                self.assertEqual(made.returncode, 0, made.stderr)
            built = self.build(folder, "--release-key", "release-key.pem")
            self.assertTrue(built["signed"])
            self.assertIn("PCR8", built["Measurements"])
            other = self.copy(folder, curve + "-other")
            self.build(other, "--release-key", "release-key.pem", "--locked")
            self.assertEqual(outputs(other), outputs(folder))

    def test_by_another_user(self):
        if os.getuid() != 0:
            self.skipTest("needs root to become somebody else")
        folder = self.rootfs_project()
        self.build(folder)
        other = self.copy(folder, "other")
        user = pwd.getpwnam("nobody")
        self.top.chmod(0o755)
        for path in [other, *other.rglob("*")]:
            os.chown(path, user.pw_uid, user.pw_gid, follow_symlinks=False)
        env = {**self.env, "CAGE_STATE_DIR": str(other / "state")}
        done = subprocess.run([project.CAGE, "build", "--locked", "--runtime", project.RUNTIME], cwd=other, env=env, capture_output=True,
                              text=True, user=user.pw_uid, group=user.pw_gid, extra_groups=[], timeout=120, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(outputs(other), outputs(folder))

    def test_one_changed_byte_is_another_release(self):
        folder = self.rootfs_project()
        first = self.build(folder)
        (folder / "root/data/a").write_text("2")
        error = self.refused(folder, "--locked")
        self.assertEqual(error["code"], "LOCK_DIFFERS")
        second = self.build(folder)
        self.assertEqual((first["counter"], second["counter"]), (1, 2))
        pcrs = [[built["Measurements"][f"PCR{n}"] for n in (0, 1, 2)] for built in (first, second)]
        self.assertNotEqual(pcrs[0][0], pcrs[1][0])
        self.assertEqual(pcrs[0][1], pcrs[1][1], "the runtime is the same")
        self.assertNotEqual(pcrs[0][2], pcrs[1][2])


if __name__ == "__main__":
    project.need(project.CAGE, project.RUNTIME)
    unittest.main()
