# SPDX-License-Identifier: Apache-2.0
cages_fuzzer(fuzz_control SOURCES "${CMAKE_CURRENT_SOURCE_DIR}/fuzz/control.cpp" LINK cages_wire)
