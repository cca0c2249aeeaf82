// SPDX-License-Identifier: Apache-2.0
#include "net/names/resolver.h"

#include <arpa/nameser.h>
#include <netinet/in.h>

#include <algorithm>
#include <limits>

#include "base/limits.h"
#include "net/names/question.h"

namespace cages::net {
namespace {

// What c-ares's callbacks fill in. They are called once, before the channel is closed at the latest.
struct Found {
  std::shared_ptr<Question> question;
  std::optional<NameAddresses> addresses;
  std::optional<Bytes> message;
};

void add(NameAddresses& into, const ares_addrinfo_node& node) {
  std::optional<IpAddress> address;
  if (node.ai_family == AF_INET) {
    const auto* four = reinterpret_cast<const sockaddr_in*>(node.ai_addr);
    address = ip_from({reinterpret_cast<const Byte*>(&four->sin_addr), 4});
  } else if (node.ai_family == AF_INET6) {
    const auto* six = reinterpret_cast<const sockaddr_in6*>(node.ai_addr);
    address = ip_from({reinterpret_cast<const Byte*>(&six->sin6_addr), 16});
  }
  if (!address) return;
  into.ttl = std::min(into.ttl, std::chrono::seconds(std::max(node.ai_ttl, 0)));
  if (std::ranges::find(into.addresses, *address) == into.addresses.end()) into.addresses.push_back(*address);
}

void on_addresses(void* argument, int status, int /*timeouts*/, ares_addrinfo* result) {
  auto* found = static_cast<Found*>(argument);
  if (result != nullptr) {
    NameAddresses all;
    all.ttl = limits::kDnsTtlMax;
    for (const ares_addrinfo_node* node = result->nodes; node != nullptr; node = node->ai_next) add(all, *node);
    for (const ares_addrinfo_cname* alias = result->cnames; alias != nullptr; alias = alias->next) {
      all.ttl = std::min(all.ttl, std::chrono::seconds(std::max(alias->ttl, 0)));
    }
    ares_freeaddrinfo(result);
    found->addresses = std::move(all);
  }
  found->question->ended(status);
}

void on_message(void* argument, int status, int /*timeouts*/, unsigned char* bytes, int length) {
  auto* found = static_cast<Found*>(argument);
  if (bytes != nullptr && length >= HFIXEDSZ) found->message = to_bytes(ByteView(bytes, static_cast<std::size_t>(length)));
  found->question->ended(status);
}

}  // namespace

Result<std::unique_ptr<Resolver>> Resolver::make(EventLoop& loop, const std::vector<std::string>& servers) {
  if (ares_library_init(ARES_LIB_INIT_ALL) != ARES_SUCCESS) return fail(Code::IO, "resolver");
  std::string list;
  for (const std::string& server : servers) list += (list.empty() ? "" : ",") + server;
  std::unique_ptr<Resolver> resolver(new Resolver(loop, std::move(list)));
  TRY(std::make_shared<Question>(loop)->open(resolver->servers_));
  return resolver;
}

Resolver::~Resolver() { ares_library_cleanup(); }

Task<Result<NameAddresses>> Resolver::addresses(std::string name, Nanoseconds time) {
  // lifetime: `found` outlives the channel, which wait() closes.
  Found found{std::make_shared<Question>(loop_), {}, {}};
  CO_TRY(found.question->open(servers_));
  ares_addrinfo_hints hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = ARES_AI_NOSORT;
  ares_getaddrinfo(found.question->channel(), name.c_str(), nullptr, &hints, on_addresses, &found);
  CO_TRY_ASSIGN(const int status, co_await found.question->wait(time));
  if (status != ARES_SUCCESS || !found.addresses || found.addresses->addresses.empty()) {
    co_return fail(Code::EGRESS_RESOLVE, printable(name), "an address", status == ARES_SUCCESS ? "none" : ares_strerror(status));
  }
  co_return std::move(*found.addresses);
}

Task<Result<Bytes>> Resolver::message(std::string name, std::uint16_t type, Nanoseconds time) {
  Found found{std::make_shared<Question>(loop_), {}, {}};
  CO_TRY(found.question->open(servers_));
  ares_query(found.question->channel(), name.c_str(), ns_c_in, type, on_message, &found);
  CO_TRY_ASSIGN(const int status, co_await found.question->wait(time));
  if (!found.message) co_return fail(Code::EGRESS_RESOLVE, printable(name), "an answer", ares_strerror(status));
  if (found.message->size() > limits::kDnsMessageBytesMax) {
    co_return fail(Code::EGRESS_RESOLVE, printable(name), "at most " + std::to_string(limits::kDnsMessageBytesMax) + " bytes",
                   std::to_string(found.message->size()));
  }
  (*found.message)[0] = 0;
  (*found.message)[1] = 0;
  co_return std::move(*found.message);
}

}  // namespace cages::net
