#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""After kill -9 of host, warden, PID 1 or NSM at a random moment everything of that enclave is gone within two seconds, the next start
removes what the dead one left, and another instance beside it never notices."""

import os
import pathlib
import random
import signal
import subprocess
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import process_enclave_test as base  # noqa: E402
import eif  # noqa: E402
import nothing_left  # noqa: E402

KILLS = int(os.environ.get("CAGES_KILLS", "20"))
SEED = int(os.environ.get("CAGES_SEED", "20260101"))
GONE_S = 2.0


def below(pid):
    """pid and all its descendants, each with the word for what it is."""
    table = nothing_left.processes()
    out, todo = {}, [pid]
    while todo:
        one = todo.pop()
        if one not in table:
            continue
        line = table[one][2]
        out[one] = "warden" if " warden " in line else "nsm" if "cage-nsm" in line else "host" if one == pid else "enclave"
        todo += [child for child, (parent, _, _) in table.items() if parent == one]
    return out


class NothingOutlivesAKill(base.Case):
    def start(self, name, image, run="run"):
        command = [*self.command(image), "--id", name]
        command[command.index("--run") + 1] = self.top / run
        log = open(self.top / (name + ".log"), "wb")
        self.addCleanup(log.close)
        host = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
        self.addCleanup(lambda: (host.kill(), host.wait()))
        return host

    def wait_for(self, name, word, seconds=20.0):
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if word in (self.top / (name + ".log")).read_text(errors="replace"):
                return
            time.sleep(0.02)
        self.fail(f"{name}: no {word!r} in " + (self.top / (name + ".log")).read_text(errors="replace"))

    def groups_of(self, name):
        found = subprocess.run(["find", "/sys/fs/cgroup", "-name", "cages-" + name], capture_output=True, text=True)
        return found.stdout.split()

    def assert_gone(self, pids, what):
        until = time.monotonic() + GONE_S
        while time.monotonic() < until:
            left = set(pids) & set(nothing_left.processes())
            if not left:
                return
            time.sleep(0.02)
        self.fail(f"{what}: still there: " + str({p: nothing_left.processes().get(p) for p in left}))

    def test_kills(self):
        chance = random.Random(SEED)
        images = {role: self.write(eif.image(self.init, role), role + ".eif") for role in ("serve", "orphan")}
        neighbour = self.start("neighbour", images["serve"])
        self.wait_for("neighbour", "line=up")
        beside = below(neighbour.pid)
        counts = {}
        for i in range(KILLS):
            name = f"k{i}"
            host = self.start(name, images[chance.choice(("serve", "orphan"))])
            early = chance.random() < 0.5
            if early:
                time.sleep(chance.uniform(0.0, 0.4))
            else:
                self.wait_for(name, "line=up")
            family = below(host.pid)
            if not family:
                continue
            word = chance.choice(sorted(set(family.values())))
            victim = chance.choice(sorted(pid for pid, what in family.items() if what == word))
            counts[word] = counts.get(word, 0) + 1
            grandchild = word == "enclave" and family.get(nothing_left.processes().get(victim, (0,))[0]) != "warden"
            try:
                os.kill(victim, signal.SIGKILL)
            except ProcessLookupError:
                continue
            family.update({pid: what for pid, what in below(host.pid).items()})
            with self.subTest(i=i, killed=word, seed=SEED, early=early):
                if word == "host":
                    self.assert_gone(family, word)
                elif not grandchild:
                    # The host notices, says so and ends with the enclave.
                    self.assert_gone([p for p, what in family.items() if what != "host"], word)
                    host.wait(timeout=GONE_S)
                    text = (self.top / (name + ".log")).read_text(errors="replace")
                    self.assertRegex(text, '"ended"|DRIVER_|CLOSED|MACHINE')
            host.kill()
            host.wait()
        # The next start cleans up after all of them.
        last = self.start("last", images["serve"])
        self.wait_for("last", "line=up")
        self.assertEqual(sorted(p.name for p in (self.top / "run/e").iterdir()), [".lock", "last", "neighbour"])
        for i in range(KILLS):
            self.assertEqual(self.groups_of(f"k{i}"), [])
        mounts = pathlib.Path("/proc/self/mounts").read_text()
        self.assertNotIn(str(self.top), mounts)
        self.assertEqual(set(beside) - set(nothing_left.processes()), set(), "the neighbour was touched")
        print("killed:", counts)
        for one in (last, neighbour):
            one.send_signal(signal.SIGTERM)
            self.assertEqual(one.wait(timeout=30), 0)
        self.assertEqual([p.name for p in (self.top / "run/e").iterdir()], [".lock"])


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
