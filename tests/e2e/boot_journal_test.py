#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A cage boots under the process driver to "waiting for provisioning" and says each stage; a bad image says what is wrong with it."""

import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "support"))
import eif  # noqa: E402
import manifest  # noqa: E402

BIN = pathlib.Path(os.environ.get("CAGES_BIN", HERE.parents[1] / "build/release/bin"))
CMDLINE = b"console=ttyS0 panic=1"
TIME = 30


def image(policy, copy=CMDLINE, running=CMDLINE):
    init = (BIN / "cage-runtime").read_bytes()
    first = eif.cpio([("init", 0o100755, 0, 0, init), ("cmdline", 0o100644, 0, 0, copy)])
    second = eif.cpio([("cage", 0o040755, 0, 0, b""), ("cage/manifest", 0o100644, 0, 0, policy), ("rootfs", 0o040755, 0, 0, b"")])
    return eif.eif([first, second], cmdline=running)


class BootJournal(unittest.TestCase):
    def setUp(self):
        self.top = pathlib.Path(tempfile.mkdtemp(prefix="cages-e2e."))
        self.addCleanup(shutil.rmtree, self.top, ignore_errors=True)

    def boot(self, data, until):
        """Runs the image until a line matches `until` or it ends; then stops it. Returns (exit code, journal, log)."""
        path = self.top / "image.eif"
        path.write_bytes(data)
        log = open(self.top / "log", "w")
        self.addCleanup(log.close)
        host = subprocess.Popen([BIN / "cage-host", "enclave", path, "--run", self.top / "run", "--nsm-state", self.top / "nsm",
                                 "--port", "7001", "--json"], stdout=subprocess.DEVNULL, stderr=log)
        end = time.monotonic() + TIME
        while host.poll() is None and time.monotonic() < end and not re.search(until, (self.top / "log").read_text()):
            time.sleep(0.02)
        if "enclave.ended" not in (self.top / "log").read_text():
            host.send_signal(signal.SIGTERM)
        code = host.wait(TIME)
        text = (self.top / "log").read_text()
        stages = re.findall(r"boot stage=(?:\\x5cx22|\\x22|\")?([a-z.]+)(?:\\x5cx22|\\x22|\")? code=(?:\\x5cx22|\\x22|\")?([A-Za-z_ ]+?)(?:\\x5cx22|\\x22|\")? detail=", text)
        return code, stages, text

    def test_reaches_waiting_for_provisioning_and_stops_when_told(self):
        code, stages, text = self.boot(image(manifest.manifest(["/app"])), r"stage=\W*nsm\.describe")
        self.assertEqual(stages, [("init.mounts", "ok"), ("init.entropy", "ok"), ("init.heartbeat", "ok"), ("nsm.describe", "ok")], text)
        self.assertEqual(code, 0, text)

    def test_without_a_token_it_says_so_by_name(self):
        _, stages, text = self.boot(image(manifest.manifest(["/app"])), r"stage=\W*token")
        self.assertEqual(stages[-1], ("token", "TIMEOUT"), text)

    def test_an_unmeasured_word_that_chooses_what_runs_stops_it(self):
        data = image(manifest.manifest(["/app"]), running=CMDLINE + b" init=/bin/sh")
        code, stages, text = self.boot(data, r"enclave\.ended")
        self.assertEqual((code, stages), (1, [("init.mounts", "CMDLINE")]), text)

    def test_an_expected_word_passes_and_another_is_noted(self):
        _, stages, text = self.boot(image(manifest.manifest(["/app"]), running=CMDLINE + b" tsc_early_khz=1 quiet"), r"stage=\W*init\.entropy")
        self.assertEqual(stages[0], ("init.mounts", "ok"), text)
        self.assertRegex(text, "command line also has: quiet")

    def test_a_broken_manifest_is_named(self):
        for policy, code in ((b"\xa0", "TYPE"), (manifest.manifest([]), "MANIFEST"), (manifest.manifest(["/app"], k8=1), "MANIFEST"),
                             (manifest.manifest(["/app"], k15=True), "MANIFEST")):
            ended, stages, text = self.boot(image(policy), r"enclave\.ended")
            self.assertEqual(ended, 1, text)
            self.assertTrue(stages and stages[0][0] == "init.mounts" and stages[0][1].startswith(code), text)


if __name__ == "__main__":
    if os.geteuid() != 0:
        print("skipped: needs root, for the driver's root mode")
        sys.exit(77)
    unittest.main()
