# SPDX-License-Identifier: Apache-2.0
"""`./run demo` after its build: every outcome is as it should be, and nothing is left running."""

import os
import pathlib
import subprocess
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]


class Demo(unittest.TestCase):
    def test_every_outcome_is_as_it_should_be(self):
        outcome = subprocess.run([ROOT / "setup/demo.sh"], capture_output=True, text=True, timeout=300, check=False)
        self.assertEqual(outcome.returncode, 0, outcome.stdout + outcome.stderr)
        self.assertIn("PROV_PCRS", outcome.stderr)
        self.assertIn("nothing is left running", outcome.stdout)
        self.assertNotIn("FAILED", outcome.stdout)


if __name__ == "__main__":
    if not (ROOT / "build/release/bin/caged").exists():
        print("skipped: the programs are not built (build/release/bin)")
        sys.exit(77)
    os.environ.pop("CAGE_STATE_DIR", None)
    unittest.main()
