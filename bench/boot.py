#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""boot.py: how long `cage dev` takes, first and again; a boot from the driver's start to "ready" under the `process` driver, stage by stage
from the journal; and what each program holds in memory when nothing happens."""

import json
import pathlib
import time
import urllib.request

import measure

IDLE_S = 5


def journal(info):
    with urllib.request.urlopen(f"http://127.0.0.1:{info['metrics']}/journal/{info['deployment']}", timeout=10) as answer:
        return json.load(answer)["entries"]


def stages(entries):
    """Stage -> milliseconds. The driver's entries are durations, the runtime's are times of one clock."""
    out, before = {}, None
    for entry in entries:
        at = entry["ns"] / 1e6
        if entry["source"] == "host":
            out[entry["stage"]] = at
            continue
        if before is not None:
            out[entry["stage"]] = at - before
        before = at
    enclave = [entry["ns"] / 1e6 for entry in entries if entry["source"] == "enclave"]
    out["init.mounts to ready"] = enclave[-1] - enclave[0]
    return out


def memory(pid):
    """(resident, of that not backed by a file) KiB."""
    lines = pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
    fields = {line.split(":")[0]: line.split()[1] for line in lines if line.startswith(("VmRSS", "RssAnon", "RssShmem"))}
    return int(fields["VmRSS"]), int(fields["RssAnon"]) + int(fields["RssShmem"])


def main():
    with measure.work_folder() as work:
        project = measure.payments(work / "payments")
        seconds, found = [], {}
        for number in range(measure.ROUNDS + 1):
            with measure.Dev(project, work / "state", set(measure.CORES)) as dev:
                entries = journal(dev.info)
                if number < measure.ROUNDS:
                    seconds.append(dev.seconds)
                    for stage, milliseconds in stages(entries).items():
                        found.setdefault(stage, []).append(milliseconds)
                    continue
                time.sleep(IDLE_S)
                programs = [(name, *memory(pid)) for pid, name in measure.descendants(dev.process.pid).items()]
    print(f"cage dev, first  {seconds[0]:.2f} s\ncage dev, again  {measure.spread(seconds[1:], digits=2)} s\n")
    for stage, values in found.items():
        print(f"{stage:22} {measure.spread(values):26} ms")
    print("\nidle (KiB)            resident   its own")
    for name, resident, own in programs:
        print(f"{name:20} {resident:9} {own:9}")


if __name__ == "__main__":
    main()
