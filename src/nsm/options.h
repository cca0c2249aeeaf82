// SPDX-License-Identifier: Apache-2.0
// The command line of cage-nsm, which the driver writes and people rarely do. For cage-nsm's main().
#pragma once

#include <chrono>
#include <filesystem>
#include <span>
#include <string_view>
#include <variant>

#include "base/result.h"
#include "nsm/authority.h"
#include "nsm/pcr_bank.h"

namespace cages::nsm {

inline constexpr std::string_view kUsage =
    "usage: cage-nsm serve --channel FD --module-id ID --state DIR --pcr 0=HEX --pcr 1=HEX --pcr 2=HEX [--pcr N=HEX …]\n"
    "                      [--latency MS] [--uid N]\n"
    "       cage-nsm root [--state DIR] [--json]\n"
    "\n"
    "The software NSM of development enclaves: answers one enclave's NSM requests on a SOCK_SEQPACKET socket until it\n"
    "closes, and signs documents under a root of this developer's own, kept in DIR (XDG_STATE_HOME/cages/nsm). Nothing trusts that root but who is\n"
    "given it.\n"
    "\n"
    "  --channel FD    the socket, inherited\n"
    "  --module-id ID  i-<17 hex>-enc<16 hex>\n"
    "  --state DIR     where the root is kept (made where it is missing; mode 0700, files 0600)\n"
    "  --pcr N=HEX     one of PCR 0 to 15, 48 bytes; 0, 1 and 2 must be given, all-zero ones mean debug\n"
    "  --latency MS    wait so long before each document, as hardware does (about 1.1)\n"
    "  --uid N         become this user once the root is read, before the first request (started by root)\n"
    "  --json          print the root as JSON\n";

struct ServeOptions {
  int channel;
  ModuleId module;
  std::filesystem::path state;
  PlatformPcrs pcrs;
  std::chrono::microseconds latency;
  std::uint32_t uid = 0;  // 0: stays who it is
};
struct RootOptions {
  std::filesystem::path state;
  bool json = false;
};
struct HelpOptions {};
using Options = std::variant<ServeOptions, RootOptions, HelpOptions>;

// parse_options reads the arguments after the program's name. USAGE names the one that is wrong.
Result<Options> parse_options(std::span<const std::string_view> arguments);

}  // namespace cages::nsm
