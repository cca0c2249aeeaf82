#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""eif_build.py [MIB…] (200 2048): `cage build` of a tree against `tar` and `sha384sum` of the same tree, cache warm."""

import os
import sys

import measure

FILE_BYTES = 1 << 20
TOML = 'version = 1\nname = "bench"\nport = 80\n[image]\nrootfs = "root"\ncommand = ["/bin/app"]\n'
LOCK = 'version = 1\n[platform]\nurl = "https://example.com"\nroots = ["' + "07" * 48 + '"]\n'


def make_project(folder, mib):
    (folder / "root/bin").mkdir(parents=True)
    (folder / "root/data").mkdir()
    (folder / "root/bin/app").write_text("#!/bin/sh\n")
    (folder / "root/bin/app").chmod(0o755)
    for number in range(mib):
        (folder / f"root/data/{number:05}").write_bytes(os.urandom(FILE_BYTES))
    (folder / "cage.toml").write_text(TOML)
    (folder / "cage.lock").write_text(LOCK)


def main():
    for mib in [int(word) for word in sys.argv[1:]] or [200, 2048]:
        with measure.work_folder() as work:
            make_project(work / "p", mib)
            acts = {"cage build": [str(measure.BIN / "cage"), "build", "--json", "-C", str(work / "p")],
                    "tar + sha384sum": ["sh", "-c", f"tar -C {work}/p/root -cf {work}/t.tar . && sha384sum {work}/t.tar"]}
            for command in acts.values():
                measure.timed(command)  # warms the cache
            found = measure.take_turns({name: lambda command=command: measure.timed(command) for name, command in acts.items()},
                                       measure.ROUNDS if mib <= 512 else max(5, measure.ROUNDS - 2))
        print(f"{mib} MiB")
        for name, results in found.items():
            print(f"  {name:16} {measure.spread([r[0] for r in results], digits=2):26} s   "
                  f"{measure.spread([r[1] for r in results], digits=2):26} CPU s")
        ours, theirs = found.values()
        wall, cpu = (measure.ratio([r[i] for r in ours], [r[i] for r in theirs]) for i in (0, 1))
        print(f"  ratio            {wall:.2f} of time, {cpu:.2f} of CPU time  (target: at most 1.5)")


if __name__ == "__main__":
    main()
