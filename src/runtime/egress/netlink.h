// SPDX-License-Identifier: Apache-2.0
// Netlink, as much of it as egress needs to set up its own network namespace: messages with nested attributes, sent in
// one go, each acknowledged by the kernel. Blocking, at boot. Why no libmnl: docs/decisions/0071-catching-connections.md.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/file.h"
#include "base/result.h"

namespace cages::runtime::egress {

// One message, built up; attributes nest by begin() and end().
class NetlinkMessage {
 public:
  // `head`: what follows nlmsghdr (rtmsg, nfgenmsg, …). `name` says in an error what failed.
  NetlinkMessage(std::uint16_t type, std::uint16_t flags, ByteView head, std::string name);
  NetlinkMessage& bytes(std::uint16_t attribute, ByteView value);
  NetlinkMessage& text(std::uint16_t attribute, std::string_view value);  // with its NUL
  NetlinkMessage& big_u32(std::uint16_t attribute, std::uint32_t value);  // network byte order, as nf_tables has it
  NetlinkMessage& own_u32(std::uint16_t attribute, std::uint32_t value);  // this machine's, as routing has it
  NetlinkMessage& begin(std::uint16_t attribute);
  NetlinkMessage& end();
  [[nodiscard]] const std::string& name() const { return name_; }
  // finish returns the whole message with this sequence number.
  Bytes finish(std::uint32_t sequence);

 private:
  void pad();
  Bytes bytes_;
  std::vector<std::size_t> open_;
  std::string name_;
};

class Netlink {
 public:
  // open: EGRESS_KERNEL where the kernel has no such protocol (NETLINK_ROUTE, NETLINK_NETFILTER).
  static Result<Netlink> open(int protocol, std::string_view name);
  // send sends all messages at once and waits for each acknowledgement that was asked for (NLM_F_ACK). Returns the first
  // errno with the name of its message as EGRESS_KERNEL.
  Result<void> send(std::vector<NetlinkMessage> messages);

 private:
  explicit Netlink(Fd fd) : fd_(std::move(fd)) {}
  Fd fd_;
};

}  // namespace cages::runtime::egress
