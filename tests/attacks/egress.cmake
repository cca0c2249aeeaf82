# SPDX-License-Identifier: Apache-2.0
cages_test(fence_attacks SOURCES attacks/fence_attacks.cpp LINK cages_runtime_boot)
cages_test(egress_enclave_attacks SOURCES attacks/egress_enclave_attacks.cpp LINK cages_runtime_egress)
