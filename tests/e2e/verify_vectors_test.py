#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""`cage verify` says of every attestation vector what its index says: class by class, edge by edge."""

import base64
import json
import os
import pathlib
import subprocess
import sys
import unittest

BINARIES = pathlib.Path(os.environ.get("CAGES_BIN", "build/release/bin"))
SOURCE = pathlib.Path(__file__).resolve().parents[2]
VECTORS = pathlib.Path(os.environ.get("CAGE_VECTORS", SOURCE.parent / "shared" / "vectors"))
ATTESTATION = VECTORS / "attestation"
SYNTHETIC = ATTESTATION / "synthetic"
NO_LIMIT = 10800  # a leaf lives three hours

EXIT = {"accept": 0, "reject": 10, "malformed": 20, "policy": 30}


def b64(data):
    return base64.b64encode(data).decode()


def pem(path):
    return "-----BEGIN CERTIFICATE-----\n" + b64(path.read_bytes()) + "\n-----END CERTIFICATE-----\n"


def run(request):
    """Returns (verdict, error class, whole answer); the exit code has to agree with the verdict."""
    text = request if isinstance(request, str) else json.dumps(request)
    done = subprocess.run([BINARIES / "cage", "verify"], input=text.encode(), capture_output=True, timeout=60, check=False)
    lines = done.stdout.decode().splitlines()
    if len(lines) != 1:
        raise AssertionError(f"one line of JSON expected, got {done.stdout!r} {done.stderr!r}")
    answer = json.loads(lines[0])
    if done.returncode != EXIT[answer["verdict"]]:
        raise AssertionError(f"exit {done.returncode} with {answer}")
    if answer["verdict"] == "accept":
        assert set(answer) == {"verdict", "document"}, answer
    else:
        assert set(answer) == {"verdict", "error", "detail"} and answer["detail"], answer
    return answer["verdict"], answer.get("error", ""), answer


def verify(document, time, policy, roots=None):
    request = {"document": b64(document), "time": time, "policy": policy}
    if roots is not None:
        request["roots"] = roots
    return run(request)


class Synthetic(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.manifest = json.loads((SYNTHETIC / "manifest.json").read_text())
        cls.root = pem(SYNTHETIC / "root.der")

    def vectors(self):
        return [value for value in self.manifest.values() if isinstance(value, list)][0]

    def policy_of(self, vector):
        # The manifest's note: PCR, nonce and user_data policy applies to these alone.
        policy = {"pcrs": "any"}
        name = vector["file"][:3]
        if name in ("r80", "r81", "r82"):
            policy["pcrs"] = [self.manifest["policy_pcrs"]]
        if name in ("r91", "r92"):
            policy["nonce"] = b64(bytes.fromhex(self.manifest["expected_nonce"]))
        if name == "r93":
            policy["user_data"] = b64(bytes.fromhex(self.manifest["expected_user_data"]))
        if name == "s20":
            policy["skew_s"] = 0
        return policy

    def test_every_vector_has_its_verdict_and_class(self):
        for vector in self.vectors():
            with self.subTest(vector["file"]):
                document = (SYNTHETIC / vector["file"]).read_bytes()
                verdict, error, _ = verify(document, vector["time"], self.policy_of(vector), [self.root])
                self.assertEqual((verdict.upper(), error), (vector["expect"], vector["error"]))

    def test_the_production_root_rejects_all(self):
        for vector in self.vectors():
            with self.subTest(vector["file"]):
                document = (SYNTHETIC / vector["file"]).read_bytes()
                self.assertEqual(verify(document, vector["time"], {"pcrs": "any"})[0], "reject")

    def test_the_policy_of_the_manifest_accepts_and_names_the_class(self):
        document = (SYNTHETIC / "a01_definite.cose").read_bytes()
        policy = {"pcrs": [{"0": "11" * 48}, self.manifest["policy_pcrs"]],
                  "nonce": b64(bytes.fromhex(self.manifest["expected_nonce"])),
                  "user_data": b64(bytes.fromhex(self.manifest["expected_user_data"]))}
        verdict, _, answer = verify(document, 1767225660, policy, [self.root])
        self.assertEqual(verdict, "accept")
        self.assertEqual(answer["document"]["pcr_set"], 1)
        self.assertTrue(answer["document"]["class"].startswith("development:"))
        self.assertEqual(answer["document"]["pcrs"]["0"], self.manifest["policy_pcrs"]["0"])

    def test_a_pcr_that_the_document_lacks_is_a_mismatch(self):
        document = (SYNTHETIC / "a09_pcrs_subset.cose").read_bytes()
        self.assertEqual(verify(document, 1767225660, {"pcrs": [self.manifest["policy_pcrs"]]}, [self.root])[1], "PCR_MISMATCH")

    def test_pcr_policies(self):
        document = (SYNTHETIC / "a01_definite.cose").read_bytes()
        good = self.manifest["policy_pcrs"]
        table = [
            ({"pcrs": [{"0": good["0"].upper()}]}, ("accept", "")),
            ({"pcrs": [{"1": good["1"], "2": good["2"]}]}, ("accept", "")),
            ({"pcrs": [{"0": good["1"]}]}, ("reject", "PCR_MISMATCH")),
            ({"pcrs": [{"0": good["0"], "1": good["0"]}]}, ("reject", "PCR_MISMATCH")),
            ({"pcrs": [{"0": good["0"], "31": good["0"]}]}, ("reject", "PCR_MISMATCH")),
            ({"pcrs": [good], "refused_pcr0": [good["0"]]}, ("reject", "REFUSED_PCR0")),
            ({"pcrs": "any", "refused_pcr0": [good["0"]]}, ("reject", "REFUSED_PCR0")),
            ({"pcrs": [good], "not_after": 1767225660}, ("accept", "")),
            ({"pcrs": [good], "not_after": 1767225659}, ("reject", "NOT_AFTER")),
            ({"pcrs": [dict(good, counter=7)], "counter_min": 7}, ("accept", "")),
            ({"pcrs": [dict(good, counter=6), {"0": "22" * 48, "counter": 7}], "counter_min": 7}, ("reject", "COUNTER")),
            ({"pcrs": [good, {"0": "22" * 48, "counter": 7}], "counter_min": 7}, ("reject", "COUNTER")),
            ({"pcrs": [dict(good, counter=6)], "counter_min": 7}, ("policy", "POLICY_CONTRADICTION")),
            ({"pcrs": [{"8": "22" * 48}], "signer_only": True}, ("reject", "PCR_MISMATCH")),
            ({"pcrs": [{"8": "22" * 48}]}, ("policy", "POLICY_EMPTY")),
            ({"pcrs": [{"1": good["1"]}]}, ("policy", "POLICY_EMPTY")),
            ({"pcrs": [{"2": good["2"]}]}, ("policy", "POLICY_EMPTY")),
            ({"pcrs": [{"3": good["2"]}]}, ("policy", "POLICY_EMPTY")),
            ({"pcrs": [{}]}, ("policy", "POLICY_EMPTY")),
            ({"pcrs": [good, {}]}, ("policy", "POLICY_EMPTY")),
            ({"pcrs": []}, ("policy", "POLICY_EMPTY")),
            ({}, ("policy", "POLICY_EMPTY")),
            ({"nonce": "AAAA"}, ("policy", "POLICY_EMPTY")),
            ({"pcrs": [good], "signer_only": True}, ("policy", "POLICY_CONTRADICTION")),
            ({"pcrs": "any", "signer_only": True}, ("policy", "POLICY_CONTRADICTION")),
            ({"pcrs": [{"0": "00" * 48}]}, ("policy", "POLICY_CONTRADICTION")),
            ({"pcrs": [{"0": "00" * 48}], "allow_debug": True}, ("policy", "POLICY_CONTRADICTION")),
            ({"pcrs": [good], "max_age_s": -1}, ("policy", "POLICY_CONTRADICTION")),
            ({"pcrs": [{"32": good["0"]}]}, ("policy", "POLICY_UNKNOWN")),
            ({"pcrs": [{"00": good["0"]}]}, ("policy", "POLICY_UNKNOWN")),
            ({"pcrs": "Any"}, ("policy", "POLICY_UNKNOWN")),
            ({"pcrs": "any", "platform": "nitrotpm"}, ("policy", "POLICY_UNKNOWN")),
            ({"pcrs": "any", "max_age": 5}, ("policy", "POLICY_UNKNOWN")),
            ({"pcrs": "any", "nonce": "!"}, ("malformed", "BASE64")),
            ({"pcrs": [{"0": "zz"}]}, ("malformed", "HEX")),
            ({"pcrs": [{"0": "11"}]}, ("malformed", "HEX")),
            ({"pcrs": [{"0": 5}]}, ("malformed", "JSON")),
            ({"pcrs": "any", "allow_debug": 1}, ("malformed", "JSON")),
        ]
        for policy, expected in table:
            with self.subTest(policy):
                self.assertEqual(verify(document, 1767225660, policy, [self.root])[:2], expected)

    def test_age_and_skew_edges_with_the_defaults(self):
        document = (SYNTHETIC / "a01_definite.cose").read_bytes()  # timestamp 1767225660007 ms
        for time, expected in [(1767225600, "TIMESTAMP_FUTURE"), (1767225601, ""), (1767226560, ""), (1767226561, "TIMESTAMP_OLD")]:
            with self.subTest(time):
                self.assertEqual(verify(document, time, {"pcrs": "any"}, [self.root])[1], expected)

    def test_requests_that_cannot_be_read(self):
        document = b64((SYNTHETIC / "a01_definite.cose").read_bytes())
        good = {"document": document, "time": 1767225660, "policy": {"pcrs": "any"}, "roots": [self.root]}
        self.assertEqual(run(good)[0], "accept")
        for change, error in [({"document": None}, "JSON"), ({"document": "*"}, "BASE64"), ({"time": "now"}, "JSON"),
                              ({"time": -1}, "JSON"), ({"roots": []}, "JSON"), ({"roots": ["x"]}, "PEM"), ({"extra": 1}, "JSON"),
                              ({"roots": [self.root + self.root]}, "PEM"), ({"roots": self.root}, "JSON"), ({"policy": []}, "JSON"),
                              ({"roots": ["-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"]}, "PEM")]:
            with self.subTest(change):
                self.assertEqual(run(dict(good, **change))[:2], ("malformed", error))
        for text in ["", "{", "[]", json.dumps(good)[:-1] + ',"time":1}', json.dumps(good) + " 1", "{}", '{"document":' + "[" * 100000]:
            with self.subTest(text[:20]):
                self.assertEqual(run(text)[:2], ("malformed", "JSON"))
        self.assertEqual(run({key: value for key, value in good.items() if key != "policy"})[:2], ("policy", "POLICY_EMPTY"))


class Real(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        index = json.loads((ATTESTATION / "index.json").read_text())
        index = [{**entry, "path": VECTORS / entry["file"]} for entry in index]
        cls.good = [entry for entry in index if "/real/" in entry["file"]]
        cls.bad = [entry for entry in index if "/real-negative/" in entry["file"]]

    def policy_of(self, entry, **more):
        if entry["debug"]:
            return {"pcrs": "any", "allow_debug": True, **more}
        return {"pcrs": [{name: entry["pcrs"][name] for name in ("0", "1", "2")}], **more}

    def test_accepted_at_their_own_time_with_the_defaults(self):
        self.assertEqual(len(self.good), 17)
        for entry in self.good:
            with self.subTest(entry["file"]):
                policy = self.policy_of(entry)
                for name in ("nonce", "user_data", "public_key"):
                    if entry[name] is not None:
                        policy[name] = b64(bytes.fromhex(entry[name]))
                verdict, error, answer = verify(entry["path"].read_bytes(), entry["timestamp_ms"] // 1000, policy)
                self.assertEqual((verdict, error), ("accept", ""))
                document = answer["document"]
                self.assertEqual(document["module_id"], entry["module_id"])
                self.assertEqual(document["timestamp_ms"], entry["timestamp_ms"])
                self.assertEqual(document["pcrs"], entry["pcrs"])
                self.assertEqual(document["class"], "nitro-debug" if entry["debug"] else "nitro")

    def test_the_defaults_bound_the_age(self):
        for entry in self.good:
            with self.subTest(entry["file"]):
                document, own = entry["path"].read_bytes(), entry["timestamp_ms"] // 1000
                last = min(own + 900, entry["chain_valid_seconds"][1])
                self.assertEqual(verify(document, last, self.policy_of(entry))[0], "accept")
                if own + 901 <= entry["chain_valid_seconds"][1]:
                    self.assertEqual(verify(document, own + 901, self.policy_of(entry))[1], "TIMESTAMP_OLD")

    def test_the_whole_window_of_the_chain_and_no_second_more(self):
        for entry in self.good:
            document = entry["path"].read_bytes()
            policy = self.policy_of(entry, max_age_s=NO_LIMIT, skew_s=NO_LIMIT)
            first, last = entry["chain_valid_seconds"]
            for time, expected in [(first, ""), ((first + last) // 2, ""), (last, ""),
                                   (first - 1, "CERT_NOT_YET_VALID"), (last + 1, "CERT_EXPIRED")]:
                with self.subTest(entry["file"], time=time):
                    self.assertEqual(verify(document, time, policy)[1], expected)

    def test_debug_documents_need_to_be_asked_for(self):
        for entry in [entry for entry in self.good if entry["debug"]]:
            with self.subTest(entry["file"]):
                document, time = entry["path"].read_bytes(), entry["timestamp_ms"] // 1000
                self.assertEqual(verify(document, time, {"pcrs": "any"})[1], "DEBUG")
                self.assertEqual(verify(document, time, {"pcrs": "any", "allow_debug": True})[0], "accept")
                self.assertEqual(verify(document, time, {"pcrs": [{"0": "11" * 48}], "allow_debug": True})[1], "PCR_MISMATCH")

    def test_the_negative_ones_are_rejected_by_class(self):
        classes = {"COSE_SIGNATURE_INVALID": "COSE_SIGNATURE"}
        self.assertEqual(len(self.bad), 6)
        for entry in self.bad:
            with self.subTest(entry["file"]):
                expected = [classes.get(word, word) for word in entry["expect"].split(" (")[0].split(" / ")]
                verdict, error, _ = verify(entry["path"].read_bytes(), entry["timestamp_ms"] // 1000,
                                           {"pcrs": "any", "allow_debug": True})
                self.assertEqual(verdict, "reject")
                self.assertIn(error, expected)


if __name__ == "__main__":
    if not ATTESTATION.is_dir():
        print(f"skipped: no vectors at {VECTORS} (set CAGE_VECTORS)")
        sys.exit(77)
    sys.exit(0 if unittest.main(exit=False).result.wasSuccessful() else 1)
