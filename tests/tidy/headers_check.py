# SPDX-License-Identifier: Apache-2.0
"""Every header stands alone: it compiles by itself. A tree whose headers passed once is not compiled again."""

import concurrent.futures
import hashlib
import shutil

import house

COMPILER = shutil.which("clang++-19") or "clang++"
FLAGS = ["-std=c++23", "-fsyntax-only", "-x", "c++-header", "-DFMT_HEADER_ONLY", "-Wno-pragma-once-outside-header"]


def digest(paths):
    total = hashlib.sha256()
    for path in paths:
        total.update(path.read_bytes())
    return total.hexdigest()


def compile_header(path, root):
    outcome = house.run([COMPILER, *FLAGS, f"-I{root / 'src'}", f"-I{root / 'include'}", str(path)])
    if outcome.returncode == 0:
        return None
    first = next((line for line in outcome.stderr.splitlines() if "error:" in line), outcome.stderr[:200])
    return f"{house.relative(path, root)}: does not stand alone: {first}"


def check(root):
    stamps = root / "build" / "tidy-headers"
    stamps.mkdir(parents=True, exist_ok=True)
    stamp = stamps / digest(house.sources(root, ("src", "include"), (".h", ".def")))
    if stamp.exists():
        return []
    headers = house.sources(root, ("src", "include"), (".h",))
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        findings = [f for f in pool.map(lambda p: compile_header(p, root), headers) if f]
    if not findings:
        stamp.touch()
    return findings


SAMPLE = {
    "src/base/bad_needs_more.h": "#pragma once\ninline std::string f() { return {}; }\n",
    "src/base/good.h": "#pragma once\n#include <string>\ninline std::string f() { return {}; }\n",
}

if __name__ == "__main__":
    house.main(check, SAMPLE)
