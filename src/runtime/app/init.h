// SPDX-License-Identifier: Apache-2.0
// The app's init: process 1 of the app's process namespace. It builds the app's root, starts the command, reaps
// whatever the app leaves behind, passes signals on, and ends when the command ends; the kernel then ends all that is
// left. It holds nothing secret once the command runs, may then do almost nothing, and is the only process of ours that
// the app can see.
#pragma once

namespace cages::runtime {

struct InitEnds {
  int spec = -1;  // the sealed memory file
  int out = -1;   // write ends of the pipes for the app's output
  int err = -1;
  int events = -1;  // stream socket: AppMessage both ways
};

[[noreturn]] void run_app_init(const InitEnds& ends);

}  // namespace cages::runtime
