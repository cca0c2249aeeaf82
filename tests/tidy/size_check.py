# SPDX-License-Identifier: Apache-2.0
"""Files of at most 500 lines, functions of at most 70, lines of at most 130 characters, the licence on top."""

import re

import house

FILE_LINES_MAX = 500
FUNCTION_LINES_MAX = 70
LINE_CHARACTERS_MAX = 130
# A definition at namespace or class level: its first line is indented at most two spaces and ends in "{".
OPENS = re.compile(r"^( {0,2})[^\s#/}].*\)[^;]*\{$")
NOT_A_FUNCTION = re.compile(r"^\s*(namespace|class|struct|enum|union|extern|if|for|while|switch|do|else|catch)\b")


def functions(lines):
    """(first line, number of lines) of each function, by the house's layout: the closing brace has the opening's indent."""
    start = None
    for number, line in enumerate(lines, 1):
        if start is None:
            match = OPENS.match(line)
            if match and not NOT_A_FUNCTION.match(line):
                start = (number, match.group(1))
        elif line.rstrip() in (start[1] + "}", start[1] + "};"):
            yield start[0], number - start[0] + 1
            start = None


def check(root):
    findings = []
    for path in house.sources(root, suffixes=(".cpp", ".h", ".py", ".c")):
        name = house.relative(path, root)
        lines = path.read_text().splitlines()
        if not lines or "SPDX-License-Identifier: Apache-2.0" not in "\n".join(lines[:2]):
            findings.append(f"{name}: the first line names the licence (SPDX-License-Identifier: Apache-2.0)")
        if len(lines) > FILE_LINES_MAX:
            findings.append(f"{name}: {len(lines)} lines; at most {FILE_LINES_MAX}: is it one thing?")
        for number, line in enumerate(lines, 1):
            if len(line) > LINE_CHARACTERS_MAX and path.suffix in (".cpp", ".h") and '"' not in line:
                findings.append(f"{name}:{number}: {len(line)} characters; at most {LINE_CHARACTERS_MAX}")
        if path.suffix in (".cpp", ".h"):
            for first, count in functions(lines):
                if count > FUNCTION_LINES_MAX:
                    findings.append(f"{name}:{first}: a function of {count} lines; at most {FUNCTION_LINES_MAX}")
    return findings


LICENCE = "// SPDX-License-Identifier: Apache-2.0\n"
SAMPLE = {
    "src/base/bad_no_licence.h": "#pragma once\n",
    "src/base/bad_long.h": LICENCE + "int x;\n" * FILE_LINES_MAX,
    "src/base/bad_function.cpp": LICENCE + "int f() {\n" + "  g();\n" * FUNCTION_LINES_MAX + "}\n",
    "src/base/bad_line.cpp": LICENCE + "int " + "x" * LINE_CHARACTERS_MAX + ";\n",
    "src/base/good.cpp": LICENCE + "int f() {\n" + "  g();\n" * (FUNCTION_LINES_MAX - 2) + "}\n",
}

if __name__ == "__main__":
    house.main(check, SAMPLE)
