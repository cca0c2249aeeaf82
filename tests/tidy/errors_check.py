# SPDX-License-Identifier: Apache-2.0
"""docs/guide/errors.md lists exactly the errors of src/base/errors.def. `errors_check.py --write ROOT` rewrites the page."""

import pathlib
import re
import sys
import tempfile

import house

ROW = re.compile(r'CAGES_ERROR\((\w+),\s*(\w+),\s*(\w+),\s*"([^"]*)",\s*"([^"]*)"\)', re.S)
EXIT = {"internal": 1, "usage": 2, "reject": 10, "malformed": 20, "policy": 30, "unreachable": 40, "machine": 50,
        "interrupted": 130}
HEAD = """# Errors

Every error has a code, spelled alike in logs, JSON and documents. A command that fails prints the code, what was expected, what came
and what to do next, and exits with the number below. Across a trust line goes the code alone. Codes `MISSING` and `TYPE` take the
member's name after them, as in `MISSING nonce`.

| Code | Exit | Who may see details | What it means | What to do next |
|---|---|---|---|---|
"""


def page(text):
    rows = [f"| `{code}` | {EXIT[kind]} | {audience.replace('_only', '')} | {sentence} | {following} |"
            for code, audience, kind, sentence, following in ROW.findall(text)]
    return HEAD + "\n".join(rows) + "\n"


def check(root):
    text = (root / "src/base/errors.def").read_text()
    findings = []
    codes = [row[0] for row in ROW.findall(text)]
    findings += [f"src/base/errors.def: {code} occurs twice" for code in sorted({c for c in codes if codes.count(c) > 1})]
    if len(codes) != len(re.findall(r"^CAGES_ERROR\(", text, re.M)):
        findings.append("src/base/errors.def: a row cannot be read")
    path = root / "docs/guide/errors.md"
    if not path.exists() or path.read_text() != page(text):
        findings.append("docs/guide/errors.md: not what src/base/errors.def says; run tests/tidy/errors_check.py --write .")
    return findings


def sample_is_refused():
    """A code twice and a stale page: two findings."""
    with tempfile.TemporaryDirectory() as folder:
        top = pathlib.Path(folder)
        for name, text in (("src/base/errors.def", 'CAGES_ERROR(A, any, reject, "x", "y")\n' * 2),
                           ("docs/guide/errors.md", "stale\n")):
            (top / name).parent.mkdir(parents=True, exist_ok=True)
            (top / name).write_text(text)
        return len(check(top)) == 2


if __name__ == "__main__":
    if sys.argv[1:2] == ["--write"]:
        target = pathlib.Path(sys.argv[2])
        (target / "docs/guide").mkdir(parents=True, exist_ok=True)
        (target / "docs/guide/errors.md").write_text(page((target / "src/base/errors.def").read_text()))
    elif sys.argv[1:] == ["--sample"]:
        sys.exit(0 if sample_is_refused() else 1)
    else:
        house.main(check, {})
