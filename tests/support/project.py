# SPDX-License-Identifier: Apache-2.0
"""Projects for end-to-end tests of `cage build`: folders with a cage.toml, a lock, an image; and what is in the result."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

TOP = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("CAGES_BIN", TOP / "build/release/bin"))
CAGE = BIN / "cage"
RUNTIME = BIN / "cage-runtime-isolated"  # of a project without [egress]
NETWORKED = BIN / "cage-runtime"
ROOT = "07" * 48
SKIPPED = 77


def need(*programs):
    """Ends the script as skipped, saying why, where a program is missing."""
    for program in programs:
        if not shutil.which(str(program)):
            print(f"skipped: there is no {program}", file=sys.stderr)
            sys.exit(SKIPPED)


def runtime_of(folder):
    """The build of the runtime that this project is for."""
    text = (pathlib.Path(folder) / "cage.toml").read_text()
    return NETWORKED if re.search(r"^\[egress\]", text, re.M) else RUNTIME  # `cage init` writes one as a comment


class Case(unittest.TestCase):
    def setUp(self):
        self.top = pathlib.Path(tempfile.mkdtemp(prefix="cages-e2e."))
        self.addCleanup(shutil.rmtree, self.top, ignore_errors=True)
        self.env = {**os.environ, "CAGE_STATE_DIR": str(self.top / "state"), "SOURCE_DATE_EPOCH": "1700000000"}

    def project(self, files, name="project", settings="", image='dockerfile = "Dockerfile"'):
        """A folder with these files (path -> text, bytes, or (bytes, mode)) and a lock that names a platform root."""
        folder = self.top / name
        folder.mkdir(parents=True)
        for path, content in files.items():
            content, mode = content if isinstance(content, tuple) else (content, 0o644)
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content.encode() if isinstance(content, str) else content)
            target.chmod(mode)
        (folder / "cage.toml").write_text(f'version = 1\nname = "test"\n{settings}\n[image]\n{image}\n')
        (folder / "cage.lock").write_text(f'version = 1\n[platform]\nurl = "https://example.com"\nroots = ["{ROOT}"]\n')
        return folder

    def cage(self, *args, cwd=None, env=None, **more):
        more = {"capture_output": True, "text": True, "timeout": 570, **more}
        return subprocess.run([CAGE, *map(str, args)], cwd=cwd, env=env or self.env, check=False, **more)

    def build(self, folder, *args, **more):
        done = self.cage("build", "--json", "--runtime", runtime_of(folder), *args, cwd=folder, **more)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def refused(self, folder, *args):
        done = self.cage("build", "--json", "--runtime", runtime_of(folder), *args, cwd=folder)
        self.assertNotEqual(done.returncode, 0)
        return json.loads(done.stderr.splitlines()[-1])["error"]


def ramdisk(path, number):
    """The entries of a ramdisk of an EIF: path -> (mode, uid, gid, content), read by nothing of ours."""
    data = pathlib.Path(path).read_bytes()
    at, found = 548, []
    while at < len(data):
        kind, size = int.from_bytes(data[at:at + 2], "big"), int.from_bytes(data[at + 4:at + 12], "big")
        if kind == 3:
            found.append(data[at + 12:at + 12 + size])
        at += 12 + size
    return cpio(found[number])


def cpio(data):
    entries, at = {}, 0
    while True:
        assert data[at:at + 6] == b"070701", data[at:at + 6]
        field = [int(data[at + 6 + 8 * i:at + 14 + 8 * i], 16) for i in range(13)]
        name = data[at + 110:at + 110 + field[11] - 1].decode()
        start = (at + 110 + field[11] + 3) // 4 * 4
        if name == "TRAILER!!!":
            return entries
        entries[name] = (field[1], field[2], field[3], data[start:start + field[6]])
        at = (start + field[6] + 3) // 4 * 4
