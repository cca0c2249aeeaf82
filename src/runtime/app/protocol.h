// SPDX-License-Identifier: Apache-2.0
// What the runtime, the spawner and the app's init (PID 1 of the app's namespace) say to each other: fixed 8-byte
// messages. The app's init sits beside a hostile app, so that what comes from it is parsed like anything from across a
// trust line.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

namespace cages::runtime {

inline constexpr std::size_t kAppMessageBytes = 8;

// Where starting an app can fail; name_of says it for the journal.
enum class AppStep : std::uint8_t {
  none,
  spec,
  namespaces,
  ownership,
  root,
  proc,
  dev,
  names,
  secrets,
  fork,
  user_namespace,
  identity,
  capabilities,
  filter,
  workdir,
  exec,
  last = exec,
};
std::string_view name_of(AppStep step);

struct AppMessage {
  enum class Kind : std::uint8_t {
    started = 1,      // the command runs
    failed = 2,       // `step` failed; `value` is errno
    exited = 3,       // the command ended; `value` is its wait status
    shares_user = 4,  // started, but with the runtime's own user id: the driver has only one
    signal = 16,      // runtime -> init: send signal `value` to the command
  };
  Kind kind = Kind::failed;
  AppStep step = AppStep::none;
  std::int32_t value = 0;
  bool operator==(const AppMessage&) const = default;
};

std::array<Byte, kAppMessageBytes> write_app_message(const AppMessage& message);
// parse_app_message: TYPE on an unknown kind or step.
Result<AppMessage> parse_app_message(std::span<const Byte, kAppMessageBytes> bytes);

}  // namespace cages::runtime
