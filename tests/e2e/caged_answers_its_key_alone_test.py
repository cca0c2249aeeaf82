#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""caged --development comes up by itself and does what the holder of its key asks, nobody else; what is wrong it refuses by name, and what
was done stands in its audit log."""

import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import running  # noqa: E402


class Caged(running.Case):
    def setUp(self):
        super().setUp()
        self.start_caged()

    def test_only_the_key_opens_the_api(self):
        wrong = self.api_key[:-1] + ("A" if self.api_key[-1] != "A" else "E")
        self.assertEqual(self.call("GET", "/v1/apps", key=wrong), "UNAUTHORISED")
        self.assertEqual(self.call("GET", "/v1/apps"), {"apps": []})
        for name in ("master.key", "caged.db", "api-key"):
            self.assertEqual((self.state / "caged" / name).stat().st_mode & 0o777, 0o600, name)

    def test_an_image_that_is_none_is_refused_and_not_kept(self):
        self.call("POST", "/v1/apps", b'{"name":"pay"}')
        for image in (b"\0" * 4096, b"x" * (4 << 20)):
            self.assertRegex(self.call("POST", "/v1/apps/pay/deployments", image), "^EIF_")
        self.assertEqual(list((self.state / "caged/images").glob("*")), [])

    def test_an_image_that_runs_stays_though_it_is_refused_elsewhere(self):
        self.call("POST", "/v1/apps", b'{"name":"pay"}')
        folder = self.app_project("pay")
        image = (folder / self.build(folder)["eif"]).read_bytes()
        taken = self.call("POST", "/v1/apps/pay/deployments", image)
        self.assertEqual(self.call("POST", "/v1/apps/pay/deployments?class=nitro", image), "NO_KERNEL")
        self.assertTrue((self.state / "caged/images" / (taken["image_sha256"] + ".eif")).exists())

    def test_a_host_code_names_the_root(self):
        done = self.cage("host", "enroll-code", "h1")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout, r"^[\w-]{22}\.[\w-]{43}\.[\w-]{64}\n$")

    def test_what_was_done_is_in_the_audit_log(self):
        for _ in range(2):
            self.call("POST", "/v1/apps", b'{"name":"pay"}')
        audit = self.call("GET", "/v1/audit")["audit"]
        self.assertEqual([entry["code"] for entry in audit if entry["action"] == "app.create"], ["EXISTS", "ok"])


if __name__ == "__main__":
    unittest.main()
