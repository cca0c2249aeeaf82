#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The same work as bench/verify.cpp with Debian's python3-cbor2 and python3-cryptography: documents a second, median of five."""

import pathlib
import statistics
import sys
import time

import cbor2
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils

VECTORS = pathlib.Path(__file__).resolve().parents[1] / "tests" / "vectors" / "attestation"


def verify(document, root):
    protected, _, payload, signature = cbor2.loads(document)
    fields = cbor2.loads(payload)
    if fields["cabundle"][0] != root:
        raise ValueError("another root")
    chain = [x509.load_der_x509_certificate(der) for der in [*fields["cabundle"], fields["certificate"]]]
    for issuer, child in zip(chain, chain[1:]):
        issuer.public_key().verify(child.signature, child.tbs_certificate_bytes, ec.ECDSA(child.signature_hash_algorithm))
    half = len(signature) // 2
    der = utils.encode_dss_signature(int.from_bytes(signature[:half], "big"), int.from_bytes(signature[half:], "big"))
    chain[-1].public_key().verify(der, cbor2.dumps(["Signature1", protected, b"", payload]), ec.ECDSA(hashes.SHA384()))


def main():
    document = (VECTORS / "a01_definite.cose").read_bytes()
    root = (VECTORS / "root.der").read_bytes()
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
    rates = []
    for _ in range(5):
        count, start = 0, time.perf_counter()
        while time.perf_counter() - start < seconds:
            verify(document, root)
            count += 1
        rates.append(count / (time.perf_counter() - start))
    print(f"python3 cbor2 + cryptography: {statistics.median(rates):.0f} documents/s (from {min(rates):.0f} to {max(rates):.0f})")


if __name__ == "__main__":
    main()
