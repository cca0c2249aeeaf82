# SPDX-License-Identifier: Apache-2.0
cages_fuzzer(fuzz_dns SOURCES "${CMAKE_CURRENT_LIST_DIR}/fuzz_dns.cpp" LINK cages_wire)
