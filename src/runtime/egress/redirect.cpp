// SPDX-License-Identifier: Apache-2.0
#include "runtime/egress/redirect.h"

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <vector>

#include "base/ip.h"
#include "runtime/egress/netlink.h"
#include "wire/ports.h"

namespace cages::runtime::egress {
namespace {

constexpr const char* kTable = "cage";
constexpr const char* kChain = "out";
constexpr std::int32_t kNatDestination = -100;  // NF_IP_PRI_NAT_DST; its header is not C++
constexpr std::uint8_t kTcp = IPPROTO_TCP;

template <class T>
ByteView raw(const T& value) {
  return {reinterpret_cast<const Byte*>(&value), sizeof value};
}

NetlinkMessage nft(std::uint16_t what, std::uint16_t flags, std::uint8_t family, std::string name) {
  const nfgenmsg head{family, NFNETLINK_V0, 0};
  return {static_cast<std::uint16_t>(NFNL_SUBSYS_NFTABLES << 8 | what), static_cast<std::uint16_t>(flags | NLM_F_ACK),
          raw(head), std::move(name)};
}

// Rules change in one transaction (nfnetlink.h, NFNL_MSG_BATCH_BEGIN).
NetlinkMessage batch(std::uint16_t type) {
  const nfgenmsg head{AF_UNSPEC, NFNETLINK_V0, htons(NFNL_SUBSYS_NFTABLES)};
  return {type, 0, raw(head), "nf_tables"};
}

// One expression of a rule; `fill` adds what the kind asks.
template <class Fill>
void expression(NetlinkMessage& rule, std::string_view kind, Fill fill) {
  rule.begin(NFTA_LIST_ELEM).text(NFTA_EXPR_NAME, kind).begin(NFTA_EXPR_DATA);
  fill(rule);
  rule.end().end();
}

void data(NetlinkMessage& rule, std::uint16_t attribute, ByteView value) {
  rule.begin(attribute).bytes(NFTA_DATA_VALUE, value).end();
}

void is_tcp(NetlinkMessage& rule) {
  expression(rule, "meta", [](NetlinkMessage& e) {
    e.big_u32(NFTA_META_DREG, NFT_REG_1).big_u32(NFTA_META_KEY, NFT_META_L4PROTO);
  });
  expression(rule, "cmp", [](NetlinkMessage& e) {
    e.big_u32(NFTA_CMP_SREG, NFT_REG_1).big_u32(NFTA_CMP_OP, NFT_CMP_EQ);
    data(e, NFTA_CMP_DATA, raw(kTcp));
  });
}

// The destination's bytes, masked, equal (or not) to `value`.
void destination(NetlinkMessage& rule, std::uint32_t offset, ByteView mask, nft_cmp_ops how, ByteView value) {
  const auto length = static_cast<std::uint32_t>(value.size());
  expression(rule, "payload", [&](NetlinkMessage& e) {
    e.big_u32(NFTA_PAYLOAD_DREG, NFT_REG_1).big_u32(NFTA_PAYLOAD_BASE, NFT_PAYLOAD_NETWORK_HEADER);
    e.big_u32(NFTA_PAYLOAD_OFFSET, offset).big_u32(NFTA_PAYLOAD_LEN, length);
  });
  if (!mask.empty()) {
    expression(rule, "bitwise", [&](NetlinkMessage& e) {
      e.big_u32(NFTA_BITWISE_SREG, NFT_REG_1).big_u32(NFTA_BITWISE_DREG, NFT_REG_1).big_u32(NFTA_BITWISE_LEN, length);
      data(e, NFTA_BITWISE_MASK, mask);
      data(e, NFTA_BITWISE_XOR, Bytes(value.size()));
    });
  }
  expression(rule, "cmp", [&](NetlinkMessage& e) {
    e.big_u32(NFTA_CMP_SREG, NFT_REG_1).big_u32(NFTA_CMP_OP, how);
    data(e, NFTA_CMP_DATA, value);
  });
}

void redirect(NetlinkMessage& rule) {
  const std::uint16_t port = htons(wire::port::kCaught);
  expression(rule, "immediate", [&](NetlinkMessage& e) {
    e.big_u32(NFTA_IMMEDIATE_DREG, NFT_REG_1);
    data(e, NFTA_IMMEDIATE_DATA, raw(port));
  });
  expression(rule, "redir", [](NetlinkMessage& e) { e.big_u32(NFTA_REDIR_REG_PROTO_MIN, NFT_REG_1); });
}

NetlinkMessage rule_of(std::uint8_t family) {
  NetlinkMessage rule = nft(NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND, family, "nf_tables redirect rule");
  rule.text(NFTA_RULE_TABLE, kTable).text(NFTA_RULE_CHAIN, kChain).begin(NFTA_RULE_EXPRESSIONS);
  is_tcp(rule);
  return rule;
}

void add_chain(std::vector<NetlinkMessage>& messages, std::uint8_t family) {
  messages.push_back(nft(NFT_MSG_NEWTABLE, NLM_F_CREATE, family, "nf_tables table"));
  messages.back().text(NFTA_TABLE_NAME, kTable);
  NetlinkMessage chain = nft(NFT_MSG_NEWCHAIN, NLM_F_CREATE, family, "nf_tables nat chain");
  chain.text(NFTA_CHAIN_TABLE, kTable).text(NFTA_CHAIN_NAME, kChain).begin(NFTA_CHAIN_HOOK);
  chain.big_u32(NFTA_HOOK_HOOKNUM, NF_INET_LOCAL_OUT);
  chain.big_u32(NFTA_HOOK_PRIORITY, static_cast<std::uint32_t>(kNatDestination)).end().text(NFTA_CHAIN_TYPE, "nat");
  messages.push_back(std::move(chain));
}

std::vector<NetlinkMessage> rules4() {
  constexpr std::uint32_t kDestinationOffset = 16;  // RFC 791 §3.1
  constexpr std::array<Byte, 4> kLoopback{127, 0, 0, 0};
  constexpr std::array<Byte, 4> kLoopbackMask{255, 0, 0, 0};
  constexpr std::array<Byte, 4> kNames{127, 64, 0, 0};
  constexpr std::array<Byte, 4> kNamesMask{255, 192, 0, 0};
  std::vector<NetlinkMessage> messages{batch(NFNL_MSG_BATCH_BEGIN)};
  add_chain(messages, NFPROTO_IPV4);
  NetlinkMessage names = rule_of(NFPROTO_IPV4);
  destination(names, kDestinationOffset, kNamesMask, NFT_CMP_EQ, kNames);
  redirect(names);
  messages.push_back(std::move(names.end()));
  NetlinkMessage others = rule_of(NFPROTO_IPV4);
  destination(others, kDestinationOffset, kLoopbackMask, NFT_CMP_NEQ, kLoopback);
  redirect(others);
  messages.push_back(std::move(others.end()));
  messages.push_back(batch(NFNL_MSG_BATCH_END));
  return messages;
}

std::vector<NetlinkMessage> rules6() {
  constexpr std::uint32_t kDestinationOffset = 24;  // RFC 8200 §3
  std::array<Byte, 16> loopback{};
  loopback[15] = 1;
  std::vector<NetlinkMessage> messages{batch(NFNL_MSG_BATCH_BEGIN)};
  add_chain(messages, NFPROTO_IPV6);
  NetlinkMessage others = rule_of(NFPROTO_IPV6);
  destination(others, kDestinationOffset, {}, NFT_CMP_NEQ, loopback);
  redirect(others);
  messages.push_back(std::move(others.end()));
  messages.push_back(batch(NFNL_MSG_BATCH_END));
  return messages;
}

// Everything is here: what has no route would be refused by the kernel, unseen and unexplained.
NetlinkMessage local_route(std::uint8_t family, std::uint32_t loopback, const IpAddress& source) {
  rtmsg head{};
  head.rtm_family = family;
  head.rtm_table = RT_TABLE_LOCAL;
  head.rtm_protocol = RTPROT_STATIC;
  head.rtm_scope = RT_SCOPE_HOST;
  head.rtm_type = RTN_LOCAL;
  NetlinkMessage route(RTM_NEWROUTE, NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE, raw(head), "local route");
  route.own_u32(RTA_OIF, loopback).bytes(RTA_PREFSRC, source.view());
  return route;
}

NetlinkMessage own_address(std::uint32_t loopback) {
  constexpr std::uint8_t kWhole = 32;
  ifaddrmsg head{};
  head.ifa_family = AF_INET;
  head.ifa_prefixlen = kWhole;
  head.ifa_scope = RT_SCOPE_HOST;
  head.ifa_index = loopback;
  NetlinkMessage address(RTM_NEWADDR, NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE, raw(head), "loopback address");
  const IpAddress own = parse_ip(kOwnAddress).value();
  address.bytes(IFA_LOCAL, own.view()).bytes(IFA_ADDRESS, own.view());
  return address;
}

}  // namespace

Result<bool> install_redirect() {
  const std::uint32_t loopback = if_nametoindex("lo");
  if (loopback == 0) return fail(Code::EGRESS_KERNEL, "lo", "a loopback interface", "none");
  TRY_ASSIGN(Netlink filter, Netlink::open(NETLINK_NETFILTER, "netfilter"));
  TRY(filter.send(rules4()));
  TRY_ASSIGN(Netlink routing, Netlink::open(NETLINK_ROUTE, "routing"));
  TRY(routing.send({own_address(loopback)}));
  TRY(routing.send({local_route(AF_INET, loopback, parse_ip("127.0.0.1").value())}));
  // Loopback has no IPv6 address where the kernel has no IPv6, or has it switched off.
  if (access("/proc/net/if_inet6", F_OK) != 0) return false;
  if (!routing.send({local_route(AF_INET6, loopback, parse_ip("::1").value())})) return false;
  TRY(filter.send(rules6()));
  return true;
}

}  // namespace cages::runtime::egress
