#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What a killed `cage build` left below .cage is gone after the next build; a build that runs beside it keeps its own."""

import pathlib
import subprocess
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import project  # noqa: E402

TIME = 30
# A builder that works where it is tried, and takes its time where it is meant.
SLOW = '#!/bin/sh\ncase "$*" in *cages/trial*) ;; *) exec sleep 60 ;; esac\n'
RESULT = [".gitignore", "measurements.json", "release.json", "test.eif"]


class Killed(project.Case):
    def setUp(self):
        super().setUp()
        programs = self.top / "bin"
        programs.mkdir()
        (programs / "docker").write_text(SLOW)
        (programs / "docker").chmod(0o755)
        self.slow_env = {**self.env, "PATH": f"{programs}:{self.env['PATH']}"}
        self.folder = self.project({"root/app": ("x", 0o755), "Dockerfile": "FROM scratch\n"}, settings="port = 80",
                                   image='rootfs = "root"\ncommand = ["/app"]')

    def there(self):
        return sorted(p.name for p in (self.folder / ".cage").iterdir())

    def work_folders(self):
        return [name for name in (self.there() if (self.folder / ".cage").exists() else []) if name.startswith("build.")]

    def until(self, condition):
        end = time.monotonic() + TIME
        while not condition():
            self.assertLess(time.monotonic(), end)
            time.sleep(0.01)

    def start_slow(self):
        """A build that stays in its builder, by a cage.toml that is put back at once."""
        toml = self.folder / "cage.toml"
        text = toml.read_text()
        before = set(self.work_folders())
        toml.write_text('version = 1\nname = "test"\nport = 80\n[image]\ndockerfile = "Dockerfile"\n')
        build = subprocess.Popen([project.CAGE, "build", "--builder", "docker", "--runtime", project.RUNTIME], cwd=self.folder,
                                 env=self.slow_env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(lambda: (build.kill(), build.wait()))
        self.until(lambda: any((self.folder / ".cage" / name / "Dockerfile").exists() for name in set(self.work_folders()) - before))
        toml.write_text(text)
        return build

    def test_a_folder_of_the_dead_goes_and_one_of_the_living_stays(self):
        dead = self.start_slow()
        dead.kill()
        dead.wait()
        left = self.work_folders()
        self.assertEqual(len(left), 1)
        living = self.start_slow()
        self.assertNotIn(left[0], self.work_folders())
        own = self.work_folders()
        self.assertEqual(len(own), 1)
        self.build(self.folder)
        self.assertEqual(self.work_folders(), own)
        self.assertIsNone(living.poll())
        living.kill()
        living.wait()
        self.build(self.folder)
        self.assertEqual(self.there(), RESULT)

    def test_half_an_image_goes_too(self):
        (self.folder / "root/big").write_bytes(b"\1" * (64 << 20))
        seen = set()
        for _ in range(5):
            build = subprocess.Popen([project.CAGE, "build", "--runtime", project.RUNTIME], cwd=self.folder, env=self.env,
                                     stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            self.until(lambda: any((self.folder / ".cage").glob("build.*/*.eif*")) or build.poll() is not None)
            build.kill()
            build.wait()
            seen |= {p.name for p in (self.folder / ".cage").glob("build.*/*.eif*")}
            self.assertEqual([name for name in self.there() if name.startswith("test.eif.")], [])
        self.assertTrue(seen, "no build was killed while it wrote")
        self.build(self.folder)
        self.assertEqual(self.there(), RESULT)


if __name__ == "__main__":
    project.need(project.CAGE, project.RUNTIME)
    unittest.main()
