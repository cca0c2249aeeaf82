// SPDX-License-Identifier: Apache-2.0
// What the app listens on, as the kernel lists it (/proc/net/tcp and tcp6): for the message that says why no port
// answers.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace cages::runtime {

struct ListeningPort {
  std::string address;  // "127.0.0.1", "0.0.0.0", "::", …
  std::uint16_t port = 0;
  std::uint32_t uid = 0;
  bool operator==(const ListeningPort&) const = default;
};

// parse_listening reads one table in the kernel's text form; rows it cannot read are left out. At most
// kListeningPortsMax.
std::vector<ListeningPort> parse_listening(std::string_view table);

// describe_listening: one sentence for the journal: what is listened on, without the ports of `ours`.
std::string describe_listening(const std::vector<ListeningPort>& ports, std::uint16_t wanted,
                               const std::vector<std::uint16_t>& ours);

}  // namespace cages::runtime
