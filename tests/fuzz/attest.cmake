# SPDX-License-Identifier: Apache-2.0
cages_fuzzer(fuzz_cbor SOURCES fuzz/fuzz_cbor.cpp LINK cages_wire)
cages_fuzzer(fuzz_cose SOURCES fuzz/fuzz_cose.cpp LINK cages_wire)
cages_fuzzer(fuzz_x509 SOURCES fuzz/fuzz_x509.cpp LINK cages_attest_core)
cages_fuzzer(fuzz_document SOURCES fuzz/fuzz_document.cpp LINK cages_attest)
