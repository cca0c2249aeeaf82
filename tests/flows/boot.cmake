# SPDX-License-Identifier: Apache-2.0
add_library(cages_chaos STATIC flows/chaos/faults.cpp flows/chaos/host.cpp flows/chaos/world.cpp)
target_include_directories(cages_chaos PUBLIC "${CMAKE_CURRENT_SOURCE_DIR}")
target_link_libraries(cages_chaos PUBLIC cages_flags cages_runtime_cage cages_server_provisioner cages_nsm cages_test_support)
cages_test(boot_chaos SOURCES flows/boot_chaos.cpp LINK cages_chaos)
cages_test(cage_provision_flows SOURCES flows/cage_provision_flows.cpp LINK cages_chaos)
