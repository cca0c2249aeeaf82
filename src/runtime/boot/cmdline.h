// SPDX-License-Identifier: Apache-2.0
// The kernel's command line, compared with its measured copy (design §3). Whoever starts the enclave may add words that
// are not measured; those that could choose what runs, or weaken how, stop the boot. A pure function.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace cages::runtime {

// compare_cmdline: every word of `measured` is in `running`, in the same order. Returns the added words that are
// neither expected (consoles, virtio devices, clock calibration) nor forbidden: the journal shows them. CMDLINE where a
// measured word lacks, a forbidden word was added, or a byte is there that the kernel might read as something else.
Result<std::vector<std::string>> compare_cmdline(std::string_view measured, std::string_view running);

}  // namespace cages::runtime
