#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""`cage describe` names the runtime release of an image by PCR1 and shows how it was built; another runtime is "unknown"."""

import hashlib
import json
import pathlib
import shutil
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import project  # noqa: E402

RELEASES = project.BIN / "runtime-releases.json"


class Releases(project.Case):
    def described(self, folder, *args):
        done = self.cage("describe", folder / ".cage/test.eif", "--json", *args)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def rootfs(self, name="project"):
        return self.project({"root/app": (b"x", 0o755)}, name, "port = 80\n", 'rootfs = "root"\ncommand = ["/app"]')

    def test_release_of_this_build_is_named(self):
        folder = self.rootfs()
        self.build(folder)
        release = self.described(folder)["RuntimeRelease"]
        self.assertEqual(release["Build"], "isolated")
        self.assertEqual(release["Sha256"], hashlib.sha256(project.RUNTIME.read_bytes()).hexdigest())
        record = release["BuildRecord"]
        self.assertIn("clang", record["compiler"])
        self.assertIn("libssl-dev", record["archives"])
        self.assertNotIn("unknown", record["archives"].values())

    def test_another_runtime_is_unknown(self):
        folder = self.rootfs()
        other = self.top / "runtime"
        shutil.copy(project.RUNTIME, other)
        with other.open("ab") as file:
            file.write(b"\0")
        done = self.cage("build", "--json", "--runtime", other, cwd=folder)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.described(folder)["RuntimeRelease"], "unknown")

    def test_signed_list_is_checked(self):
        folder = self.rootfs()
        self.build(folder)
        self.assertEqual(self.cage("release-key", "new", cwd=self.top).returncode, 0)
        made = self.cage("runtime", "releases", "--runtime", f"isolated={project.RUNTIME}", "--key", "release-key.pem", "-o", "list.json",
                         cwd=self.top)
        self.assertEqual(made.returncode, 0, made.stderr)
        args = ["--releases", self.top / "list.json", "--releases-key", self.top / "release-key.pub.pem"]
        self.assertEqual(self.described(folder, *args)["RuntimeRelease"]["Build"], "isolated")
        text = (self.top / "list.json").read_text().replace("isolated", "networked")
        (self.top / "list.json").write_text(text)
        done = self.cage("describe", folder / ".cage/test.eif", "--json", *args)
        self.assertEqual(done.returncode, 10)
        self.assertEqual(json.loads(done.stderr)["error"]["code"], "RELEASE_STATEMENT")


if __name__ == "__main__":
    project.need(project.CAGE, project.RUNTIME)
    if not RELEASES.exists():
        print(f"skipped: there is no {RELEASES}", file=sys.stderr)
        sys.exit(project.SKIPPED)
    unittest.main()
