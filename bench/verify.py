#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Attestation documents a second of CPU time: the verifier, bare OpenSSL calls for the same signatures, and Python. `bench/verify.sh`
builds the program and runs this."""

import json
import pathlib
import subprocess
import sys
import time

import cbor2
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils

import measure

VECTORS = measure.TOP / "tests/vectors/attestation"
SECONDS = 0.5


def verify(document, root):
    """The same work as bench/verify.cpp's bare_openssl, with Debian's python3-cbor2 and python3-cryptography."""
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


def python():
    document, root = (VECTORS / "a01_definite.cose").read_bytes(), (VECTORS / "root.der").read_bytes()
    count, start = 0, time.process_time()
    while time.process_time() - start < SECONDS:
        verify(document, root)
        count += 1
    return count / (time.process_time() - start)


def compiled(program, name):
    def run():
        command = [program, f"--benchmark_filter=^{name}$", f"--benchmark_min_time={SECONDS}", "--benchmark_format=json"]
        done = subprocess.run(command, capture_output=True, check=True)
        return json.loads(done.stdout)["benchmarks"][0]["items_per_second"]
    return run


def main():
    program = pathlib.Path(sys.argv[1])
    acts = {name: compiled(program, name) for name in ("verify_document", "bare_openssl")}
    found = measure.take_turns({**acts, "python": python})
    for name, rates in found.items():
        print(f"{name:16} {measure.spread(rates, digits=0):28} documents a second")
    print(f"verify_document / bare_openssl   {measure.ratio(found['verify_document'], found['bare_openssl']):.3f}  (target: 0.9 or more)")
    print(f"verify_document / python         {measure.ratio(found['verify_document'], found['python']):.2f}")


if __name__ == "__main__":
    main()
