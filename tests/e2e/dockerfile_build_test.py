#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A Dockerfile becomes an EIF that holds the image unchanged; its settings become the manifest; mistakes are told in words."""

import pathlib
import shutil
import stat
import subprocess
import sys
import unittest

import cbor2

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import project  # noqa: E402

APP = (b"\x7fELF, as far as anybody looks", 0o755)


class Dockerfile(project.Case):
    def dockerfile(self, lines, settings="", files=None, name="project"):
        return self.project({"Dockerfile": "FROM scratch\nCOPY app /app\n" + lines, "app": APP, **(files or {})}, name, settings)

    def manifest(self, folder):
        kind, version, members = cbor2.loads(project.ramdisk(folder / ".cage/test.eif", 1)["cage/manifest"][3])
        self.assertEqual((kind, version), ("cages/manifest", 1))
        return members

    def test_the_image_is_unchanged(self):
        folder = self.dockerfile("COPY tree /tree\nEXPOSE 80\nCMD [\"/app\"]\n",
                                 files={"tree/a": "one", "tree/b/c": ("two", 0o600)})
        self.build(folder)
        entries = project.ramdisk(folder / ".cage/test.eif", 1)
        self.assertEqual(list(entries), sorted(entries))
        self.assertEqual(entries["rootfs/app"], (stat.S_IFREG | 0o755, 0, 0, APP[0]))
        self.assertEqual(entries["rootfs/tree/a"][3], b"one")
        self.assertEqual(entries["rootfs/tree/b/c"][0], stat.S_IFREG | 0o600)
        boot = project.ramdisk(folder / ".cage/test.eif", 0)
        self.assertEqual(list(boot), ["cmdline", "init"])
        self.assertEqual(boot["init"][3], project.RUNTIME.read_bytes())

    def test_settings_of_the_dockerfile_become_the_manifest(self):
        folder = self.dockerfile('ENV A=1\nUSER 7:8\nWORKDIR /srv\nEXPOSE 8080\nSTOPSIGNAL SIGINT\n'
                                 'HEALTHCHECK --interval=3s CMD curl -f http://localhost:8080/healthz || exit 1\n'
                                 'ENTRYPOINT ["/app", "serve"]\nCMD ["-v"]\n')
        self.build(folder)
        m = self.manifest(folder)
        self.assertEqual(m[2], ["/app", "serve", "-v"])
        self.assertIn(["A", "1"], m[3])
        self.assertEqual(m[4], [7, 8, []])
        self.assertEqual((m[5], m[6], m[7]), ("/srv", 2, 8080))
        self.assertEqual(m[11], [2, "/healthz", 8080, 3000])
        self.assertEqual(m[20], [bytes.fromhex(project.ROOT)])

    def test_shell_forms(self):
        sh = {"bin/sh": APP}
        rows = (("CMD /app -v", ["/bin/sh", "-c", "/app -v"]), ("ENTRYPOINT /app serve", ["/bin/sh", "-c", "/app serve"]),
                ("ENTRYPOINT [\"/app\"]\nCMD serve -v", ["/app", "/bin/sh", "-c", "serve -v"]))
        for number, (lines, command) in enumerate(rows):
            folder = self.dockerfile(f"COPY bin /bin\nEXPOSE 80\n{lines}\n", files=sh, name=f"p{number}")
            self.build(folder)
            self.assertEqual(self.manifest(folder)[2], command)

    def test_what_is_missing_or_too_much_is_told(self):
        rows = (("EXPOSE 80 443\nCMD [\"/app\"]\n", "", "IMAGE_CONFIG", "several EXPOSEd ports: 80, 443"),
                ("CMD [\"/app\"]\n", "", "IMAGE_CONFIG", "no EXPOSE in the image"),
                ("EXPOSE 80\n", "", "IMAGE_CONFIG", "no ENTRYPOINT and no CMD in the image"),
                ("EXPOSE 80\nCMD [\"/ap\"]\n", "", "IMAGE_CONFIG", "/ap"),
                ("EXPOSE 80\nUSER nobody\nCMD [\"/app\"]\n", "", "IMAGE_CONFIG", "nobody"),
                ("EXPOSE 80\nCMD [\"/app\"]\n", "[egress]\nalow = []\n", "TOML_KEY", "egress.alow"),
                ("EXPOSE 80\nCMD [\"/app\"]\n", "[secrets]\nLD_PRELOAD = {}\n", "SECRET_NAME", "loader"),
                ("EXPOSE 80\nENV TOKEN=x\nCMD [\"/app\"]\n", "[secrets]\nTOKEN = {}\n", "SECRET_NAME", "one that they do"),
                ("EXPOSE 80\nCMD [\"/app\"]\n", "[egress]\nallow = [\"http://x\"]\n", "EGRESS_ENTRY", ""),
                ("EXPOSE 80\nCMD [\"/app\"]\n", "[runtime]\nversion = \"0.0.0\"\n", "MACHINE", "the one of"),
                ("COPY nothing /\n", "", "BUILDER", "nothing"))
        for number, (lines, settings, code, got) in enumerate(rows):
            error = self.refused(self.dockerfile(lines, settings, name=f"p{number}"))
            self.assertEqual(error["code"], code, error)
            self.assertIn(got, error["got"], error)

    def test_warnings_do_not_change_the_result(self):
        folder = self.dockerfile('EXPOSE 80\nHEALTHCHECK CMD /app check\nCMD ["/app"]\n', '[egress]\nallow = ["db.example.com:5432"]\n')
        notes = " ".join(self.build(folder)["notes"])
        self.assertIn("HEALTHCHECK", notes)
        self.assertIn("db.example.com:5432", notes)
        self.assertIn("no kernel", notes)

    def test_our_own_output_is_no_part_of_the_context(self):
        folder = self.dockerfile('COPY . /all\nEXPOSE 80\nCMD ["/app"]\n')
        first = self.build(folder)
        self.build(folder, "--locked")
        self.assertFalse([name for name in project.ramdisk(folder / ".cage/test.eif", 1) if ".cage" in name])
        self.assertEqual(first["counter"], 1)
        self.assertEqual(sorted(p.name for p in (folder / ".cage").iterdir()),
                         [".gitignore", "measurements.json", "release.json", "test.eif"])

    def test_no_platform_is_told(self):
        folder = self.dockerfile('EXPOSE 80\nCMD ["/app"]\n')
        (folder / "cage.lock").unlink()
        self.assertEqual(self.refused(folder)["code"], "NO_PLATFORM")

    def test_the_runtime_is_looked_for(self):
        folder = self.dockerfile('EXPOSE 80\nCMD ["/app"]\n')
        done = self.cage("build", "--runtime", "/bin/sh", cwd=folder)
        self.assertEqual(done.returncode, 50, done.stderr)
        alone = self.top / "alone"
        alone.mkdir()
        shutil.copy(project.CAGE, alone / "cage")
        done = subprocess.run([alone / "cage", "build"], cwd=folder, env=self.env, capture_output=True, text=True, timeout=120, check=False)
        self.assertEqual(done.returncode, 50, done.stderr)
        self.assertIn("../lib/cages", done.stderr)


class Init(project.Case):
    def test_writes_two_files_that_build_and_never_overwrites(self):
        folder = self.top / "My Service"
        folder.mkdir()
        (folder / "Dockerfile").write_text('FROM scratch\nCOPY app /app\nEXPOSE 80\nCMD ["/app"]\n')
        (folder / "app").write_bytes(APP[0])
        (folder / "app").chmod(0o755)
        done = self.cage("init", "--platform", "https://127.0.0.1:1", "--root", project.ROOT, cwd=folder)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn('name = "my-service"', (folder / "cage.toml").read_text())
        self.build(folder)
        self.assertTrue((folder / ".cage/my-service.eif").exists())
        again = self.cage("init", cwd=folder)
        self.assertNotEqual(again.returncode, 0)
        self.assertIn("EXISTS", again.stderr)

    def test_a_platform_needs_its_root(self):
        done = self.cage("init", "--platform", "https://example.com", cwd=self.top)
        self.assertEqual(done.returncode, 2, done.stderr)


if __name__ == "__main__":
    project.need(project.CAGE, project.RUNTIME)
    if not any(map(shutil.which, ("docker", "podman", "buildah"))):
        project.need("buildah")
    unittest.main()
