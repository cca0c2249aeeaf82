#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Images are streamed: memory of a build does not grow with the image, and temporary disk is at most 1.1 times the image.

200 MiB by default; CAGES_IMAGE_MIB=200,2048 measures both and compares them (./run test-full images).
"""

import gzip
import hashlib
import io
import os
import pathlib
import shutil
import sys
import tarfile
import tempfile
import threading
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import oci  # noqa: E402
import project  # noqa: E402

SIZES = [int(n) for n in os.environ.get("CAGES_IMAGE_MIB", "200").split(",")]
MIB = 1 << 20
ABOVE_EMPTY_KIB_MAX = 64 * 1024
FILE_MIB = 8


class Hashed:
    """A file that is hashed while it is written."""

    def __init__(self, file):
        self.file, self.hash, self.size = file, hashlib.sha256(), 0

    def write(self, data):
        self.hash.update(data)
        self.size += len(data)
        return self.file.write(data)


def layer(path, mib, packed):
    """A layer of files that do not compress; returns (digest, size, diff id)."""
    noise = os.urandom(FILE_MIB * MIB)
    with open(path, "wb") as raw:
        outer = Hashed(raw)
        inner = Hashed(gzip.GzipFile(fileobj=outer, mode="wb", compresslevel=1, mtime=0) if packed else outer)
        with tarfile.open(fileobj=inner, mode="w|", format=tarfile.PAX_FORMAT) as tar:
            def add(name, data, mode=0o644):
                info = tarfile.TarInfo(name)
                info.size, info.mode = len(data), mode
                tar.addfile(info, io.BytesIO(data))
            add("app", b"\x7fELF", 0o755)
            for n in range(mib // FILE_MIB):
                add(f"data/{n:05}", n.to_bytes(8, "big") + noise[8:])
            for n in range(2000):
                add(f"small/{n:05}", b"x" * 100)
        if packed:
            inner.file.close()
    return outer.hash.hexdigest(), outer.size, inner.hash.hexdigest()


def make_layout(folder, mib, packed):
    layout = oci.Layout(folder)
    digest, size, diff_id = layer(folder / "layer", mib, packed)
    (folder / "layer").rename(layout.blobs / digest)
    layout.add({"digest": "sha256:" + digest, "size": size}, {"Cmd": ["/app"], "ExposedPorts": {"80/tcp": {}}},
               diff_id="sha256:" + diff_id if packed else None)
    layout.finish()


class DiskWatch(threading.Thread):
    """The most blocks that a process's unnamed files in a folder held at once."""

    def __init__(self, folder):
        super().__init__(daemon=True)
        self.folder, self.pid, self.peak, self.done = str(folder), None, 0, threading.Event()

    def run(self):
        while not self.done.wait(0.02):
            if self.pid is None:
                continue
            total = 0
            try:
                for fd in os.listdir(f"/proc/{self.pid}/fd"):
                    link = os.readlink(f"/proc/{self.pid}/fd/{fd}")
                    if link.startswith(self.folder) and link.endswith("(deleted)"):
                        total += os.stat(f"/proc/{self.pid}/fd/{fd}").st_blocks * 512
            except OSError:
                continue
            self.peak = max(self.peak, total)


class Memory(project.Case):
    def measure(self, mib, packed):
        """Returns (peak resident KiB, peak temporary bytes, seconds) of a build."""
        folder = self.project({}, f"p{mib}{packed}", image='oci = "oci"')
        make_layout(folder / "oci", mib, packed)
        watch = DiskWatch(folder / ".cage")
        watch.start()
        begin = time.monotonic()
        out = os.open(self.top / "out", os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
        pid = os.posix_spawn(project.CAGE, [str(project.CAGE), "build", "--json", "-C", str(folder), "--runtime", str(project.RUNTIME)],
                             self.env, file_actions=[(os.POSIX_SPAWN_DUP2, out, 1), (os.POSIX_SPAWN_DUP2, out, 2)])
        watch.pid = pid
        _, status, usage = os.wait4(pid, 0)
        seconds = time.monotonic() - begin
        watch.done.set()
        self.assertEqual(status, 0, (self.top / "out").read_text())
        self.assertGreater((folder / ".cage/test.eif").stat().st_size, mib * MIB)
        shutil.rmtree(folder)
        return usage.ru_maxrss, watch.peak, seconds

    def test_memory_and_disk_stay_within_bounds(self):
        for packed in (False, True):
            empty, _, _ = self.measure(0, packed)
            peaks = {}
            for mib in SIZES:
                peak, disk, seconds = self.measure(mib, packed)
                peaks[mib] = peak
                print(f"{mib} MiB {'gzip' if packed else 'plain'}: peak {peak // 1024} MiB (empty {empty // 1024} MiB), "
                      f"temporary {disk // MIB} MiB, {seconds:.1f} s", flush=True)
                self.assertLessEqual(peak - empty, ABOVE_EMPTY_KIB_MAX)
                self.assertLessEqual(disk, 1.1 * max(mib, 1) * MIB)
            if len(peaks) > 1:
                self.assertLessEqual(max(peaks.values()), 1.1 * min(peaks.values()), "equal within 10 %")


if __name__ == "__main__":
    project.need(project.CAGE, project.RUNTIME)
    unittest.main()
