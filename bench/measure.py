# SPDX-License-Identifier: Apache-2.0
"""What the benchmarks share: rounds that take turns, medians with their spread, cores of their own, a running `cage dev`."""

import contextlib
import json
import os
import pathlib
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

TOP = pathlib.Path(__file__).resolve().parents[1]
BIN = pathlib.Path(os.environ.get("CAGES_BIN", TOP / "build/release/bin"))
ROUNDS = int(os.environ.get("ROUNDS", "7"))
# Whoever makes the load has one core, what is measured has the rest.
CORES = sorted(os.sched_getaffinity(0))
LOAD, REST = ({CORES[0]}, set(CORES[1:])) if len(CORES) > 1 else (set(CORES), set(CORES))


def spread(values, scale=1.0, digits=1):
    """The median, with the least and the most."""
    low, middle, high = (f"{scale * v:.{digits}f}" for v in (min(values), statistics.median(values), max(values)))
    return f"{middle} ({low} to {high})"


def take_turns(acts, rounds=ROUNDS):
    """Runs each of `acts` (name -> function) once a round, so that what disturbs the machine disturbs all; name -> results."""
    results = {name: [] for name in acts}
    for number in range(rounds):
        for name in list(acts) if number % 2 == 0 else reversed(list(acts)):
            results[name].append(acts[name]())
    return results


def ratio(of, to):
    """The median of the rounds' own ratios."""
    return statistics.median(a / b for a, b in zip(of, to, strict=True))


def timed(command, **more):
    """(wall seconds, CPU seconds, peak resident KiB) of a program and its children."""
    begin = time.monotonic()
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, **more)
    errors = child.stderr.read()
    child.stderr.close()
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        sys.exit(f"{command[0]} failed: {errors.decode(errors='replace')}")
    return time.monotonic() - begin, usage.ru_utime + usage.ru_stime, usage.ru_maxrss


def pinned(cores):
    return lambda: os.sched_setaffinity(0, cores)


def descendants(pid):
    """pid and every process below it: pid -> what it is called."""
    parents = {}
    for folder in pathlib.Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError):
            parents[int(folder.name)] = int((folder / "stat").read_text().rsplit(")", 1)[1].split()[1])
    found, todo = {}, [pid]
    while todo:
        one = todo.pop()
        with contextlib.suppress(OSError):
            words = pathlib.Path(f"/proc/{one}/cmdline").read_bytes().split(b"\0")
            name = pathlib.Path(words[0].decode()).name
            found[one] = name + (" warden" if words[1:2] == [b"warden"] else "")
        todo += [child for child, parent in parents.items() if parent == one]
    return found


def cpu_seconds(pids):
    total = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
            total += int(fields[11]) + int(fields[12])
    return total / os.sysconf("SC_CLK_TCK")


@contextlib.contextmanager
def work_folder():
    path = pathlib.Path(tempfile.mkdtemp(prefix="cages-bench."))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def payments(folder):
    """A copy of the example, built."""
    shutil.copytree(TOP / "examples/payments", folder, ignore=shutil.ignore_patterns("payments", ".cage"))
    subprocess.run(["make", "-s", "-C", folder, "CC=" + (shutil.which("clang-19") or "cc")], check=True)
    return folder


class Dev:
    """A `cage dev` that is ready; `info` is its dev.json, `seconds` the time it took."""

    def __init__(self, project, state, cores):
        self.log = open(project.parent / "dev.log", "wb")
        ready = project / ".cage/dev.json"
        begin = time.monotonic()
        self.process = subprocess.Popen([BIN / "cage", "dev", "--yes", "-C", project], stdout=self.log, stderr=self.log,
                                        env={**os.environ, "CAGE_STATE_DIR": str(state)}, preexec_fn=pinned(cores))
        while not ready.exists():
            if self.process.poll() is not None or time.monotonic() - begin > 120:
                sys.exit("cage dev did not get ready:\n" + (project.parent / "dev.log").read_text(errors="replace")[-4000:])
            time.sleep(0.01)
        self.seconds = time.monotonic() - begin
        self.info = json.loads(ready.read_text())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGINT)
        self.process.wait(60)
        self.log.close()
