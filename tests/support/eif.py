# SPDX-License-Identifier: Apache-2.0
"""Enclave images and ramdisks for end-to-end tests, written from the format's description and nothing else."""

import struct
import zlib

KERNEL = b"cages: no kernel\n"


def cpio(entries):
    """entries: (path, mode, uid, gid, content bytes), as they shall stand in the archive."""
    out = bytearray()
    inode = 721

    def entry(path, mode, uid, gid, content, nlink=1):
        nonlocal inode
        name = path.encode() + b"\0"
        fields = [inode, mode, uid, gid, nlink, 1492533000 if path != "TRAILER!!!" else 0, len(content), 3, 1, 0, 0, len(name), 0]
        inode += 1
        out.extend(b"070701" + b"".join(b"%08x" % f for f in fields) + name)
        out.extend(b"\0" * (-len(out) % 4))
        out.extend(content)
        out.extend(b"\0" * (-len(out) % 4))

    for path, mode, uid, gid, content in entries:
        entry(path, mode, uid, gid, content, 2 if mode & 0o170000 == 0o040000 else 1)
    entry("TRAILER!!!", 0, 0, 0, b"")
    out.extend(b"\0" * (-len(out) % 512))
    return bytes(out)


def eif(ramdisks, cmdline=b"console=ttyS0 panic=1", kernel=KERNEL, signature=None):
    sections = [(1, kernel), (2, cmdline), (5, b'{"ImageName":"test"}')] + [(3, r) for r in ramdisks]
    if signature is not None:
        sections.append((4, signature))
    offsets, sizes, body = [0] * 32, [0] * 32, bytearray()
    for i, (kind, data) in enumerate(sections):
        offsets[i], sizes[i] = 548 + len(body), len(data)
        body += struct.pack(">HHQ", kind, 0, len(data)) + data
    head = struct.pack(">4sHHQQHH", b".eif", 4, 0, 1 << 30, 2, 0, len(sections))
    head += struct.pack(">32Q", *offsets) + struct.pack(">32Q", *sizes) + struct.pack(">I", 0)
    assert len(head) == 544
    return head + struct.pack(">I", zlib.crc32(bytes(body), zlib.crc32(head))) + bytes(body)


def image(init, role, extra=(), first_extra=()):
    """An image with `init` as /init that plays `role`."""
    first = cpio([*first_extra, ("init", 0o100755, 0, 0, init)])
    second = cpio([("role", 0o100644, 0, 0, role.encode() + b"\n"), *extra])
    return eif([first, second])
