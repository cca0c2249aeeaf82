#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What ships knows one production root, AWS's, and no flag, setting or variable changes it (design §8)."""

import base64
import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

TOP = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("CAGES_BIN", TOP / "build/release/bin")).resolve()
TREE = BIN.parent
# Published by AWS for Root-G1: SHA-256 over the certificate.
AWS = "641a0321a3e244efe456463195d606317ed7cdcc3c1756e09893f3c68f79bb5b"
VECTORS = TOP / "tests/vectors/attestation"
VALID_AT = 1767225660
# What judges evidence holds the root; what only carries it holds none.
JUDGES = {"cage": BIN / "cage", "caged": BIN / "caged", "libcage": TREE / "lib/libcage.so"}
CARRIES = {"cage-host": BIN / "cage-host", "cage-runtime": BIN / "cage-runtime", "cage-nsm": BIN / "cage-nsm"}
PEM = re.compile(rb"-----BEGIN CERTIFICATE-----\s+[A-Za-z0-9+/]{16}")
SKIPPED = 77


def certificates_in(data):
    """SHA-256 of every X.509 certificate (version 3, DER) among these bytes."""
    found = set()
    at = data.find(b"\x30\x82")
    while at >= 0:
        whole = data[at : at + 4 + int.from_bytes(data[at + 2 : at + 4], "big")]
        if whole[4:6] == b"\x30\x82" and whole[8:13] == b"\xa0\x03\x02\x01\x02":
            found.add(hashlib.sha256(whole).hexdigest())
        at = data.find(b"\x30\x82", at + 1)
    return found


def objects_of(name):
    """The object files that the linker took, from its map."""
    text = (TREE / f"{name}.map").read_text()
    return set(re.findall(r"^ *(?:[0-9a-f]+ +){3}[0-9]+ +(\S+\.o\)?):\(", text, re.M))


def verdict(roots=None, **variables):
    """What `cage verify` says of a document that is genuine under tests/vectors' root."""
    request = {"document": base64.b64encode((VECTORS / "a01_definite.cose").read_bytes()).decode(), "time": VALID_AT,
               "policy": {"pcrs": "any"}}
    if roots:
        request["roots"] = roots
    done = subprocess.run([BIN / "cage", "verify"], input=json.dumps(request).encode(), capture_output=True, timeout=60,
                          env={**os.environ, **variables}, check=False)
    answer = json.loads(done.stdout)
    return answer.get("error", answer["verdict"])


class Linked(unittest.TestCase):
    def test_whoever_judges_holds_aws_root_and_no_other_certificate(self):
        for name, path in JUDGES.items():
            data = path.read_bytes()
            self.assertEqual(certificates_in(data), {AWS}, name)
            self.assertIsNone(PEM.search(data), name)

    def test_whoever_carries_holds_none(self):
        for name, path in CARRIES.items():
            data = path.read_bytes()
            self.assertEqual(certificates_in(data), set(), name)
            self.assertIsNone(PEM.search(data), name)

    def test_the_root_comes_from_one_object_and_nothing_from_the_tests(self):
        for name in [*JUDGES, *CARRIES]:
            objects = objects_of(name)
            self.assertGreater(len(objects), 10, name)
            roots = [one for one in objects if "production_root" in one]
            self.assertEqual(len(roots), 1 if name in JUDGES else 0, (name, roots))
            ours = [one for one in objects if not one.startswith("/")]  # OpenSSL has its own self-tests
            self.assertEqual([one for one in ours if re.search(r"(^|[^a-z])tests?([^a-z]|$)", one)], [], name)

    def test_no_check_can_be_forced(self):
        for name, path in {**JUDGES, **CARRIES}.items():
            self.assertNotIn(b"CAGES_MUTATE", path.read_bytes(), name)

    def test_it_would_see_another_certificate(self):
        other = (VECTORS / "root.der").read_bytes()
        self.assertEqual(certificates_in(b"x" * 7 + other + JUDGES["cage"].read_bytes()), {AWS, hashlib.sha256(other).hexdigest()})


class Unchangeable(unittest.TestCase):
    def setUp(self):
        self.top = pathlib.Path(tempfile.mkdtemp(prefix="cages-root."))
        self.addCleanup(shutil.rmtree, self.top, ignore_errors=True)
        text = base64.encodebytes((VECTORS / "root.der").read_bytes()).decode()
        self.pem = f"-----BEGIN CERTIFICATE-----\n{text}-----END CERTIFICATE-----\n"
        # The other root, wherever a program might look for one.
        for place in ("root.pem", "nsm/root.pem", "cages/root.pem", "cages/nsm/root.pem", ".local/state/cages/nsm/root.pem",
                      ".config/cages/root.pem", "ca-certificates.crt"):
            (self.top / place).parent.mkdir(parents=True, exist_ok=True)
            (self.top / place).write_text(self.pem)
        (self.top / "cages/config.toml").write_text(f'root = "{self.top}/root.pem"\n')

    def test_the_document_is_genuine_under_its_own_root(self):
        self.assertEqual(verdict([self.pem]), "accept")

    def test_no_variable_adds_a_root(self):
        self.assertEqual(verdict(), "UNTRUSTED_ROOT")
        folder = str(self.top)
        for name in ("HOME", "CAGE_STATE_DIR", "XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_RUNTIME_DIR", "CAGE_VECTORS",
                     "SSL_CERT_DIR"):
            self.assertEqual(verdict(**{name: folder}), "UNTRUSTED_ROOT", name)
        for name in ("SSL_CERT_FILE", "CAGE_ROOT", "CAGE_ROOTS", "CAGES_ROOT"):
            self.assertEqual(verdict(**{name: f"{folder}/root.pem"}), "UNTRUSTED_ROOT", name)
        for check in ("UNTRUSTED_ROOT", "CABUNDLE_ROOT"):
            self.assertEqual(verdict(CAGES_MUTATE_CHECK=check), "UNTRUSTED_ROOT", check)

    def caged(self, *words):
        done = subprocess.run([BIN / "caged", *words], capture_output=True, timeout=60, check=False)
        return done.returncode, done.stderr.decode()

    def test_caged_knows_no_setting_for_a_root(self):
        config = self.top / "caged.toml"
        for key in ("production_root", "root", "roots", "nitro_root", "development_roots", "development"):
            value = "true" if key == "development" else f'["{self.top}/root.pem"]'
            config.write_text(f'version = 1\nstate = "{self.top}/state"\n{key} = {value}\n')
            code, said = self.caged("--config", config)
            self.assertEqual(code, 20, (key, said))
            self.assertIn("TOML_KEY", said, key)
        self.assertFalse((self.top / "state").exists())

    def test_caged_knows_no_flag_for_a_root(self):
        for flag in ("--root", "--production-root", "--development-root", "--trust"):
            code, said = self.caged(flag, self.top / "root.pem")
            self.assertEqual(code, 2, (flag, said))


if __name__ == "__main__":
    for needed in (*JUDGES.values(), *CARRIES.values(), *(TREE / f"{name}.map" for name in [*JUDGES, *CARRIES])):
        if not needed.exists():
            print(f"skipped: there is no {needed}", file=sys.stderr)
            sys.exit(SKIPPED)
    unittest.main()
