// SPDX-License-Identifier: Apache-2.0
// The last steps of the process that becomes the app: its own user namespace, the image's user, few capabilities, no
// new privileges, the system call filter, no descriptor but 0 to 2, then the command. Runs in a child of the app's
// init.
#pragma once

#include <sys/types.h>

#include "runtime/app/identity.h"
#include "runtime/app/protocol.h"
#include "runtime/app/spec.h"

namespace cages::runtime {

// Descriptors that the child was left with; the pipes' ends are its own.
struct ChildEnds {
  int in = -1;
  int out = -1;
  int err = -1;
  int ask_map = -1;    // the child writes one byte when it has a user namespace
  int await_map = -1;  // the parent writes one byte when that has its ids
  int report = -1;     // closed by exec; else AppMessage `failed`
};

// become_app does not return: it executes the command, or reports the step that failed and exits.
[[noreturn]] void become_app(const AppSpec& spec, const IdMap& users, const ChildEnds& ends);

// write_id_maps gives `child` its ids: errno, or 0. Runs in the parent, which has capabilities over the child's
// namespace.
int write_id_maps(pid_t child, const IdMap& users, const IdMap& groups);

}  // namespace cages::runtime
