#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""`cage secrets set | list`: a value goes from standard input to the app that asks for it, as a file or as a variable, and lies
nowhere else in the clear: not in the listing, caged's files and logs, or any program's arguments and environment."""

import os
import pathlib
import sys
import threading
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import project  # noqa: E402
import running  # noqa: E402

FILE_VALUE = "sk_live_4b1d0b6c77"
ENV_VALUE = "pg_pass_93ac1f02d8"
NEVER_GIVEN = "of_nobody_5e8842aa01"
# Written into each place that is searched, so that the search is known to find what is there.
CANARY = "canary_77aa1c54e9"
SETTINGS = '[secrets]\nSTRIPE_KEY = {deliver = "file"}\nDATABASE_PASSWORD = {deliver = "env"}\n'


class Watcher(threading.Thread):
    """Looks at the arguments and environment of every process, again and again."""

    def __init__(self):
        super().__init__(daemon=True)
        self.ended, self.seen = threading.Event(), {}

    def run(self):
        while not self.ended.is_set():
            for process in pathlib.Path("/proc").iterdir():
                for name in ("cmdline", "environ"):
                    try:
                        data = (process / name).read_bytes() if process.name.isdigit() else b""
                    except OSError:
                        continue
                    if data:
                        self.seen.setdefault((name, data), process.name)

    def holding(self, word):
        return [(name, data) for (name, data) in self.seen if word.encode() in data]


class Secrets(running.Case):
    def set_secret(self, name, value, *words):
        return self.cage("secrets", "set", "--app", "pay", *words, name, input=value)

    def files_holding(self, word):
        places = [self.state, self.top / "h", *self.top.glob("*.err"), *self.top.glob("*.out"), *self.top.glob("pay/.cage")]
        files = [p for place in places for p in ([place] if place.is_file() else place.rglob("*")) if p.is_file()]
        return [str(path) for path in files if word.encode() in path.read_bytes()]

    def test_values_reach_the_app_and_nothing_else(self):
        watcher = Watcher()
        watcher.start()
        self.addCleanup(watcher.ended.set)
        self.start_caged()
        self.start_host()
        self.call("POST", "/v1/apps", b'{"name":"pay"}')
        for name, value in (("STRIPE_KEY", FILE_VALUE), ("DATABASE_PASSWORD", ENV_VALUE), ("UNUSED", NEVER_GIVEN)):
            done = self.set_secret(name, value + "\n")
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertNotIn(value, done.stdout + done.stderr)
        folder = self.app_project("pay", SETTINGS)
        deployment = self.deploy("pay", folder / self.build(folder)["eif"])
        answer = self.attested(folder, deployment)
        self.assertEqual(answer.returncode, 0, answer.stderr)
        lines = answer.stdout.splitlines()
        self.assertEqual([x for x in lines if x.startswith("file ")], [f"file STRIPE_KEY 400 1 {FILE_VALUE}"])
        self.assertIn(f"env DATABASE_PASSWORD {ENV_VALUE}", lines)
        self.assertNotIn("env STRIPE_KEY", answer.stdout)
        self.assertNotIn(NEVER_GIVEN, answer.stdout)

        listed = self.cage("secrets", "list", "--app", "pay")
        self.assertEqual([x.split("\t")[0] for x in listed.stdout.splitlines()], ["DATABASE_PASSWORD", "STRIPE_KEY", "UNUSED"])
        listed_json = self.cage("--json", "secrets", "list", "--app", "pay").stdout
        api = str(self.call("GET", "/v1/apps/pay/secrets")) + str(self.call("GET", "/v1/audit"))
        for value in (FILE_VALUE, ENV_VALUE, NEVER_GIVEN):
            self.assertNotIn(value, listed.stdout + listed.stderr + listed_json + api)

        # The canary: an app of that name lies in the database and the audit log in the clear, and is an argument and a variable.
        self.call("POST", "/v1/apps", f'{{"name":"{CANARY.replace("_", "-")}"}}'.encode())

        def canary_in_sight():
            self.cage("secrets", "list", "--app", CANARY, env={**self.env, "CANARY": CANARY})
            return {name for name, _ in watcher.holding(CANARY)} == {"cmdline", "environ"}

        self.until(canary_in_sight, "canary in sight")
        database = self.files_holding(CANARY.replace("_", "-"))
        self.assertTrue([p for p in database if "caged.db" in p], database)
        for value in (FILE_VALUE, ENV_VALUE, NEVER_GIVEN):
            self.assertEqual(self.files_holding(value), [])
        for value in (FILE_VALUE, NEVER_GIVEN):
            self.assertEqual(watcher.holding(value), [])
        # The app asked for this one in its environment: there it is, and in no other process's.
        for name, data in watcher.holding(ENV_VALUE):
            self.assertEqual(name, "environ")
            self.assertNotIn(b"CAGE_STATE_DIR", data)

    def test_names_that_others_read_and_values_that_are_too_long_are_refused(self):
        self.start_caged()
        self.call("POST", "/v1/apps", b'{"name":"pay"}')
        refused = self.set_secret("LD_PRELOAD", "/x.so")
        self.assertEqual(refused.returncode, 30, refused.stderr)
        self.assertIn("SECRET_NAME", refused.stderr)
        refused = self.set_secret("BIG", "x" * (32 * 1024 + 1))
        self.assertEqual(refused.returncode, 10, refused.stderr)
        self.assertIn("LIMIT", refused.stderr)
        self.assertEqual(self.cage("secrets", "list", "--app", "pay").stdout, "no secrets\n")
        refused = self.cage("secrets", "set", "--app", "nobody", "NAME", input="x")
        self.assertIn("NOT_FOUND", refused.stderr)

    def test_secrets_outlive_caged_and_classes_stay_apart(self):
        self.start_caged()
        self.call("POST", "/v1/apps", b'{"name":"pay"}')
        self.assertEqual(self.set_secret("KEY", FILE_VALUE, "--class", "nitro").returncode, 0)
        self.assertEqual(self.set_secret("KEY", ENV_VALUE).returncode, 0)
        self.assertEqual(self.stop("caged"), 0)
        self.start_caged()
        listed = sorted(self.cage("secrets", "list", "--app", "pay").stdout.splitlines())
        self.assertEqual(listed, sorted(["KEY\tnitro", "KEY\t" + self.platform["class"]]))
        self.assertEqual(self.files_holding(FILE_VALUE), [])


if __name__ == "__main__":
    if os.geteuid() != 0:
        print("skipped: needs root, for the driver's root mode")
        sys.exit(project.SKIPPED)
    project.need(os.environ.get("CC", "clang-19"))
    unittest.main()
