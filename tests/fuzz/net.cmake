# SPDX-License-Identifier: Apache-2.0
cages_fuzzer(fuzz_http SOURCES "${CMAKE_CURRENT_LIST_DIR}/fuzz_http.cpp" LINK cages_http)
