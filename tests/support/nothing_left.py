# SPDX-License-Identifier: Apache-2.0
"""Which processes a program has below it, and which of them are left after its end."""

import pathlib
import time


def processes():
    """pid -> (parent, start time, command line) of all processes that live (not those waiting to be reaped)."""
    out = {}
    for folder in pathlib.Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            stat = (folder / "stat").read_text().rsplit(")", 1)[1].split()
            if stat[0] not in "ZX":
                line = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                out[int(folder.name)] = (int(stat[1]), stat[19], line)
        except OSError:
            pass
    return out


class Family:
    def __init__(self, pid):
        self.pid, self.known = pid, {}

    def look(self):
        """Notes who is below it now."""
        table = processes()
        todo = [self.pid]
        while todo:
            one = todo.pop()
            if one in table:
                self.known[one, table[one][1]] = table[one][2]
                todo += [child for child, (parent, _, _) in table.items() if parent == one]
        return self.known

    def wait_for(self, word, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if any(word in line for line in self.look().values()):
                return True
            time.sleep(0.005)
        return False

    def left(self, seconds=2.0):
        """Those seen before that still live after `seconds` at most."""
        end = time.monotonic() + seconds
        while True:
            table = processes()
            left = {pid: line for (pid, start), line in self.known.items() if pid in table and table[pid][1] == start}
            if not left or time.monotonic() > end:
                return left
            time.sleep(0.02)
