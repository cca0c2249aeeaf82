#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Makes values.json beside this file: encrypted strings and files, by python3-cryptography alone (nothing of Cages), as docs/protocol.md,
"Encrypted values", describes them. Everything random is fixed, so that the same file comes out every time."""

import base64
import hashlib
import json
import pathlib
import struct
import zlib

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

CURVES = {"p256": ec.SECP256R1(), "secp256k1": ec.SECP256K1()}
VERSIONS = {"RFVC": ("secp256k1", False), "S0lS": ("secp256k1", True), "Tk9D": ("p256", False), "QkTC": ("p256", True)}
TYPES = {"string": 0, "number": 1, "boolean": 2}
# Explicit parameters: p, a, b, seed, generator, order.
PARAMETERS = {
    "p256": ("ffffffff00000001000000000000000000000000ffffffffffffffffffffffff",
             "ffffffff00000001000000000000000000000000fffffffffffffffffffffffc",
             "5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604b", "c49d360886e704936a6678e1139d26b7819f7e90",
             "046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c2964fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6"
             "406837bf51f5", "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551"),
    "secp256k1": ("fffffffffffffffffffffffffffffffffffffffffffffffffffffffefffffc2f", "00" * 32, "00" * 31 + "07", None,
                  "0479be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554"
                  "199c47d08ffb10d4b8", "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141"),
}


def der(tag, body):
    size = len(body)
    head = bytes([size]) if size < 128 else bytes([0x81, size]) if size < 256 else bytes([0x82]) + struct.pack(">H", size)
    return bytes([tag]) + head + body


def integer(text):
    body = bytes.fromhex(text)
    return der(2, (b"\0" if body[0] & 0x80 else b"") + body)


def spki(curve, point):
    p, a, b, seed, generator, order = PARAMETERS[curve]
    ab = der(4, bytes.fromhex(a)) + der(4, bytes.fromhex(b)) + (der(3, b"\0" + bytes.fromhex(seed)) if seed else b"")
    explicit = der(0x30, integer("01") + der(0x30, bytes.fromhex("06072a8648ce3d0101") + integer(p)) + der(0x30, ab) +
                   der(4, bytes.fromhex(generator)) + integer(order) + integer("01"))
    return der(0x30, der(0x30, bytes.fromhex("06072a8648ce3d0201") + explicit) + der(3, b"\0" + point))


def key(curve, seed):
    return ec.derive_private_key(int.from_bytes(hashlib.sha256(seed.encode()).digest(), "big") >> 1, CURVES[curve])


def compressed(private):
    return private.public_key().public_bytes(Encoding.X962, PublicFormat.CompressedPoint)


def content_key(curve, app, ephemeral, raw):
    x = ephemeral.exchange(ec.ECDH(), app.public_key())
    if raw:
        return x
    point = ephemeral.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return hashlib.sha256(x + b"\0\0\0\1" + spki(curve, point)).digest()


def msgpack(role, origin, time):
    text = lambda t: bytes([0xa0 | len(t)]) + t.encode()
    number = lambda n: bytes([n]) if n < 128 else b"\xce" + struct.pack(">I", n)
    pairs = (text("dr") + text(role) if role else b"") + text("eo") + number(origin) + text("et") + number(time)
    body = bytes([0x83 if role else 0x82]) + pairs
    return struct.pack("<H", len(body)) + body


def unpadded(data):
    return base64.b64encode(data).decode().rstrip("=")


def value(version, kind, text, role):
    curve, metadata = VERSIONS[version]
    app, ephemeral = key(curve, "app"), key(curve, "ephemeral " + version + kind)
    iv = hashlib.sha256((version + kind + text).encode()).digest()[:12]
    plain, aad = text.encode(), b""
    if version == "Tk9D":
        aad = compressed(app)
    if metadata:
        plain = msgpack(role, 9, 1700000000) + plain
        aad = bytes([TYPES[kind] << 4 | (curve == "p256")]) + compressed(ephemeral) + compressed(app)
    sealed = AESGCM(content_key(curve, app, ephemeral, version == "RFVC")).encrypt(iv, plain, aad)
    tag = "" if kind == "string" else kind + ":"
    return {"version": version, "curve": curve, "type": kind, "plain": text, "role": role if metadata else None,
            "origin": 9 if metadata else None, "time": 1700000000 if metadata else None,
            "ephemeral_private": format(ephemeral.private_numbers().private_value, "064x"), "iv": iv.hex(),
            "text": f"ev:{version}:{tag}{unpadded(iv)}:{unpadded(compressed(ephemeral))}:{unpadded(sealed)}:$"}


def file(curve, content):
    app, ephemeral, iv = key(curve, "app"), key(curve, "file"), b"0123456789ab"
    sealed = AESGCM(content_key(curve, app, ephemeral, curve == "secp256k1")).encrypt(
        iv, content, compressed(app) if curve == "p256" else b"")
    head = b"%EVENC" + bytes([3 if curve == "p256" else 2]) + struct.pack("<H", 55) + compressed(ephemeral) + iv + b"\0"
    return {"curve": curve, "content": content.hex(), "iv": iv.hex(),
            "ephemeral_private": format(ephemeral.private_numbers().private_value, "064x"),
            "file": (head + sealed + struct.pack("<I", zlib.crc32(head + sealed))).hex()}


VALUES = [("string", "4242424242424242"), ("string", ""), ("string", "größe \"und\" \\ mehr\n"), ("string", "x" * 3000),
          ("number", "19.99"), ("number", "-1e3"), ("boolean", "true"), ("boolean", "false")]
out = {
    "apps": {curve: {"private": format(key(curve, "app").private_numbers().private_value, "064x"),
                     "public": compressed(key(curve, "app")).hex()} for curve in CURVES},
    "values": [value(v, kind, text, role) for v, (_, metadata) in VERSIONS.items() for kind, text in VALUES
               for role in (("card", None) if metadata else (None,))],
    "files": [file(curve, content) for curve in CURVES for content in (b"", b"an identity document\n" * 50)],
}
if __name__ == "__main__":
    (pathlib.Path(__file__).parent / "values.json").write_text(json.dumps(out, indent=1, ensure_ascii=True) + "\n")
