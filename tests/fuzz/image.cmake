# SPDX-License-Identifier: Apache-2.0
cages_fuzzer(fuzz_manifest SOURCES fuzz/fuzz_manifest.cpp LINK cages_wire)
cages_fuzzer(fuzz_cpio SOURCES fuzz/fuzz_cpio.cpp LINK cages_image)
cages_fuzzer(fuzz_toml SOURCES fuzz/fuzz_toml.cpp LINK cages_image)
cages_fuzzer(fuzz_layer SOURCES fuzz/fuzz_layer.cpp LINK cages_image)
cages_fuzzer(fuzz_oci SOURCES fuzz/fuzz_oci.cpp LINK cages_image)
