#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""`cage doctor` and `cage build` believe a builder that has built two lines here, not one that is installed: docker, podman and buildah are
tried in this order, and the first that works is named."""

import json
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import project  # noqa: E402

SCRIPT = '#!/bin/sh\necho {name} >> {log}\n{what}\n'
FAILS = 'echo "{name} has no daemon" >&2; exit 1'
# Builds nothing and saves something: what counts is that it says it did.
WORKS = 'for last; do :; done\ncase "$*" in *"docker-archive:"*|*" -o "*|save*) exit 0 ;; esac\nexit 0'


class Doctor(project.Case):
    def setUp(self):
        super().setUp()
        self.programs = self.top / "bin"
        self.programs.mkdir()
        self.log = self.top / "called"

    def install(self, **programs):
        self.log.unlink(missing_ok=True)
        for name, what in programs.items():
            path = self.programs / name
            path.write_text(SCRIPT.format(name=name, log=self.log, what=what.replace("{name}", name)))
            path.chmod(0o755)

    def doctor(self):
        """The finding about builders, and which were called, each once."""
        env = {**self.env, "PATH": str(self.programs)}
        done = self.cage("doctor", "--json", env=env)
        finding = next(f for f in json.loads(done.stdout)["findings"] if f["id"] == "builder")
        called = self.log.read_text().split() if self.log.exists() else []
        return finding, list(dict.fromkeys(called))

    def test_the_first_that_works_is_named(self):
        self.install(docker=FAILS, podman=WORKS, buildah=WORKS)
        finding, called = self.doctor()
        self.assertEqual(finding["level"], "good")
        self.assertTrue(finding["found"].startswith("podman builds"), finding)
        self.assertEqual(called, ["docker", "podman"])
        self.install(docker=WORKS)
        finding, called = self.doctor()
        self.assertTrue(finding["found"].startswith("docker builds"), finding)
        self.assertEqual(called, ["docker"])

    def test_those_that_are_there_and_do_not_work_are_named_with_their_reasons(self):
        self.install(docker=FAILS, podman=FAILS, buildah=FAILS)
        finding, called = self.doctor()
        self.assertEqual(finding["level"], "weaker")
        self.assertEqual(called, ["docker", "podman", "buildah"])
        for name in called:
            self.assertIn(name + " has no daemon", finding["found"])
        self.assertIn("buildah", finding["next"])

    def test_none_is_told(self):
        finding, called = self.doctor()
        self.assertEqual((finding["level"], called), ("weaker", []))

    def test_the_one_of_this_machine_builds(self):
        done = self.cage("doctor", "--json")
        finding = next(f for f in json.loads(done.stdout)["findings"] if f["id"] == "builder")
        self.assertRegex(finding["found"], "^(docker|podman|buildah)( --[a-z -]+)? builds|none")


if __name__ == "__main__":
    project.need(project.CAGE)
    unittest.main()
