# SPDX-License-Identifier: Apache-2.0
cages_test(provisioning_flows SOURCES flows/provisioning_flows.cpp LINK cages_server_api cages_nsm cages_test_support)
cages_test(host_link_flows SOURCES flows/host_link_flows.cpp LINK cages_server_api cages_test_support)
cages_test(api_flows SOURCES flows/api_flows.cpp LINK cages_server_api cages_test_support)
cages_test(link_flows SOURCES flows/link_flows.cpp LINK cages_host_broker cages_server_api cages_test_support)
