# SPDX-License-Identifier: Apache-2.0
cages_fuzzer(fuzz_report SOURCES "${CMAKE_CURRENT_LIST_DIR}/fuzz_report.cpp" LINK cages_host_drivers)
cages_fuzzer(fuzz_host_config SOURCES "${CMAKE_CURRENT_LIST_DIR}/fuzz_host_config.cpp" LINK cages_host)
