#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Images of another architecture than this machine's assemble, from an OCI layout and without a network: the runtime given decides which
image of several is taken, what is found for another architecture is refused by name."""

import json
import pathlib
import shutil
import struct
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import oci  # noqa: E402
import project  # noqa: E402

MACHINES = {"amd64": 62, "arm64": 183}  # EM_X86_64, EM_AARCH64
CONFIG = {"Cmd": ["/app"], "ExposedPorts": {"80/tcp": {}}, "Env": ["WHERE=here"]}


def static_program(machine):
    """The least that passes for a static program: a head, and no part that asks for a loader."""
    ident = b"\x7fELF\x02\x01\x01" + bytes(9)
    return ident + struct.pack("<HHIQQQIHHHHHH", 2, machine, 1, 0x400000, 0, 0, 0, 64, 56, 0, 64, 0, 0)


class OtherArchitectures(project.Case):
    def layout(self, *architectures, platform=True):
        folder = self.project({}, "-".join(architectures) + str(platform), image='oci = "image"')
        layout = oci.Layout(folder / "image")
        for one in architectures:
            layer = layout.put(oci.tar_of({"app": (static_program(MACHINES[one]), 0o755), f"for-{one}": (b"", 0o644)}))
            layout.add(layer, CONFIG, one, platform=platform)
        layout.finish()
        return folder

    def runtime(self, architecture):
        path = self.top / ("runtime-" + architecture)
        path.write_bytes(static_program(MACHINES[architecture]))
        path.chmod(0o755)
        return path

    def assemble(self, folder, architecture):
        return self.cage("build", "--json", "--runtime", self.runtime(architecture), cwd=folder)

    def test_the_runtime_chooses_the_image(self):
        folder = self.layout("amd64", "arm64")
        for architecture, name in (("arm64", "aarch64"), ("amd64", "x86_64")):
            done = self.assemble(folder, architecture)
            self.assertEqual(done.returncode, 0, done.stderr)
            image = folder / ".cage/test.eif"
            entries = project.ramdisk(image, 1)
            self.assertIn(f"rootfs/for-{architecture}", entries)
            self.assertEqual(len([path for path in entries if "for-" in path]), 1)
            described = self.cage("describe", "--json", image)
            self.assertEqual(described.returncode, 0, described.stderr)
            self.assertEqual(json.loads(described.stdout)["Architecture"], name)
            self.assertEqual(int.from_bytes(image.read_bytes()[6:8], "big") & 1, int(architecture == "arm64"), "flags of the head")

    def test_an_image_for_another_architecture_is_refused(self):
        for platform in (True, False):
            folder = self.layout("arm64", platform=platform)
            self.assertEqual(self.assemble(folder, "arm64").returncode, 0)
            done = self.assemble(folder, "amd64")
            self.assertEqual(done.returncode, 10, done.stderr)
            error = json.loads(done.stderr.splitlines()[-1])["error"]
            self.assertEqual((error["code"], error["subject"], error["got"]), ("IMAGE", "architecture", "arm64"))

    def test_a_dockerfile_is_built_for_the_runtime_given(self):
        if not any(map(shutil.which, ("docker", "podman", "buildah"))):
            self.skipTest("there is no builder")
        files = {"Dockerfile": 'FROM scratch\nCOPY app /app\nEXPOSE 80\nCMD ["/app"]\n', "app": (static_program(MACHINES["arm64"]), 0o755)}
        folder = self.project(files, "built")
        for architecture, name in (("arm64", "aarch64"), ("amd64", "x86_64")):
            done = self.assemble(folder, architecture)
            self.assertEqual(done.returncode, 0, done.stderr)
            described = self.cage("describe", "--json", folder / ".cage/test.eif")
            self.assertEqual(json.loads(described.stdout)["Architecture"], name)


if __name__ == "__main__":
    project.need(project.CAGE)
    unittest.main()
