#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""small_answers.py: small answers through a cage (`cage dev`, attested TLS, kept-alive connections) against the app alone (plain HTTP). wrk has one
core, everything else the others."""

import os
import re
import socket
import statistics
import subprocess
import time

import measure

CONNECTIONS, SECONDS = 16, 3
# wrk asks the system's resolver, which need not know names below .localhost.
SCRIPT = """function wrk.resolve(host, service)
  wrk.addrs = wrk.lookup("127.0.0.1", service)
end
"""
UNITS = {"us": 1e-3, "ms": 1.0, "s": 1e3}


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def load(url, script, programs):
    """(requests a second, median latency in ms, CPU microseconds a request of all programs, and of each by name)."""
    before = {pid: measure.cpu_seconds([pid]) for pid in programs}
    done = subprocess.run(["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{SECONDS}s", "--latency", "-s", script, url], capture_output=True,
                          text=True, check=True, preexec_fn=measure.pinned(measure.LOAD))
    spent = {}
    for pid, name in programs.items():
        spent[name] = spent.get(name, 0.0) + measure.cpu_seconds([pid]) - before[pid]
    if "Non-2xx" in done.stdout or "Socket errors" in done.stdout:
        raise SystemExit("not every answer was good:\n" + done.stdout)
    requests = int(re.search(r"(\d+) requests in", done.stdout).group(1))
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", done.stdout).group(1))
    middle = re.search(r"50%\s+([\d.]+)(us|ms|s)", done.stdout)
    shares = {name: 1e6 * seconds / requests for name, seconds in spent.items()}
    return rate, float(middle.group(1)) * UNITS[middle.group(2)], sum(shares.values()), shares


def main():
    with measure.work_folder() as work:
        project = measure.payments(work / "payments")
        script = work / "resolve.lua"
        script.write_text(SCRIPT)
        port = free_port()
        alone = subprocess.Popen([project / "payments"], env={**os.environ, "PORT": str(port)}, stdout=subprocess.DEVNULL,
                                 preexec_fn=measure.pinned(measure.REST))
        try:
            with measure.Dev(project, work / "state", measure.REST) as dev:
                time.sleep(1)
                programs = measure.descendants(dev.process.pid)
                acts = {"the app alone": lambda: load(f"http://127.0.0.1:{port}/healthz", script, {alone.pid: "payments"}),
                        "through a cage": lambda: load(dev.info["url"] + "healthz", script, programs)}
                found = measure.take_turns(acts)
        finally:
            alone.kill()
            alone.wait()
    for name, results in found.items():
        rate, latency, cpu, _ = zip(*results)
        print(f"{name:16} {measure.spread(rate, digits=0):26} requests/s   median {measure.spread(latency, digits=2):24} ms   "
              f"{measure.spread(cpu):24} CPU us a request")
    cage, app = found["through a cage"], found["the app alone"]
    shares = [r[3] for r in cage]
    print("of which         " + ", ".join(f"{name} {statistics.median(one[name] for one in shares):.0f}" for name in shares[0]
                                          if statistics.median(one[name] for one in shares) >= 1) + " CPU us")
    print(f"ratio            {measure.ratio([r[0] for r in cage], [r[0] for r in app]):.2f} of the requests, "
          f"{measure.ratio([r[2] for r in cage], [r[2] for r in app]):.2f} times the CPU time")


if __name__ == "__main__":
    main()
