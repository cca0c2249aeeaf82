#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""`cage describe` reads every image or refuses it with a reason, never crashes; `cage cert new`, `cage sign` and `cage diff` on them."""
import json
import os
import pathlib
import random
import struct
import subprocess
import tempfile
import unittest
import zlib

TOP = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("CAGES_BIN", TOP / "build/release/bin"))
VECTORS = pathlib.Path(os.environ.get("CAGE_VECTORS", TOP.parent / "shared/vectors")) / "eif/synthetic"


def cage(*args, cwd=None):
    return subprocess.run([str(BIN / "cage"), *map(str, args)], capture_output=True, cwd=cwd, timeout=60, check=False)


def image(gap=0):
    """A small image: kernel, cmdline, metadata, two ramdisks, `gap` bytes before the last."""
    sections = [(1, b"kernel"), (2, b"panic=30"), (5, b"{}"), (3, b"r0"), (3, b"r1")]
    header, body = bytearray(548), b""
    struct.pack_into(">4sHHQQHH", header, 0, b".eif", 4, 0, 1 << 30, 2, 0, len(sections))
    crc_input = b""
    for i, (kind, data) in enumerate(sections):
        if i == len(sections) - 1:
            body += bytes(gap)
        struct.pack_into(">Q", header, 0x1C + 8 * i, 548 + len(body))
        struct.pack_into(">Q", header, 0x11C + 8 * i, len(data))
        section = struct.pack(">HHQ", kind, 0, len(data)) + data
        body += section
        crc_input += section
    struct.pack_into(">I", header, 544, zlib.crc32(crc_input, zlib.crc32(bytes(header[:544]))))
    return bytes(header) + body


class Describe(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.path = pathlib.Path(self.folder.name) / "a.eif"

    def describe(self, data):
        self.path.write_bytes(data)
        return cage("describe", self.path, "--json")

    def test_image_is_described(self):
        done = self.describe(image())
        self.assertEqual(done.returncode, 0, done.stderr)
        out = json.loads(done.stdout)
        self.assertEqual(out["Measurements"]["HashAlgorithm"], "Sha384 { ... }")
        self.assertEqual((out["EifVersion"], out["IsSigned"], out["CheckCRC"]), (4, False, True))

    def test_gaps_are_reported(self):
        done = self.describe(image(gap=12))
        self.assertEqual(done.returncode, 0, done.stderr)
        out = json.loads(done.stdout)
        self.assertFalse(out["Contiguous"])
        self.assertTrue(any("gap" in note for note in out["Notes"]))
        self.assertEqual(out["Measurements"], json.loads(self.describe(image()).stdout)["Measurements"])

    def test_bad_checksum_is_shown_and_refused(self):
        data = bytearray(image())
        data[-1] ^= 1
        done = self.describe(bytes(data))
        self.assertEqual(done.returncode, 10)
        self.assertFalse(json.loads(done.stdout)["CheckCRC"])
        self.assertEqual(json.loads(done.stderr)["error"]["code"], "EIF_CRC")

    def test_mutated_images_never_crash(self):
        seed = image()
        rng = random.Random(7)
        for _ in range(60):
            data = bytearray(seed)
            for _ in range(rng.randint(1, 6)):
                data[rng.randrange(len(data))] = rng.randrange(256)
            done = self.describe(bytes(data[: rng.randint(0, len(data))] if rng.random() < 0.3 else data))
            self.assertIn(done.returncode, (0, 10), done.stderr)

    def test_fuzz_corpus_never_crashes(self):
        for path in sorted((TOP / "tests/fuzz/corpus/fuzz_eif").iterdir()):
            done = cage("describe", path, "--json")
            self.assertIn(done.returncode, (0, 10), (path, done.stderr))

    def test_signing_keeps_code_and_adds_signer(self):
        self.path.write_bytes(image())
        before = json.loads(cage("describe", self.path, "--json").stdout)["Measurements"]
        made = cage("cert", "new", "--json", cwd=self.folder.name)
        self.assertEqual(made.returncode, 0, made.stderr)
        key = pathlib.Path(self.folder.name) / "signing-key.pem"
        self.assertEqual(key.stat().st_mode & 0o777, 0o600)
        self.assertEqual(cage("cert", "new", cwd=self.folder.name).returncode, 10, "an existing key is never replaced")
        sign = ["sign", self.path, "--certificate", key.with_name("signing-cert.pem"), "--key", key]
        self.assertEqual(cage(*sign).returncode, 0)
        first = self.path.read_bytes()
        done = cage("describe", self.path, "--json")
        out = json.loads(done.stdout)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertTrue(out["IsSigned"] and out["SignatureCheck"])
        after = out["Measurements"]
        self.assertEqual(after.pop("PCR8"), json.loads(made.stdout)["PCR8"])
        self.assertEqual(before, after)
        self.assertEqual(cage(*sign).returncode, 0)
        self.assertEqual(self.path.read_bytes(), first, "the same key and image give the same bytes")

    def test_vectors_behave_as_indexed(self):
        if not VECTORS.exists():
            self.skipTest(f"no shared vectors at {VECTORS}")
        for case in json.loads((VECTORS / "manifest.json").read_text())["cases"]:
            done = cage("describe", VECTORS / case["file"], "--json")
            if case["expect"].startswith("ACCEPT"):
                self.assertEqual(done.returncode, 0, (case["file"], done.stderr))
                measured = json.loads(done.stdout)["Measurements"]
                measured.pop("HashAlgorithm")
                self.assertEqual(measured, case["pcrs"], case["file"])
            else:
                self.assertEqual(done.returncode, 10, (case["file"], done.stdout))
                self.assertIn("code", json.loads(done.stderr)["error"])


if __name__ == "__main__":
    unittest.main()
