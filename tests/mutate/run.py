# SPDX-License-Identifier: Apache-2.0
"""Is each security check needed? Builds the tests with CAGES_MUTATE, then forces each check to pass, one at a time, and
requires that exactly those rows of tests/attacks/table.toml go red that name it.

usage: run.py [--no-build] [--list] [--check ID]... [--report FILE]
  --no-build  take the tree build/mutate as it is
  --list      only compare checks in src/ with rows in the table; builds and runs nothing
  --check     only this check (may be repeated); the rows that must stay green are still all of them
  --report    where the matrix goes (default build/mutate/report.md)
"""

import argparse
import collections
import concurrent.futures
import functools
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import tomllib

ROOT = pathlib.Path(__file__).resolve().parents[2]
TREE = ROOT / "build/mutate"
TABLE = ROOT / "tests/attacks/table.toml"
KEYS = {"id", "lies", "check", "test", "unhooked"}
REQUIRED = KEYS - {"unhooked"}
HOOK = re.compile(r'\bCAGES_CHECK\(\s*(?:"([^"]+)"|\w+\s*,)')
# A check whose name is passed as a variable: `TYPE member`, written where the member is named.
PASSED = re.compile(r'"(TYPE [a-z_0-9]+)"')
SECONDS_MAX = 300
GREEN, RED, SKIPPED = "green", "red", "skipped"


def checks_in_source():
    """Check id -> files that ask it."""
    found = collections.defaultdict(set)
    for path in sorted((ROOT / "src").rglob("*.cpp")):
        text = path.read_text()
        if path.name.endswith("_test.cpp") or "CAGES_CHECK(" not in text:
            continue
        name = path.relative_to(ROOT).as_posix()
        for match in HOOK.finditer(text):
            if match.group(1):
                found[match.group(1)].add(name)
            else:
                for passed in PASSED.findall(text):
                    found[passed].add(name)
    return found


def read_table():
    rows = tomllib.loads(TABLE.read_text()).get("attack", [])
    problems = []
    for row in rows:
        name = row.get("id", "a row without an id")
        if not REQUIRED <= row.keys() <= KEYS:
            problems.append(f"{name}: members are {sorted(REQUIRED)} and, where no hook is possible, unhooked")
    counts = collections.Counter(row.get("id") for row in rows)
    problems += [f"{name}: {count} rows have this id" for name, count in counts.items() if count > 1]
    return rows, problems


def compare(checks, rows):
    named = {row["check"] for row in rows if "unhooked" not in row}
    problems = [f"{check} ({', '.join(sorted(checks[check]))}): no attack needs it" for check in sorted(checks) if check not in named]
    problems += [f"{row['id']}: there is no check {row['check']} in src/" for row in rows
                 if "unhooked" not in row and row["check"] not in checks]
    return problems


def find_program(name):
    found = [path for path in TREE.rglob(name) if path.is_file() and os.access(path, os.X_OK)]
    return found[0] if found else None


@functools.cache
def content(path):
    return path.read_bytes()


def asks(path, check):
    """Whether this program asks the check at all: its name is in it, as a literal. One that does not cannot be changed by it."""
    return check is None or check.encode() in content(path)


def environment(check):
    variables = {**os.environ, "CAGES_BIN": str(TREE / "bin"), "PYTHONDONTWRITEBYTECODE": "1"}
    variables.pop("CAGES_MUTATE_CHECK", None)
    if check:
        variables["CAGES_MUTATE_CHECK"] = check
    return variables


def outcomes_of(report, wanted):
    """gtest's JSON -> {test: outcome}."""
    outcomes = {}
    for suite in json.loads(report.read_text())["testsuites"]:
        for case in suite["testsuite"]:
            name = f"{suite['name']}.{case['name']}"
            if case.get("result") == "SKIPPED" or case.get("status") == "NOTRUN":
                outcomes[name] = SKIPPED
            else:
                outcomes[name] = RED if case.get("failures") else GREEN
    return {name: outcomes[name] for name in wanted if name in outcomes}


def run_gtest(program, tests, check):
    """{test: outcome} of one program. A test that ends or hangs the program is red, and the rest runs without it."""
    with tempfile.TemporaryDirectory() as folder:
        report = pathlib.Path(folder) / "report.json"
        command = [program, f"--gtest_filter={':'.join(tests)}", f"--gtest_output=json:{report}", "--gtest_brief=1"]
        try:
            subprocess.run(command, env=environment(check), capture_output=True, timeout=SECONDS_MAX, check=False)
        except subprocess.TimeoutExpired:
            pass
        if report.exists():
            return outcomes_of(report, tests)
    if len(tests) == 1:
        return {tests[0]: RED}
    half = len(tests) // 2
    return run_gtest(program, tests[:half], check) | run_gtest(program, tests[half:], check)


def run_script(script, test, check):
    command = ["/usr/bin/python3", ROOT / "tests" / script, test]
    try:
        code = subprocess.run(command, env=environment(check), capture_output=True, timeout=SECONDS_MAX, check=False).returncode
    except subprocess.TimeoutExpired:
        return RED
    return {0: GREEN, 77: SKIPPED}.get(code, RED)


def run_rows(rows, check):
    """{row id: outcome} with `check` forced to pass (None: nothing forced)."""
    programs = collections.defaultdict(list)
    outcomes = {}
    for row in rows:
        program, _, test = row["test"].partition(":")
        if check and "unhooked" in row:
            continue  # no check can turn it red: once, with nothing forced, says all there is to say
        if program.endswith(".py"):
            # Minutes each: only where it must go red, and once with nothing forced.
            if check in (None, row["check"]):
                outcomes[row["id"]] = run_script(program, test, check)
        else:
            programs[program].append((test, row["id"]))
    for program, tests in programs.items():
        path = find_program(program)
        if path and not asks(path, check):
            outcomes |= {name: GREEN for _, name in tests}
            continue
        found = run_gtest(path, [test for test, _ in tests], check) if path else {}
        for test, name in tests:
            outcomes[name] = found.get(test, "missing")
    return outcomes


def judge(check, rows, outcomes):
    problems = []
    for row in rows:
        outcome = outcomes.get(row["id"])
        if outcome is None:
            continue
        expected = RED if row["check"] == check and "unhooked" not in row else GREEN
        if outcome != expected:
            forced = f"with {check} forced" if check else "with nothing forced"
            problems.append(f"{row['id']} ({row['test']}): {outcome} {forced}; expected {expected}")
    return problems


def build(rows):
    programs = sorted({row["test"].partition(":")[0] for row in rows})
    wanted = [program for program in programs if not program.endswith(".py")]
    if len(wanted) < len(programs):
        wanted += ["cage", "caged", "cage-host", "cage-runtime", "cage-runtime-isolated", "cage-nsm"]
    subprocess.run(["cmake", "--preset", "mutate"], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    known = subprocess.run(["ninja", "-C", TREE, "-t", "targets", "all"], capture_output=True, text=True, check=True).stdout
    targets = [name for name in wanted if f"\n{name}: phony" in known]
    subprocess.run(["ninja", "-C", TREE, *targets], check=True)


def write_report(path, checks, rows, matrix, problems):
    lines = [f"{len(checks)} checks, {len(rows)} attacks, {len(problems)} problems", "",
             "| check forced to pass | asked in | attacks that then succeed or are refused for another reason |", "|---|---|---|"]
    for check, outcomes in matrix.items():
        red = [name for name, outcome in outcomes.items() if outcome == RED]
        lines.append(f"| {check} | {', '.join(sorted(checks[check]))} | {', '.join(red) or 'none'} |")
    unhooked = [row for row in rows if "unhooked" in row]
    if unhooked:
        lines += ["", "Attacks refused where nothing could be forced:", ""]
        lines += [f"- {row['id']}: {row['check']}: {row['unhooked']}" for row in unhooked]
    if problems:
        lines += ["", "Problems:", ""] + [f"- {problem}" for problem in problems]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n")


def main():
    parser = argparse.ArgumentParser(usage=__doc__.partition("usage: ")[2])
    parser.add_argument("--no-build", action="store_true")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--check", action="append", default=[])
    parser.add_argument("--report", type=pathlib.Path, default=TREE / "report.md")
    arguments = parser.parse_args()
    checks = checks_in_source()
    rows, problems = read_table()
    if not problems:
        problems = compare(checks, rows)
    if arguments.list or any("members are" in problem for problem in problems):
        print("\n".join(problems) or f"{len(checks)} checks, {len(rows)} attacks: each has its other")
        return 1 if problems else 0
    if not arguments.no_build:
        build(rows)
    before = judge(None, rows, run_rows(rows, None))
    problems += before
    # A row that is wrong with nothing forced says nothing of any check.
    sound = [row for row in rows if not any(problem.startswith(f"{row['id']} (") for problem in before)]
    matrix = {}
    chosen = [check for check in sorted(checks) if not arguments.check or check in arguments.check]
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for check, outcomes in zip(chosen, pool.map(lambda check: run_rows(sound, check), chosen)):
            matrix[check] = outcomes
            found = judge(check, sound, outcomes)
            problems += found
            print(f"{len(matrix)}/{len(chosen)} {check}: {', '.join(found) or 'as it should be'}", file=sys.stderr, flush=True)
    write_report(arguments.report, checks, rows, matrix, problems)
    print(arguments.report.read_text())
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
