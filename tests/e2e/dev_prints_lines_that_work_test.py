# SPDX-License-Identifier: Apache-2.0
"""`cage dev` in a folder with a Dockerfile and no cage.toml: it comes up, the lines it prints work when pasted, Ctrl-C stops
everything."""

import json
import os
import pathlib
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("CAGES_BIN", ROOT / "build/release/bin"))


class Dev(unittest.TestCase):
    def setUp(self):
        self.work = pathlib.Path(tempfile.mkdtemp(prefix="cages-dev."))
        self.addCleanup(shutil.rmtree, self.work, True)
        self.project = self.work / "payments"
        shutil.copytree(ROOT / "examples/payments", self.project)
        subprocess.run(["make", "-s", "-C", self.project, "CC=clang-19"], check=True)
        self.environment = dict(os.environ, CAGE_STATE_DIR=str(self.work / "state"), PATH=f"{BIN}:{os.environ['PATH']}")
        self.out = open(self.work / "out", "w")
        self.addCleanup(self.out.close)
        self.err = open(self.work / "err", "w")
        self.addCleanup(self.err.close)
        self.dev = subprocess.Popen(["cage", "dev", "--yes"], cwd=self.project, env=self.environment, stdout=self.out,
                                    stderr=self.err)
        self.addCleanup(self.stop)
        deadline = time.monotonic() + 60
        while not (self.project / ".cage/dev.json").exists():
            self.assertIsNone(self.dev.poll(), (self.work / "err").read_text())
            self.assertLess(time.monotonic(), deadline, "cage dev did not get ready")
            time.sleep(0.05)
        time.sleep(0.2)

    def stop(self):
        if self.dev.poll() is None:
            self.dev.send_signal(signal.SIGINT)
            self.dev.wait(30)

    def pasted(self):
        text = (self.work / "out").read_text()
        return [line.strip() for line in text.splitlines() if line.startswith(("  cage curl ", "  curl "))]

    def test_pasted_lines_work(self):
        lines = self.pasted()
        self.assertEqual(len(lines), 2)
        for line in lines:
            outcome = subprocess.run(line + "healthz", shell=True, cwd=self.project, env=self.environment,
                                     capture_output=True, text=True, timeout=30, check=False)
            self.assertEqual(outcome.returncode, 0, line + "\n" + outcome.stderr)
            self.assertEqual(json.loads(outcome.stdout), {"status": "ok"}, line)

    def test_a_client_that_expects_other_code_refuses(self):
        measured = self.project / ".cage/measurements.json"
        other = json.loads(measured.read_text())
        other["Measurements"]["PCR0"] = "ab" * 48
        (self.work / "other.json").write_text(json.dumps(other))
        url = json.loads((self.project / ".cage/dev.json").read_text())["url"]
        outcome = subprocess.run(["cage", "curl", "--measurements", self.work / "other.json", url], cwd=self.project,
                                 env=self.environment, capture_output=True, text=True, timeout=30, check=False)
        self.assertEqual(outcome.returncode, 10)
        self.assertIn("PCR_MISMATCH", outcome.stderr)

    def test_interrupt_stops_everything(self):
        pids = json.loads((self.project / ".cage/dev.json").read_text())["pids"].values()
        self.stop()
        self.assertEqual(self.dev.returncode, 0, (self.work / "err").read_text()[-2000:])
        for pid in pids:
            self.assertFalse(pathlib.Path(f"/proc/{pid}").exists())
        self.assertFalse((self.project / ".cage/dev.json").exists())

    def test_a_later_start_runs_the_new_version_alone(self):
        self.stop()
        for _ in range(2):
            subprocess.run(["cage", "dev", "--yes", "--once"], cwd=self.project, env=self.environment, check=True,
                           capture_output=True, timeout=60)
        state = next((self.work / "state/state/dev").iterdir())
        log = (state / "cage-host.log").read_text()
        self.assertEqual(log.count("fleet.started"), 1, log)
        database = sqlite3.connect(f"file:{state}/state/caged/caged.db?mode=ro", uri=True)
        self.addCleanup(database.close)
        states = [row[0] for row in database.execute("SELECT state FROM deployments ORDER BY version")]
        self.assertEqual(states, ["ended", "ended", "live"])


if __name__ == "__main__":
    if not (BIN / "caged").exists():
        print(f"skipped: the programs are not built ({BIN})")
        sys.exit(77)
    unittest.main()
