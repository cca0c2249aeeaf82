# SPDX-License-Identifier: Apache-2.0
"""The software NSM behaves as an NSM, to somebody who has nothing but nsm_cbor.json and an independent CBOR library."""

import hashlib
import json
import os
import pathlib
import random
import resource
import socket
import stat
import subprocess
import sys
import tempfile
import time
import unittest

import cbor2
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

SOURCE = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = pathlib.Path(os.environ.get("CAGES_BIN", SOURCE / "build/release/bin")) / "cage-nsm"
VECTORS = pathlib.Path(os.environ.get("CAGE_VECTORS", SOURCE / "../shared/vectors")) / "nsm/nsm_cbor.json"
MODULE = "i-0123456789abcdef0-enc019b8596b1a9dad6"
PCRS = {0: b"\x10" * 48, 1: b"\x11" * 48, 2: b"\x12" * 48, 8: b"\x18" * 48}
SKIPPED = 77


class Nsm:
    """One cage-nsm on the other end of a socket pair."""

    def __init__(self, state, *more, pcrs=None, stderr=None):
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.settimeout(30)
        arguments = [PROGRAM, "serve", "--channel", str(theirs.fileno()), "--module-id", MODULE, "--state", state, *more]
        for index, value in (PCRS if pcrs is None else pcrs).items():
            arguments += ["--pcr", f"{index}={value.hex()}"]
        self.process = subprocess.Popen(arguments, pass_fds=[theirs.fileno()], stderr=stderr or subprocess.DEVNULL)
        theirs.close()
        self.socket = ours

    def raw(self, request):
        self.socket.send(request)
        return self.socket.recv(65536)

    def ask(self, request):
        return cbor2.loads(self.raw(cbor2.dumps(request)))

    def end(self):
        self.socket.close()
        return self.process.wait(30)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()
        self.process.wait(30)


def refused(status):
    return {"Error": status}


class NsmSemantics(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.scratch = tempfile.TemporaryDirectory()
        cls.state = str(pathlib.Path(cls.scratch.name) / "state/nsm")
        cls.vectors = json.loads(VECTORS.read_text())

    @classmethod
    def tearDownClass(cls):
        cls.scratch.cleanup()

    def setUp(self):
        self.nsm = Nsm(self.state)

    def tearDown(self):
        self.assertEqual(self.nsm.end(), 0)

    def vector(self, name):
        return bytes.fromhex(self.vectors["requests"][name]["hex"])

    def ask_vector(self, name):
        return cbor2.loads(self.nsm.raw(self.vector(name)))

    def test_every_request_of_the_vectors_gets_its_own_kind_of_answer(self):
        for name in self.vectors["requests"]:
            with self.subTest(name):
                answer = self.ask_vector(name)
                operation = name.split("_")[0]
                if name == "DescribePCR_32":
                    self.assertEqual(answer, refused("InvalidIndex"))
                elif operation in ("LockPCR", "LockPCRs"):
                    self.assertEqual(answer, operation)
                else:
                    expected = cbor2.loads(bytes.fromhex(self.vectors["responses"][operation]["hex"]))
                    self.assertEqual(list(answer), [operation])
                    self.assertEqual(list(answer[operation]), list(expected[operation]))

    def test_it_describes_itself(self):
        description = self.ask_vector("DescribeNSM")["DescribeNSM"]
        self.assertEqual(description["module_id"], MODULE)
        self.assertEqual(description["max_pcrs"], 32)
        self.assertEqual(description["locked_pcrs"], list(range(16)))
        self.assertEqual(description["digest"], "SHA384")

    def test_registers_0_to_15_are_fixed_and_16_to_31_are_the_enclaves(self):
        for index in range(32):
            answer = self.nsm.ask({"DescribePCR": {"index": index}})["DescribePCR"]
            self.assertEqual(answer, {"lock": index < 16, "data": PCRS.get(index, bytes(48))})
            extend = self.nsm.ask({"ExtendPCR": {"index": index, "data": b"x"}})
            lock = self.nsm.ask({"LockPCR": {"index": index}})
            if index < 16:
                self.assertEqual([extend, lock], [refused("ReadOnlyIndex")] * 2)
            else:
                self.assertEqual(extend["ExtendPCR"]["data"], hashlib.sha384(bytes(48) + b"x").digest())
                self.assertEqual(lock, "LockPCR")
                self.assertEqual(self.nsm.ask({"LockPCR": {"index": index}}), refused("ReadOnlyIndex"))
                self.assertEqual(self.nsm.ask({"ExtendPCR": {"index": index, "data": b"x"}}), refused("ReadOnlyIndex"))

    def test_an_index_outside_is_named(self):
        for index in (32, 33, 255, 256, 65535):
            for request in ({"DescribePCR": {"index": index}}, {"LockPCR": {"index": index}},
                            {"ExtendPCR": {"index": index, "data": b""}}, {"LockPCRs": {"range": index + 1}}):
                if request.get("LockPCRs", {}).get("range", 0) > 65535:
                    continue
                self.assertEqual(self.nsm.ask(request), refused("InvalidIndex"), request)
        for request in ("DescribePCR", "LockPCR"):
            self.assertEqual(self.nsm.ask({request: {"index": 65536}}), refused("InputTooLarge"))

    def test_a_range_locks_what_is_below_it(self):
        self.assertEqual(self.nsm.ask({"LockPCRs": {"range": 0}}), "LockPCRs")
        self.assertEqual(self.nsm.ask({"LockPCRs": {"range": 16}}), "LockPCRs")
        self.assertEqual(self.nsm.ask("DescribeNSM")["DescribeNSM"]["locked_pcrs"], list(range(16)))
        self.assertEqual(self.ask_vector("LockPCRs_20"), "LockPCRs")
        self.assertEqual(self.nsm.ask("DescribeNSM")["DescribeNSM"]["locked_pcrs"], list(range(20)))
        self.assertEqual(self.nsm.ask({"LockPCRs": {"range": 33}}), refused("InvalidIndex"))
        self.assertEqual(self.nsm.ask("DescribeNSM")["DescribeNSM"]["locked_pcrs"], list(range(20)))
        self.assertEqual(self.nsm.ask({"LockPCRs": {"range": 32}}), "LockPCRs")
        self.assertEqual(self.nsm.ask("DescribeNSM")["DescribeNSM"]["locked_pcrs"], list(range(32)))

    def test_arguments_of_the_wrong_kind_are_named(self):
        for operation, arguments in (("DescribePCR", {"index": 0}), ("LockPCR", {"index": 16}), ("LockPCRs", {"range": 1}),
                                     ("ExtendPCR", {"index": 17, "data": b"x"})):
            self.assertEqual(self.nsm.ask(operation), refused("InvalidArgument"), operation)
            self.assertEqual(self.nsm.ask({operation: {}}), refused("InvalidArgument"), operation)
            for name in arguments:
                missing = {k: v for k, v in arguments.items() if k != name}
                self.assertEqual(self.nsm.ask({operation: missing}), refused("InvalidArgument"), (operation, name))
                for wrong in (None, -1, "text", [], {}, True):
                    request = {operation: {**arguments, name: wrong}}
                    self.assertEqual(self.nsm.ask(request), refused("InvalidArgument"), request)
            more = self.nsm.ask({operation: {**arguments, "later": [1, {"x": None}]}})
            self.assertNotIn("Error", more, "an unknown member is passed over")
        for name in ("user_data", "nonce", "public_key"):
            for wrong in (1, "text", [], {}, True):
                self.assertEqual(self.nsm.ask({"Attestation": {name: wrong}}), refused("InvalidArgument"), (name, wrong))

    def test_what_is_no_operation_is_named(self):
        for request in ("", "Nope", "describensm", 0, -1, b"DescribeNSM", [], ["DescribeNSM"], {}, None, True, 1.5,
                        {"Nope": {}}, {"DescribeNSM": {}}, {"GetRandom": {"n": 1}}, {0: {}}, {"LockPCR": 1},
                        {"LockPCR": {"index": 16}, "GetRandom": {}}, cbor2.CBORTag(18, "DescribeNSM")):
            answer = self.nsm.ask(request)
            self.assertIn(answer, (refused("InvalidOperation"), refused("InvalidArgument")), request)
        for raw in (b"\xff", b"\x1c", b"\x6b", b"\x9f\xff", b"\xbf\xff", bytes.fromhex("7f6b44657363726962654e534dff"),
                    self.vector("DescribeNSM") + b"\0", self.vector("ExtendPCR_16")[:-1], b"\x81" * 4096, b"\0" * 4096):
            self.assertIn(cbor2.loads(self.nsm.raw(raw)), (refused("InvalidOperation"), refused("InvalidArgument")), raw)
        twice = bytes.fromhex("a1674c6f636b504352a265696e6465781065696e64657810")
        self.assertEqual(cbor2.loads(self.nsm.raw(twice)), refused("InvalidArgument"))

    def test_a_request_has_at_most_4096_bytes(self):
        head = len(cbor2.dumps({"ExtendPCR": {"index": 16, "data": b"x" * 4000}})) - 4000
        self.assertIn("ExtendPCR", self.nsm.ask({"ExtendPCR": {"index": 16, "data": b"x" * (4096 - head)}}))
        before = self.nsm.ask({"DescribePCR": {"index": 16}})
        self.assertEqual(self.nsm.ask({"ExtendPCR": {"index": 16, "data": b"x" * (4097 - head)}}), refused("InputTooLarge"))
        self.assertEqual(self.nsm.raw(b"\0" * 100_000), cbor2.dumps(refused("InputTooLarge")))
        self.assertEqual(self.nsm.ask({"DescribePCR": {"index": 16}}), before)

    def test_an_empty_datagram_is_no_end(self):
        self.assertEqual(cbor2.loads(self.nsm.raw(b"")), refused("InvalidOperation"))
        self.assertIn("DescribeNSM", self.ask_vector("DescribeNSM"))

    def test_each_field_of_a_document_has_at_most_1024_bytes(self):
        for name in ("user_data", "nonce", "public_key"):
            self.assertIn("Attestation", self.nsm.ask({"Attestation": {name: b"x" * 1024}}))
            self.assertEqual(self.nsm.ask({"Attestation": {name: b"x" * 1025}}), refused("InputTooLarge"))
        most = {name: b"x" * 1024 for name in ("user_data", "nonce", "public_key")}
        self.assertEqual(self.nsm.ask({"LockPCRs": {"range": 32}}), "LockPCRs")
        answer = self.nsm.raw(cbor2.dumps({"Attestation": most}))
        self.assertLessEqual(len(answer), self.vectors["response_max"])
        self.assertIn("Attestation", cbor2.loads(answer))
        self.assertEqual(self.nsm.ask({"Attestation": {"public_key": b""}}), refused("InvalidArgument"))
        self.assertIn("Attestation", self.nsm.ask({"Attestation": {"nonce": b"", "user_data": b""}}))
        self.assertIn("Attestation", self.nsm.ask({"Attestation": {}}))

    def test_random_bytes_differ(self):
        seen = {self.ask_vector("GetRandom")["GetRandom"]["random"] for _ in range(32)}
        self.assertEqual(len(seen), 32)
        self.assertEqual({len(value) for value in seen}, {256})

    def document(self, **fields):
        return self.nsm.ask({"Attestation": fields})["Attestation"]["document"]

    def test_a_document_has_the_real_ones_shape(self):
        document = self.document(user_data=b"ud", nonce=b"no")
        self.assertEqual(document[:7].hex(), "8444a1013822a0")
        protected, unprotected, payload, signature = cbor2.loads(document)
        self.assertEqual((protected, unprotected, len(signature)), (b"\xa1\x01\x38\x22", {}, 96))
        self.assertEqual((payload[0], payload[-1]), (0xbf, 0xff))
        content = cbor2.loads(payload)
        self.assertEqual(list(content), ["module_id", "digest", "timestamp", "pcrs", "certificate", "cabundle", "public_key",
                                         "user_data", "nonce"])
        self.assertEqual((content["public_key"], content["user_data"], content["nonce"]), (None, b"ud", b"no"))
        self.assertEqual(content["pcrs"], {i: PCRS.get(i, bytes(48)) for i in range(16)})
        self.assertLess(abs(content["timestamp"] / 1000 - time.time()), 5)
        self.assertEqual(payload[payload.index(b"timestamp") + 9], 0x1b)

    def test_a_document_carries_locked_registers_alone(self):
        self.nsm.ask({"ExtendPCR": {"index": 17, "data": b"x"}})
        self.assertEqual(set(cbor2.loads(cbor2.loads(self.document())[2])["pcrs"]), set(range(16)))
        self.nsm.ask({"LockPCR": {"index": 17}})
        pcrs = cbor2.loads(cbor2.loads(self.document())[2])["pcrs"]
        self.assertEqual(set(pcrs), set(range(16)) | {17})
        self.assertEqual(pcrs[17], hashlib.sha384(bytes(48) + b"x").digest())

    def test_signatures_and_chain_hold_to_the_developers_root(self):
        protected, _, payload, signature = cbor2.loads(self.document(nonce=b"n"))
        content = cbor2.loads(payload)
        shown = json.loads(subprocess.check_output([PROGRAM, "root", "--state", self.state, "--json"]))
        root = x509.load_pem_x509_certificate(shown["root"].encode())
        self.assertEqual(hashlib.sha256(content["cabundle"][0]).hexdigest(), shown["sha256"])
        self.assertEqual(shown["evidence"], "development:" + shown["sha256"])
        chain = [x509.load_der_x509_certificate(der) for der in content["cabundle"] + [content["certificate"]]]
        self.assertEqual(len(chain), 5)
        self.assertEqual(chain[0], root)
        for issuer, certificate in zip([chain[0], *chain], chain):
            self.assertEqual(certificate.issuer, issuer.subject)
            issuer.public_key().verify(certificate.signature, certificate.tbs_certificate_bytes, ec.ECDSA(hashes.SHA384()))
            self.assertIn("development", certificate.subject.rfc4514_string())
        to_sign = cbor2.dumps(["Signature1", protected, b"", payload])
        r, s = (int.from_bytes(half, "big") for half in (signature[:48], signature[48:]))
        chain[-1].public_key().verify(encode_dss_signature(r, s), to_sign, ec.ECDSA(hashes.SHA384()))
        life = chain[-1].not_valid_after - chain[-1].not_valid_before
        self.assertEqual(life.total_seconds(), 10803)

    def test_hostile_datagrams_never_end_it(self):
        seeds = [self.vector(name) for name in self.vectors["requests"]]
        dice = random.Random(1)
        for _ in range(5000):
            sample = bytearray(dice.choice(seeds))
            for _ in range(dice.randrange(1, 4)):
                position = dice.randrange(len(sample))
                kind = dice.randrange(4)
                if kind == 0:
                    sample[position] = dice.randrange(256)
                elif kind == 1:
                    sample[position:position] = dice.randbytes(dice.randrange(1, 9))
                elif kind == 2 and len(sample) > 1:
                    del sample[position]
                else:
                    sample[position:position] = sample[: dice.randrange(len(sample))]
            answer = cbor2.loads(self.nsm.raw(bytes(sample)))
            self.assertTrue(isinstance(answer, str) or len(answer) == 1, sample.hex())
        self.assertEqual(self.ask_vector("DescribeNSM")["DescribeNSM"]["module_id"], MODULE)

    def test_descriptors_sent_along_go_nowhere(self):
        with tempfile.TemporaryFile() as file:
            for _ in range(200):
                socket.send_fds(self.nsm.socket, [self.vector("DescribeNSM")], [file.fileno()] * 4)
                self.assertIn("DescribeNSM", cbor2.loads(self.nsm.socket.recv(65536)))


class NsmProcess(unittest.TestCase):
    """How the program starts, what it gives up, how it ends."""

    def setUp(self):
        self.scratch = tempfile.TemporaryDirectory()
        self.state = pathlib.Path(self.scratch.name) / "state/nsm"

    def tearDown(self):
        self.scratch.cleanup()

    def root(self):
        return subprocess.run([PROGRAM, "root", "--state", self.state, "--json"], capture_output=True, text=True, check=False)

    def test_the_root_is_made_once_and_for_its_owner_alone(self):
        first = self.root()
        self.assertEqual(first.returncode, 0)
        self.assertEqual(self.root().stdout, first.stdout)
        self.assertEqual([entry.name for entry in self.state.iterdir()], ["root.pem"])
        self.assertEqual(stat.S_IMODE((self.state / "root.pem").stat().st_mode), 0o600)
        self.assertEqual(stat.S_IMODE(self.state.stat().st_mode), 0o700)
        self.assertNotIn("PRIVATE", first.stdout)

    def test_many_starting_at_once_agree_on_one_root(self):
        starts = [subprocess.Popen([PROGRAM, "root", "--state", self.state], stdout=subprocess.PIPE) for _ in range(8)]
        self.assertEqual(len({start.communicate()[0] for start in starts}), 1)

    def test_a_root_that_others_could_have_touched_is_refused(self):
        self.root()
        file = self.state / "root.pem"
        file.chmod(0o640)
        self.assertEqual(self.root().returncode, 50)
        file.chmod(0o600)
        self.state.chmod(0o755)
        self.assertEqual(self.root().returncode, 50)
        self.state.chmod(0o700)
        content = file.read_bytes()
        elsewhere = self.state / "elsewhere"
        elsewhere.write_bytes(content)
        elsewhere.chmod(0o600)
        file.unlink()
        file.symlink_to(elsewhere)
        outcome = self.root()
        self.assertEqual(outcome.returncode, 50)
        self.assertIn("UNSAFE_FILE", outcome.stderr)
        if os.geteuid() == 0:
            file.unlink()
            file.write_bytes(content)
            file.chmod(0o600)
            os.chown(file, 12345, 12345)
            self.assertEqual(self.root().returncode, 50)

    def test_it_keeps_nothing_that_it_does_not_need(self):
        with tempfile.TemporaryFile() as secret:
            os.set_inheritable(secret.fileno(), True)
            with Nsm(str(self.state)) as nsm:
                self.assertIn("DescribeNSM", nsm.ask("DescribeNSM"))
                status = dict(line.split(":\t", 1) for line in
                              pathlib.Path(f"/proc/{nsm.process.pid}/status").read_text().splitlines() if ":\t" in line)
                self.assertEqual(status["NoNewPrivs"].strip(), "1")
                self.assertEqual(status["Seccomp"].strip(), "2")
                self.assertEqual(status["Threads"].strip(), "1")
                if os.geteuid() == 0:
                    descriptors = sorted(int(fd) for fd in os.listdir(f"/proc/{nsm.process.pid}/fd"))
                    self.assertEqual(descriptors, [0, 1, 2, 3])
                for limit in (resource.RLIMIT_CORE, resource.RLIMIT_NPROC):
                    self.assertEqual(resource.prlimit(nsm.process.pid, limit), (0, 0))
                self.assertEqual(resource.prlimit(nsm.process.pid, resource.RLIMIT_NOFILE), (4, 4))
                # Undumpable: its files in /proc are root's.
                self.assertEqual(os.stat(f"/proc/{nsm.process.pid}/environ").st_uid, 0)

    def test_it_ends_with_its_enclave(self):
        nsm = Nsm(str(self.state))
        self.assertIn("DescribeNSM", nsm.ask("DescribeNSM"))
        self.assertEqual(nsm.end(), 0)
        nsm = Nsm(str(self.state))
        nsm.socket.send(cbor2.dumps("GetRandom"))
        self.assertEqual(nsm.end(), 0, "also where nobody reads the answer")

    def test_two_enclaves_have_one_root_and_registers_of_their_own(self):
        with Nsm(str(self.state)) as one, Nsm(str(self.state)) as two:
            one.ask({"ExtendPCR": {"index": 16, "data": b"x"}})
            self.assertEqual(two.ask({"DescribePCR": {"index": 16}})["DescribePCR"]["data"], bytes(48))
            chains = [cbor2.loads(cbor2.loads(n.ask({"Attestation": {}})["Attestation"]["document"])[2])["cabundle"]
                      for n in (one, two)]
            self.assertEqual(chains[0][0], chains[1][0])
            self.assertNotEqual(chains[0][1:], chains[1][1:])

    def test_latency_is_that_of_hardware(self):
        with Nsm(str(self.state), "--latency", "20") as nsm:
            nsm.ask("DescribeNSM")
            start = time.monotonic()
            for _ in range(10):
                nsm.ask({"Attestation": {}})
            self.assertGreater(time.monotonic() - start, 0.2)

    def test_wrong_command_lines_are_usage_errors(self):
        zeros = bytes(48)
        for pcrs in ({}, {0: zeros, 1: zeros}, {0: zeros, 1: zeros, 2: zeros[1:]}, {0: zeros, 1: zeros, 2: zeros, 16: zeros}):
            nsm = Nsm(str(self.state), pcrs=pcrs)
            self.assertEqual(nsm.process.wait(30), 2, pcrs)
            nsm.socket.close()
        for arguments in ([], ["run"], ["root", "--state"], ["serve"]):
            outcome = subprocess.run([PROGRAM, *arguments], capture_output=True, check=False)
            self.assertEqual(outcome.returncode, 2, arguments)
        with socket.socket(socket.AF_INET) as inet:
            outcome = subprocess.run([PROGRAM, "serve", "--channel", str(inet.fileno()), "--module-id", MODULE, "--state",
                                      self.state, *sum((["--pcr", f"{i}={'00' * 48}"] for i in range(3)), [])],
                                     pass_fds=[inet.fileno()], capture_output=True, check=False)
        self.assertEqual(outcome.returncode, 2)
        self.assertFalse(self.state.exists(), "nothing is made for a wrong command line")


if __name__ == "__main__":
    if not VECTORS.exists():
        print(f"skipped: no {VECTORS} (set CAGE_VECTORS)")
        sys.exit(SKIPPED)
    unittest.main(verbosity=2)
