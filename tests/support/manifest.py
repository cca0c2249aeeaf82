# SPDX-License-Identifier: Apache-2.0
"""The measured manifest of a cage, in its canonical form, for end-to-end tests that make images by hand."""

import struct


def cbor(value):
    """Canonical CBOR of ints, bools, texts, bytes, lists, and dicts whose keys are in order."""

    def head(major, number):
        for power, (size, form) in enumerate(((0, ""), (1, "B"), (2, "H"), (4, "I"), (8, "Q"))):
            if size == 0 and number < 24:
                return bytes([major << 5 | number])
            if size and number < 1 << 8 * size:
                return bytes([major << 5 | 23 + power]) + struct.pack(">" + form, number)
        raise ValueError(number)

    if isinstance(value, bool):
        return b"\xf5" if value else b"\xf4"
    if isinstance(value, int):
        return head(0, value)
    if isinstance(value, bytes):
        return head(2, len(value)) + value
    if isinstance(value, str):
        return head(3, len(value.encode())) + value.encode()
    if isinstance(value, list):
        return head(4, len(value)) + b"".join(map(cbor, value))
    return head(5, len(value)) + b"".join(cbor(k) + cbor(v) for k, v in value.items())


def manifest(command, port=8080, **changes):
    """Keys as src/wire/manifest.h numbers them; `changes` by number, as k8=1."""
    fields = {1: "probe", 2: command, 3: [], 4: [0, 0, []], 5: "/", 6: 15, 7: port, 8: 0, 9: [], 10: [], 11: [0, "", 0, 0],
              12: [], 13: [True, False, False], 14: [], 15: False, 16: [False, []], 17: False, 18: False, 19: 1,
              20: [b"\x11" * 48], 21: 0}
    fields.update({int(name[1:]): value for name, value in changes.items()})
    return cbor(["cages/manifest", 1, fields])
