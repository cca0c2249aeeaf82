# SPDX-License-Identifier: Apache-2.0
cages_test(provision_attacks SOURCES attacks/provision_attacks.cpp LINK cages_server_api cages_test_support)
cages_test(engine_attacks SOURCES attacks/engine_attacks.cpp LINK cages_server_engine)
cages_test(purpose_attacks SOURCES attacks/purpose_attacks.cpp LINK cages_server_api cages_test_support)
# The production path, with a test root linked in the place of AWS's (design §8).
cages_test(production_attacks SOURCES attacks/production_attacks.cpp LINK cages_server_provisioner cages_server_registry cages_test_support)
cages_test(egress_host_attacks SOURCES attacks/egress_host_attacks.cpp LINK cages_host_egress)
