// SPDX-License-Identifier: Apache-2.0
#include "runtime/app/protocol.h"

namespace cages::runtime {

std::string_view name_of(AppStep step) {
  switch (step) {
    case AppStep::none: return "nothing";
    case AppStep::spec: return "reading what to start";
    case AppStep::namespaces: return "making the app's namespaces";
    case AppStep::ownership: return "giving the image's files to the app's root";
    case AppStep::root: return "entering the image's root";
    case AppStep::proc: return "mounting /proc";
    case AppStep::dev: return "making /dev";
    case AppStep::names: return "writing the files of /etc that find names";
    case AppStep::secrets: return "writing /run/secrets";
    case AppStep::fork: return "starting a process";
    case AppStep::user_namespace: return "making the app's user namespace";
    case AppStep::identity: return "becoming the image's user";
    case AppStep::capabilities: return "dropping capabilities";
    case AppStep::filter: return "installing the system call filter";
    case AppStep::workdir: return "entering the working directory";
    case AppStep::exec: return "executing the command";
  }
  return "an unknown step";
}

std::array<Byte, kAppMessageBytes> write_app_message(const AppMessage& message) {
  const auto value = static_cast<std::uint32_t>(message.value);
  return {static_cast<Byte>(message.kind),
          static_cast<Byte>(message.step),
          0,
          0,
          static_cast<Byte>(value >> 24),
          static_cast<Byte>(value >> 16),
          static_cast<Byte>(value >> 8),
          static_cast<Byte>(value)};
}

Result<AppMessage> parse_app_message(std::span<const Byte, kAppMessageBytes> bytes) {
  const unsigned kind = bytes[0];
  if ((kind < 1 || kind > 4) && kind != 16) return fail(Code::TYPE, "kind", "a known kind", std::to_string(kind));
  if (bytes[1] > static_cast<Byte>(AppStep::last))
    return fail(Code::TYPE, "step", "a known step", std::to_string(bytes[1]));
  if (bytes[2] != 0 || bytes[3] != 0) return fail(Code::TYPE, "padding", "zero", "another value");
  const std::uint32_t value = std::uint32_t{bytes[4]} << 24 | std::uint32_t{bytes[5]} << 16 |
                              std::uint32_t{bytes[6]} << 8 | std::uint32_t{bytes[7]};
  return AppMessage{static_cast<AppMessage::Kind>(kind), static_cast<AppStep>(bytes[1]),
                    static_cast<std::int32_t>(value)};
}

}  // namespace cages::runtime
