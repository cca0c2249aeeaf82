# SPDX-License-Identifier: Apache-2.0
cages_fuzzer(nsm_messages_fuzz SOURCES "${CMAKE_CURRENT_LIST_DIR}/nsm_messages_fuzz.cpp" LINK cages_wire)
