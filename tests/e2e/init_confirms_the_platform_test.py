#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""`cage init --platform URL` shows the platform's root and writes it only where somebody who sees it says yes, or --root names it; `cage
dev` offers `cage init` where there is a Dockerfile and no cage.toml, and goes on."""

import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import on_terminal  # noqa: E402
import project  # noqa: E402
import running  # noqa: E402


class Init(running.Case):
    def setUp(self):
        super().setUp()
        self.start_caged()
        self.url = f"https://localhost:{self.ports['api']}"
        self.root = self.platform["roots"][0]
        self.words = ["init", "--platform", self.url, "--ca", str(self.state / "caged/api-ca.pem")]
        self.folder = self.top / "shop"
        self.folder.mkdir()

    def on_terminal(self, answer):
        with on_terminal.Program([project.CAGE, *self.words], self.folder, self.env) as program:
            program.until(r"Is it the same\? \[y/N\]")
            program.type(answer)
            return program.wait(), program.said()

    def assert_nothing_written(self):
        self.assertEqual(list(self.folder.iterdir()), [])

    def test_yes_writes_the_root_that_was_shown(self):
        code, said = self.on_terminal("y\n")
        self.assertEqual(code, 0, said)
        shown = "".join(said.split("(SHA-384 of its key):")[1].split("Whoever")[0].split())
        self.assertEqual(shown, self.root)
        lock = (self.folder / "cage.lock").read_text()
        self.assertIn(self.root, lock)
        self.assertIn(self.url, lock)

    def test_anything_but_yes_writes_nothing(self):
        for answer in ("\n", "n\n", "x\n"):
            code, said = self.on_terminal(answer)
            self.assertEqual(code, 130, said)
            self.assert_nothing_written()

    def test_without_a_terminal_the_root_must_be_named(self):
        done = self.cage(*self.words, cwd=self.folder, input="y\n")
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertIn("--root HASH", done.stderr)
        self.assert_nothing_written()
        done = self.cage(*self.words, "--root", self.root, cwd=self.folder)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn(self.root, (self.folder / "cage.lock").read_text())

    def test_a_wrong_root_is_refused(self):
        done = self.cage(*self.words, "--root", "07" * 48, cwd=self.folder)
        self.assertEqual(done.returncode, 10, done.stderr)
        self.assertIn("PLATFORM_ROOT", done.stderr)
        self.assert_nothing_written()

    def test_somebody_else_at_the_address_is_refused(self):
        words = ["init", "--platform", self.url, "--ca", self.ca_file]  # another authority than the one that certified it
        with on_terminal.Program([project.CAGE, *words], self.folder, self.env) as program:
            self.assertNotEqual(program.wait(), 0)
            self.assertNotIn("[y/N]", program.said())
        self.assert_nothing_written()

    def test_what_is_there_is_said_before_anybody_is_asked(self):
        (self.folder / "cage.toml").write_text("version = 1\n")
        with on_terminal.Program([project.CAGE, *self.words], self.folder, self.env) as program:
            self.assertNotEqual(program.wait(), 0)
            self.assertIn("EXISTS", program.said())
            self.assertNotIn("[y/N]", program.said())


class Offer(project.Case):
    def setUp(self):
        super().setUp()
        self.folder = self.top / "my shop"
        self.folder.mkdir()
        (self.folder / "Dockerfile").write_text('FROM scratch\nCOPY app /app\nEXPOSE 8080\nCMD ["/app"]\n')
        running.build_app(self.folder / "app")

    def offered(self, answer):
        program = on_terminal.Program([project.CAGE, "dev", "--once"], self.folder, self.env)
        program.until(r"Write one \(cage init\)\? \[Y/n\]")
        program.type(answer)
        return program

    def test_yes_writes_it_and_goes_on(self):
        with self.offered("\n") as program:
            program.until(r"my-shop is ready", 120)
            self.assertEqual(program.wait(), 0, program.said())
        text = (self.folder / "cage.toml").read_text()
        self.assertIn('app = "forward"', text)
        self.assertNotIn("\n[egress]", text)

    def test_no_writes_nothing(self):
        with self.offered("n\n") as program:
            self.assertEqual(program.wait(), 130, program.said())
        self.assertEqual(sorted(p.name for p in self.folder.iterdir()), ["Dockerfile", "app"])

    def test_without_a_dockerfile_nothing_is_offered(self):
        (self.folder / "Dockerfile").unlink()
        with on_terminal.Program([project.CAGE, "dev", "--once"], self.folder, self.env) as program:
            self.assertEqual(program.wait(), 10, program.said())
            self.assertIn("neither", program.said())


if __name__ == "__main__":
    unittest.main()
