// SPDX-License-Identifier: Apache-2.0
#include "runtime/egress/netlink.h"

#include <linux/netlink.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace cages::runtime::egress {
namespace {

constexpr int kAnswerMs = 5000;  // the kernel answers at once, or not at all

void put(Bytes& to, const void* from, std::size_t count) {
  const auto* bytes = static_cast<const Byte*>(from);
  to.insert(to.end(), bytes, bytes + count);
}

Error refused(const std::string& what, int number) {
  return {Code::EGRESS_KERNEL, what, "", errno_error("", number).got};
}

}  // namespace

NetlinkMessage::NetlinkMessage(std::uint16_t type, std::uint16_t flags, ByteView head, std::string name)
    : name_(std::move(name)) {
  nlmsghdr header{};
  header.nlmsg_type = type;
  header.nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | flags);
  put(bytes_, &header, sizeof header);
  append(bytes_, head);
  pad();
}

void NetlinkMessage::pad() { bytes_.resize(NLMSG_ALIGN(bytes_.size())); }

NetlinkMessage& NetlinkMessage::bytes(std::uint16_t attribute, ByteView value) {
  const nlattr head{static_cast<std::uint16_t>(NLA_HDRLEN + value.size()), attribute};
  put(bytes_, &head, sizeof head);
  append(bytes_, value);
  pad();
  return *this;
}

NetlinkMessage& NetlinkMessage::text(std::uint16_t attribute, std::string_view value) {
  Bytes with_end = to_bytes(value);
  with_end.push_back(0);
  return bytes(attribute, with_end);
}

NetlinkMessage& NetlinkMessage::big_u32(std::uint16_t attribute, std::uint32_t value) {
  const std::array<Byte, 4> raw{static_cast<Byte>(value >> 24), static_cast<Byte>(value >> 16),
                                static_cast<Byte>(value >> 8), static_cast<Byte>(value)};
  return bytes(attribute, raw);
}

NetlinkMessage& NetlinkMessage::own_u32(std::uint16_t attribute, std::uint32_t value) {
  std::array<Byte, 4> raw{};
  std::memcpy(raw.data(), &value, sizeof value);
  return bytes(attribute, raw);
}

NetlinkMessage& NetlinkMessage::begin(std::uint16_t attribute) {
  open_.push_back(bytes_.size());
  return bytes(static_cast<std::uint16_t>(attribute | NLA_F_NESTED), {});
}

NetlinkMessage& NetlinkMessage::end() {
  const std::size_t at = open_.back();
  open_.pop_back();
  const auto length = static_cast<std::uint16_t>(bytes_.size() - at);
  std::memcpy(bytes_.data() + at, &length, sizeof length);
  return *this;
}

Bytes NetlinkMessage::finish(std::uint32_t sequence) {
  nlmsghdr header{};
  std::memcpy(&header, bytes_.data(), sizeof header);
  header.nlmsg_len = static_cast<std::uint32_t>(bytes_.size());
  header.nlmsg_seq = sequence;
  std::memcpy(bytes_.data(), &header, sizeof header);
  return bytes_;
}

Result<Netlink> Netlink::open(int protocol, std::string_view name) {
  Fd fd(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol));
  if (!fd) return fail(refused(std::string(name), errno));
  return Netlink(std::move(fd));
}

Result<void> Netlink::send(std::vector<NetlinkMessage> messages) {
  Bytes all;
  std::size_t expected = 0;
  for (std::size_t i = 0; i < messages.size(); ++i) {
    const Bytes one = messages[i].finish(static_cast<std::uint32_t>(i));
    nlmsghdr header{};
    std::memcpy(&header, one.data(), sizeof header);
    if ((header.nlmsg_flags & NLM_F_ACK) != 0) ++expected;
    append(all, one);
  }
  const std::string whole = messages.empty() ? "" : messages.back().name();
  sockaddr_nl kernel{};
  kernel.nl_family = AF_NETLINK;
  if (::sendto(fd_.get(), all.data(), all.size(), 0, reinterpret_cast<const sockaddr*>(&kernel), sizeof kernel) < 0) {
    return fail(refused(whole, errno));
  }
  while (expected > 0) {
    pollfd wait{fd_.get(), POLLIN, 0};
    if (::poll(&wait, 1, kAnswerMs) <= 0) return fail(refused(whole, ETIMEDOUT));
    alignas(nlmsghdr) std::array<char, 8192> answer{};
    const ssize_t got = ::recv(fd_.get(), answer.data(), answer.size(), 0);
    if (got < 0) return fail(refused(whole, errno));
    auto left = static_cast<std::uint32_t>(got);
    for (auto* header = reinterpret_cast<nlmsghdr*>(answer.data()); NLMSG_OK(header, left);
         header = NLMSG_NEXT(header, left)) {
      if (header->nlmsg_type != NLMSG_ERROR) continue;
      const auto* error = static_cast<const nlmsgerr*>(NLMSG_DATA(header));
      const std::string& name = header->nlmsg_seq < messages.size() ? messages[header->nlmsg_seq].name() : whole;
      if (error->error != 0) return fail(refused(name, -error->error));
      if (expected > 0) --expected;
    }
  }
  return {};
}

}  // namespace cages::runtime::egress
