# SPDX-License-Identifier: Apache-2.0
"""Every header stands alone: it compiles by itself. The build itself proves it of a header that is the first include of some source
file, as a header is of its own; only the others are compiled here, and not again while no header changed."""

import concurrent.futures
import hashlib
import re
import shutil

import house

COMPILER = shutil.which("clang++-19") or "clang++"
FLAGS = ["-std=c++23", "-fsyntax-only", "-x", "c++-header", "-DFMT_HEADER_ONLY", "-Wno-pragma-once-outside-header"]


def digest(paths, more):
    total = hashlib.sha256(more.encode())
    for path in paths:
        total.update(path.read_bytes())
    return total.hexdigest()


def compile_header(path, root):
    outcome = house.run([COMPILER, *FLAGS, f"-I{root / 'src'}", f"-I{root / 'include'}", str(path)])
    if outcome.returncode == 0:
        return None
    first = next((line for line in outcome.stderr.splitlines() if "error:" in line), outcome.stderr[:200])
    return f"{house.relative(path, root)}: does not stand alone: {first}"


FIRST_INCLUDE = re.compile(r'^\s*#\s*include\s+[<"]([^>"]+)[>"]', re.MULTILINE)


def included_first(root):
    """The headers, as they are named in includes, that some source file of the programs includes before anything else."""
    matches = (FIRST_INCLUDE.search(path.read_text()) for path in house.sources(root, ("src",), (".cpp",)))
    return {match.group(1) for match in matches if match}


def name_in_includes(path, root):
    return house.relative(path, root).split("/", 1)[1]


def check(root):
    stamps = root / "build" / "tidy-headers"
    stamps.mkdir(parents=True, exist_ok=True)
    proved = included_first(root)
    headers = [path for path in house.sources(root, ("src", "include"), (".h",)) if name_in_includes(path, root) not in proved]
    names = "\n".join(name_in_includes(path, root) for path in headers)
    stamp = stamps / digest(house.sources(root, ("src", "include"), (".h", ".def")), names)
    if stamp.exists():
        return []
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        findings = [f for f in pool.map(lambda p: compile_header(p, root), headers) if f]
    if not findings:
        stamp.touch()
    return findings


SAMPLE = {
    "src/base/bad_needs_more.h": "#pragma once\ninline std::string f() { return {}; }\n",
    "src/base/second.cpp": '#include <string>\n\n#include "base/bad_needs_more.h"\n',
    "src/base/good.h": "#pragma once\n#include <string>\ninline std::string f() { return {}; }\n",
}

if __name__ == "__main__":
    house.main(check, SAMPLE)
