# SPDX-License-Identifier: Apache-2.0
cages_fuzzer(fuzz_eif SOURCES fuzz/fuzz_eif.cpp LINK cages_eif)
cages_fuzzer(fuzz_eif_signature SOURCES fuzz/fuzz_eif_signature.cpp LINK cages_eif)
cages_fuzzer(fuzz_release_statement SOURCES fuzz/fuzz_release_statement.cpp LINK cages_crypto)
