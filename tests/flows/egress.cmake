# SPDX-License-Identifier: Apache-2.0
cages_test(egress_enclave_flows SOURCES flows/egress_enclave_flows.cpp LINK cages_runtime_egress)
# With this machine's kernel, in namespaces of its own.
cages_test(egress_kernel_flows SOURCES flows/egress_kernel_flows.cpp LINK cages_runtime_egress cages_runtime_app)
