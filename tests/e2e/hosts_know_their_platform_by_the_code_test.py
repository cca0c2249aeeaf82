#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A host knows its platform by the root that its enrolment code names, and by nothing else: not at first, not later, and no setting says it."""

import base64
import os
import pathlib
import re
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import project  # noqa: E402
import running  # noqa: E402


class Hosts(running.Case):
    def setUp(self):
        super().setUp()
        self.start_caged()

    def enrol(self, code):
        (self.top / "code").write_text(code)
        (self.top / "code").chmod(0o600)
        config = self.top / "enrol.toml"
        config.write_text(f'caged = "127.0.0.1:{self.ports["hosts"]}"\nstate = "{self.top}/e"\n')
        return subprocess.run([project.BIN / "cage-host", "enrol", "--config", config, "--enrol-file", self.top / "code"], env=self.env,
                              capture_output=True, text=True, timeout=60)

    def new_code(self):
        return self.call("POST", "/v1/enrolments", b'{"name":"h2"}')["code"]

    def test_a_code_with_another_root_enrols_nowhere(self):
        ident, secret, _ = self.new_code().split(".")
        done = self.enrol(".".join((ident, secret, base64.urlsafe_b64encode(b"\7" * 48).decode().rstrip("="))))
        self.assertEqual(done.returncode, 10, done.stderr)
        self.assertIn("PLATFORM_ROOT", done.stderr)
        self.assertFalse((self.top / "e/host.pem").exists())
        self.assertEqual(self.call("GET", "/v1/hosts"), {"hosts": []})

    def test_a_code_is_good_once(self):
        code = self.new_code()
        self.assertEqual(self.enrol(code).returncode, 0)
        (self.top / "e").rename(self.top / "first")
        done = self.enrol(code)
        self.assertEqual(done.returncode, 10, done.stderr)
        self.assertIn("LINK_REFUSED", done.stderr)

    def test_an_enrolled_host_takes_no_other_platform(self):
        self.start_host()
        self.until(lambda: self.observed("/health")["platform"], "session")
        self.stop("cage-host")
        # Another platform answers at the address from now on.
        self.stop("caged")
        own = self.env
        self.env = {**own, "CAGE_STATE_DIR": str(self.top / "other")}
        self.state = self.top / "other/state"
        self.start_caged()
        self.env = own
        config = self.top / "host.toml"
        config.write_text(re.sub(r'caged = "[^"]*"', f'caged = "127.0.0.1:{self.ports["hosts"]}"', config.read_text()))
        (self.top / "cage-host.out").unlink()
        (self.top / "cage-host.err").unlink()
        self.start("cage-host", "serve", "--development", "--config", config)
        self.until(lambda: "PLATFORM_ROOT" in self.said("cage-host"), "refusal")
        self.assertEqual(self.call("GET", "/v1/hosts"), {"hosts": []})

    def test_a_setting_that_names_a_root_is_unknown(self):
        config = self.top / "old.toml"
        config.write_text(f'caged = "127.0.0.1:{self.ports["hosts"]}"\ncaged_roots = ["{"07" * 48}"]\n')
        done = subprocess.run([project.BIN / "cage-host", "serve", "--config", config], env=self.env, capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 20, done.stderr)
        self.assertIn("caged_roots", done.stderr)


if __name__ == "__main__":
    if os.geteuid() != 0:
        print("skipped: needs root, for the driver's root mode")
        sys.exit(project.SKIPPED)
    unittest.main()
