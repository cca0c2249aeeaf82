// SPDX-License-Identifier: Apache-2.0
// The kernel command line of every image that `cage build` makes: one constant, whatever driver and architecture will
// run it, so that PCR1 depends on runtime and kernel alone. For the builder and for tests.
#pragma once

#include <string_view>

namespace cages::eif {

// The line of AWS's x86_64 kernel blob (nitro.md §1.8). It serves aarch64 too: AWS's line for that has neither of the
// `i8042.` words, which a kernel without that driver passes over (unknown names with a dot are module parameters), and
// adds `root=/dev/ram0`, which a kernel that finds /init in its ramdisk never reads and which the runtime refuses,
// because it chooses what runs.
inline constexpr std::string_view kCmdline =
    "reboot=k panic=30 pci=off nomodules console=ttyS0 i8042.noaux i8042.nomux i8042.nopnp i8042.dumbkbd "
    "random.trust_cpu=on";

}  // namespace cages::eif
