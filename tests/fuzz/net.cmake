# SPDX-License-Identifier: Apache-2.0
cages_fuzzer(fuzz_http SOURCES "${CMAKE_CURRENT_LIST_DIR}/fuzz_http.cpp" LINK cages_http)
cages_fuzzer(fuzz_proxy_v2 SOURCES "${CMAKE_CURRENT_LIST_DIR}/fuzz_proxy_v2.cpp" LINK cages_wire)
cages_fuzzer(fuzz_client_hello SOURCES "${CMAKE_CURRENT_LIST_DIR}/fuzz_client_hello.cpp" LINK cages_wire)
cages_fuzzer(fuzz_egress SOURCES "${CMAKE_CURRENT_LIST_DIR}/fuzz_egress.cpp" LINK cages_wire)
cages_fuzzer(fuzz_ev SOURCES "${CMAKE_CURRENT_LIST_DIR}/fuzz_ev.cpp" LINK cages_wire)
