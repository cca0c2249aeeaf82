# SPDX-License-Identifier: Apache-2.0
cages_fuzzer(fuzz_token SOURCES "${CMAKE_CURRENT_LIST_DIR}/fuzz_token.cpp" LINK cages_wire)
cages_fuzzer(fuzz_certificate SOURCES "${CMAKE_CURRENT_LIST_DIR}/fuzz_certificate.cpp" LINK cages_crypto)
cages_fuzzer(fuzz_provision SOURCES "${CMAKE_CURRENT_LIST_DIR}/fuzz_provision.cpp" LINK cages_wire)
