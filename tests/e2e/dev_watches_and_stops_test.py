#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""`cage dev`: --watch builds again when a file changes and waits out a broken edit; an app that listens elsewhere is told so; one that
asks for secrets waits for them; Ctrl-C on its terminal leaves nothing running, whenever it comes."""

import json
import os
import pathlib
import signal
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import nothing_left  # noqa: E402
import on_terminal  # noqa: E402
import project  # noqa: E402
import running  # noqa: E402

TIME = 60


class Dev(project.Case):
    def setUp(self):
        super().setUp()
        app = self.top / "app"
        running.build_app(app)
        self.folder = self.project({"root/app": (app.read_bytes(), 0o755)}, "shop")
        self.settings("one")
        (self.folder / "cage.lock").write_text("version = 1\n")
        self.env["XDG_RUNTIME_DIR"] = str(self.top / "r")
        (self.top / "r").mkdir(mode=0o700)

    def settings(self, greeting, port=8080):
        text = f'version = 1\nname = "shop"\nport = {port}\n[image]\nrootfs = "root"\ncommand = ["/app"]\nenv = {{GREETING = "{greeting}"}}\n'
        (self.folder / "cage.toml").write_text(text)

    def start(self, *words):
        """cage dev on a terminal of its own."""
        self.dev = on_terminal.Program([project.CAGE, "dev", *words], self.folder, self.env)
        self.addCleanup(self.dev.close)
        self.until, self.read = self.dev.until, self.dev.said

    def interrupt(self):
        self.dev.interrupt()
        return self.dev.wait()

    def info(self):
        return json.loads((self.folder / ".cage/dev.json").read_text())

    def answer(self):
        done = self.cage("curl", self.info()["url"], cwd=self.folder)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def test_watch_builds_again_and_waits_out_a_broken_edit(self):
        self.start("--watch")
        at = self.until("shop is ready")
        first = self.info()["Measurements"]["PCR0"]
        self.assertIn("env GREETING one", self.answer())
        self.settings("two")
        at = self.until("shop is ready", since=at)
        self.assertNotEqual(self.info()["Measurements"]["PCR0"], first)
        self.assertIn("env GREETING two", self.answer())
        (self.folder / "cage.toml").write_text("version = 1\nnaem =\n")
        at = self.until(r"cage: TOML", since=at)
        self.assertIn("env GREETING two", self.answer())
        self.settings("three")
        at = self.until("shop is ready", since=at)
        self.assertIn("env GREETING three", self.answer())
        # A file of the image, and one that is new.
        (self.folder / "root/note").write_text("x")
        self.until("shop is ready", since=at)
        self.assertEqual(self.interrupt(), 0, self.read()[-2000:])

    def test_an_app_that_listens_elsewhere_is_told_so(self):
        self.settings("one", port=8081)
        self.start()
        self.until(r"\nshop does not answer yet: [^\n]*port 8081 does not answer; the app listens on 127\.0\.0\.1:8080", seconds=30)
        self.assertEqual(self.interrupt(), 130, self.read()[-2000:])

    def test_it_waits_for_the_values_of_secrets_and_keeps_them(self):
        with open(self.folder / "cage.toml", "a") as toml:
            toml.write('[secrets]\nSTRIPE_KEY = {deliver = "file"}\n')
        self.start()
        self.until("waiting for secrets")
        self.until("cage secrets set --app shop STRIPE_KEY\n")
        done = self.cage("secrets", "set", "--app", "shop", "STRIPE_KEY", cwd=self.folder, input="sk_live_1\n")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.until("shop is ready")
        self.assertIn("file STRIPE_KEY 400 1 sk_live_1", self.answer())
        self.assertNotIn("sk_live_1", self.read())
        self.assertEqual(self.interrupt(), 0)
        done = self.cage("secrets", "list", "--app", "shop", cwd=self.folder)
        self.assertEqual(done.returncode, 2, done.stderr)
        self.start("--once")
        self.until("shop is ready")

    def test_an_interrupt_leaves_nothing_running_whenever_it_comes(self):
        for moment in ("the first line", "caged", "cage-host", "an enclave", "ready"):
            with self.subTest(moment):
                self.start()
                family = nothing_left.Family(self.dev.pid)
                if moment == "ready":
                    self.until("shop is ready")
                elif moment != "the first line":
                    word = {"caged": "caged", "cage-host": "cage-host", "an enclave": "warden"}[moment]
                    self.assertTrue(family.wait_for(word, TIME), self.read()[-2000:])
                family.look()
                code = self.interrupt()
                self.assertIn(code, (0,) if moment == "ready" else (130, -signal.SIGINT), self.read()[-2000:])
                self.assertEqual(family.left(), {})
                self.assertFalse((self.folder / ".cage/dev.json").exists())
                self.assertNotIn(str(self.top), pathlib.Path("/proc/self/mounts").read_text())
                places = [*(self.top / "r").rglob("e")]
                self.assertTrue(places or moment != "ready")
                self.assertEqual([p.name for place in places for p in place.iterdir() if p.name != ".lock"], [])
                self.assertNotIn("ended; its log", self.read())

    def test_an_interrupt_ends_a_builder_too(self):
        programs = self.top / "bin"
        programs.mkdir()
        (programs / "docker").write_text('#!/bin/sh\ncase "$*" in *cages/trial*) ;; *) exec sleep 71 ;; esac\n')
        (programs / "docker").chmod(0o755)
        self.env["PATH"] = f"{programs}:{self.env['PATH']}"
        (self.folder / "Dockerfile").write_text("FROM scratch\n")
        (self.folder / "cage.toml").write_text('version = 1\nname = "shop"\nport = 80\n[image]\ndockerfile = "Dockerfile"\n')
        self.start("--builder", "docker")
        family = nothing_left.Family(self.dev.pid)
        self.assertTrue(family.wait_for("sleep 71", TIME), self.read())
        self.assertEqual(self.interrupt(), 130, self.read())
        self.assertEqual(family.left(), {})
        self.assertEqual([*(self.folder / ".cage").glob("build.*")], [])


if __name__ == "__main__":
    if os.geteuid() != 0:
        print("skipped: needs root, for the driver's root mode")
        sys.exit(project.SKIPPED)
    project.need(os.environ.get("CC", "clang-19"))
    unittest.main()
