# SPDX-License-Identifier: Apache-2.0
"""clang-tidy over what changed since main (or, on main, in the last commit); `lint_check.py . --all` over every source file, which
`./run test-full tidy` does. A file that passed once is not looked at again while nothing that it includes has changed.

What changed is taken from git; where there is none, every file counts as changed."""

import concurrent.futures
import hashlib
import os
import pathlib
import shutil
import subprocess
import sys

import house

TIDY = shutil.which("clang-tidy-19") or "clang-tidy"
COMPILER = shutil.which("clang++-19") or "clang++"
FILES_MAX = 12  # of what changed, so that `./run test` stays short
FLAGS = ["-std=c++23", "-DFMT_HEADER_ONLY", "-DBOOST_ASIO_NO_DEPRECATED", "-DBOOST_ASIO_DISABLE_BOOST_ARRAY", '-DCAGES_SOURCE_DIR="."',
         '-DCAGES_VERSION="0"']
TOP = pathlib.Path(__file__).resolve().parents[2]


def git(root, *words):
    done = house.run(["git", "-C", str(root), *words])
    return done.stdout.split("\n") if done.returncode == 0 else None


def changed(root):
    """Source files that differ from main; those whose header alone did are their header's."""
    names = None
    for base in ("origin/main", "main", "HEAD~1"):
        ancestor = git(root, "merge-base", "HEAD", base)
        if ancestor and ancestor[0] != (git(root, "rev-parse", "HEAD") or [""])[0]:
            names = (git(root, "diff", "--name-only", ancestor[0]) or []) + (git(root, "ls-files", "-o", "--exclude-standard") or [])
            break
    every = lintable(root)
    if names is None:
        return every
    wanted = {name.removesuffix(".h").removesuffix(".cpp") for name in names if name.endswith((".h", ".cpp"))}
    return [path for path in every if house.relative(path, root).removesuffix(".cpp") in wanted]


def lintable(root):
    return [path for path in house.sources(root, ("src",), (".cpp",)) if not path.name.endswith("_test.cpp")]


def flags(root):
    return [*FLAGS, f"-I{root / 'src'}", f"-I{root / 'include'}"]


def stamp_of(path, root):
    """A name for the file with all that it includes and all that it is judged by."""
    seen = subprocess.run([COMPILER, "-E", "-P", *flags(root), str(path)], capture_output=True, check=False).stdout
    digest = hashlib.sha256(seen + path.read_bytes() + (TOP / ".clang-tidy").read_bytes())
    return root / "build/tidy-lint" / digest.hexdigest()


def lint(path, root):
    stamp = stamp_of(path, root)
    if stamp.exists():
        return None
    outcome = house.run([TIDY, f"--config-file={TOP / '.clang-tidy'}", "--quiet", "--warnings-as-errors=*", str(path), "--", *flags(root)])
    if outcome.returncode == 0:
        stamp.parent.mkdir(parents=True, exist_ok=True)
        stamp.touch()
        return None
    lines = [line for line in outcome.stdout.splitlines() if ": error:" in line or ": warning:" in line]
    return "\n".join([house.relative(path, root) + ": clang-tidy:", *(lines or outcome.stderr.splitlines()[-3:])])


def lint_all(files, root):
    with concurrent.futures.ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        return [finding for finding in pool.map(lambda path: lint(path, root), files) if finding]


def check(root):
    files = changed(root)
    if len(files) > FILES_MAX:
        print(f"{len(files)} files changed; these {FILES_MAX} are looked at, `./run test-full tidy` looks at all")
        files = sorted(files, key=lambda path: hashlib.sha256(path.read_bytes()).digest())[:FILES_MAX]
    return lint_all(files, root)


SAMPLE = {
    "src/base/bad_moved.cpp": "#include <string>\n#include <utility>\nsize_t f(std::string a) {\n  std::string b = std::move(a);\n"
                              "  return a.size() + b.size();\n}\n",
    "src/base/good.cpp": "int f(int a) { return a + 1; }\n",
}

if __name__ == "__main__":
    if sys.argv[2:] == ["--all"]:
        top = pathlib.Path(sys.argv[1]).resolve()
        everything = lintable(top)
        found = lint_all(everything, top)
        print("\n".join([*found, f"tidy: {len(everything)} files, {len(found)} with findings"]))
        sys.exit(1 if found else 0)
    house.main(check, SAMPLE)
