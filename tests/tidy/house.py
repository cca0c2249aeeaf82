# SPDX-License-Identifier: Apache-2.0
"""What the tidy checks share: which files are ours, and how a check reports and proves that it can fail."""

import pathlib
import subprocess
import sys
import tempfile

SOURCE_FOLDERS = ("src", "include", "tests", "bench", "examples")
SOURCE_SUFFIXES = (".cpp", ".h")


def sources(root, folders=SOURCE_FOLDERS, suffixes=SOURCE_SUFFIXES):
    """Every source file of the project in `folders` of `root`, sorted."""
    found = []
    for folder in folders:
        for path in sorted((root / folder).rglob("*")):
            if path.suffix in suffixes and path.is_file():
                found.append(path)
    return found


def main(check, sample):
    """Runs `check(root)` -> list of findings. With --sample, over a tree made of `sample` {path: text}: each file in it
    whose name holds 'bad' must be named in a finding, and no other may."""
    if sys.argv[1:] == ["--sample"]:
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            for name, text in sample.items():
                path = root / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)
            findings = check(root)
        bad = [name for name in sample if "bad" in name]
        missed = [name for name in bad if not any(name in finding for finding in findings)]
        wrong = [finding for finding in findings if not any(name in finding for name in bad)]
        for name in missed:
            print(f"the check let {name} pass")
        for finding in wrong:
            print(f"the check refused what is right: {finding}")
        sys.exit(1 if missed or wrong else 0)
    findings = check(pathlib.Path(sys.argv[1]).resolve())
    for finding in findings:
        print(finding)
    sys.exit(1 if findings else 0)


def relative(path, root):
    return path.relative_to(root).as_posix()


def run(command):
    return subprocess.run(command, capture_output=True, text=True, check=False)
