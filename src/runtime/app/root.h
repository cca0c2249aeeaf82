// SPDX-License-Identifier: Apache-2.0
// The app's root: the image and, over it, /proc of its own process namespace, a minimal /dev, /tmp and /run/secrets.
// Nothing else of the machine or of the runtime is left in sight. Runs in the app's init, alone in a new mount and
// process namespace. The image is hostile: nothing is resolved through its links before it is the root.
#pragma once

#include <optional>

#include "base/result.h"
#include "runtime/app/identity.h"
#include "runtime/app/protocol.h"
#include "runtime/app/spec.h"

namespace cages::runtime {

// What failed, and why.
struct RootFailure {
  AppStep step = AppStep::root;
  int error = 0;
};

// enter_app_root does it all; none on success. `users` and `groups` say which ids own what is made here.
std::optional<RootFailure> enter_app_root(const AppSpec& spec, const IdMap& users, const IdMap& groups);

}  // namespace cages::runtime
