#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Keys, roles and policies of the engine as an operator uses them: a client that knows the published scheme alone encrypts with the key
that caged serves; `cage decrypt` opens it where the policy says so, and nothing of it lies in caged's files."""

import base64
import json
import os
import pathlib
import ssl
import subprocess
import sys
import unittest
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "support"), str(HERE.parent / "vectors/encrypted")]
import make  # noqa: E402
import project  # noqa: E402
import running  # noqa: E402

CANARY = "canary-7f3a9c55e1"
PLANTED = "planted-7f3a9c55e1"


class Values(running.Case):
    def setUp(self):
        super().setUp()
        self.start_caged()
        self.app = self.call("POST", "/v1/apps", b'{"name":"pay"}')["id"]

    def run_verb(self, *words, stdin=""):
        return subprocess.run([project.BIN / "cage", *words, "--app", "pay"], input=stdin, env=self.env, capture_output=True, text=True,
                              timeout=running.TIME, check=False)

    def client_keys(self):
        """What a client library fetches: no API key of ours, the app's id in a header."""
        tls = ssl.create_default_context(cafile=str(self.state / "caged/api-ca.pem"))
        request = urllib.request.Request(f"https://localhost:{self.ports['api']}/keys",
                                         headers={"api-key": "whatever", "x-evervault-app-id": self.app})
        with urllib.request.urlopen(request, context=tls, timeout=running.TIME) as answer:
            return json.load(answer)

    def seal(self, text, role):
        """As an encrypting client does it, on P-256 with metadata, by python3-cryptography."""
        keys = self.client_keys()
        point = base64.b64decode(keys["ecdhP256Key"])
        self.assertEqual(base64.b64decode(keys["ecdhP256KeyUncompressed"])[1:33], point[1:])
        app = make.ec.EllipticCurvePublicKey.from_encoded_point(make.CURVES["p256"], point)
        ephemeral = make.ec.generate_private_key(make.CURVES["p256"])
        whole = ephemeral.public_key().public_bytes(make.Encoding.X962, make.PublicFormat.UncompressedPoint)
        key = make.hashlib.sha256(ephemeral.exchange(make.ec.ECDH(), app) + b"\0\0\0\1" + make.spki("p256", whole)).digest()
        aad = bytes([0 << 4 | 1]) + make.compressed(ephemeral) + point
        iv = os.urandom(12)
        sealed = make.AESGCM(key).encrypt(iv, make.msgpack(role, 9, 1700000000) + text.encode(), aad)
        return f"ev:QkTC:{make.unpadded(iv)}:{make.unpadded(make.compressed(ephemeral))}:{make.unpadded(sealed)}:$"

    def set_policy(self, *rules):
        done = self.run_verb("policy", "set", stdin=json.dumps({"rules": list(rules)}))
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_a_clients_value_opens_once_the_policy_says_so(self):
        value = json.dumps({"card": self.seal(CANARY, "card"), "other": 1})
        refused = self.run_verb("decrypt", stdin=value)
        self.assertEqual(refused.returncode, 30, refused.stderr)
        self.assertIn("ENGINE_POLICY", refused.stderr)
        self.assertIn("/card", refused.stderr)
        self.assertEqual(self.run_verb("role", "new", "card").returncode, 0)
        self.set_policy({"name": "support reads cards", "role": "card", "callers": ["api_key"]})
        opened = self.run_verb("decrypt", stdin=value)
        self.assertEqual(json.loads(opened.stdout), {"card": CANARY, "other": 1}, opened.stderr)
        tested = self.run_verb("policy", "test", "--role", "card", "--caller", "api_key")
        self.assertEqual((tested.returncode, tested.stdout), (0, 'allowed by rule "support reads cards"\n'))
        self.assertEqual(self.run_verb("policy", "test", "--role", "card").returncode, 30)

    def test_what_cage_encrypts_cage_decrypts_also_after_a_rotation(self):
        self.set_policy({"name": "all", "role": "", "callers": ["api_key"]})
        plain = {"name": CANARY, "n": 12, "yes": True, "list": [None, "ü"]}
        sealed = self.run_verb("encrypt", stdin=json.dumps(plain))
        self.assertEqual(sealed.returncode, 0, sealed.stderr)
        self.assertNotIn(CANARY, sealed.stdout)
        before = self.client_keys()
        self.assertEqual(self.run_verb("keys", "rotate").returncode, 0)
        self.assertNotEqual(before, self.client_keys())
        self.assertEqual(json.loads(self.run_verb("decrypt", stdin=sealed.stdout).stdout), plain)
        listed = json.loads(self.run_verb("keys", "list", "--json").stdout)["keys"]
        self.assertEqual([key["version"] for key in listed], [2, 2, 1, 1])
        for key in listed:
            read = subprocess.run(["openssl", "pkey", "-pubin", "-noout", "-text"], input=key["pem"], capture_output=True, text=True,
                                  check=False)
            self.assertEqual(read.returncode, 0, read.stderr)

    def test_nothing_opened_lies_in_its_files(self):
        self.set_policy({"name": "all", "role": "", "callers": ["api_key"]})
        sealed = self.run_verb("encrypt", stdin=json.dumps([CANARY]))
        self.assertEqual(json.loads(self.run_verb("decrypt", stdin=sealed.stdout).stdout), [CANARY])
        self.call("POST", "/v1/apps", json.dumps({"name": PLANTED}).encode())
        self.stop("caged")
        found = {word: [str(path) for path in self.state.rglob("*") if path.is_file() and word.encode() in path.read_bytes()]
                 for word in (CANARY, PLANTED)}
        self.assertEqual(found[CANARY], [])
        self.assertTrue(found[PLANTED], "the search finds nothing at all")
        self.assertNotIn(CANARY, self.said("caged"))


if __name__ == "__main__":
    if not (project.BIN / "caged").exists():
        print(f"skipped: the programs are not built ({project.BIN})")
        sys.exit(77)
    unittest.main()
