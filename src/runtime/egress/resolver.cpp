// SPDX-License-Identifier: Apache-2.0
#include "runtime/egress/resolver.h"

#include <algorithm>

#include "base/check.h"

namespace cages::runtime::egress {
namespace {

namespace dns = wire::dns;
using std::chrono::duration_cast;
using std::chrono::seconds;

constexpr std::uint32_t kShortTtl = static_cast<std::uint32_t>(limits::kDnsLoopbackTtl.count());

dns::Reply no_data() {
  dns::Reply reply;
  reply.negative_ttl = kShortTtl;
  return reply;
}

dns::Reply failure(std::uint16_t extended, std::string text) {
  return {dns::Rcode::server, {}, std::nullopt, extended, std::move(text)};
}

// RFC 6761 §6.3. Container images often bring no /etc/hosts.
bool is_localhost(const std::string& name) { return name == "localhost" || name.ends_with(".localhost"); }

dns::Reply localhost(const dns::Question& question) {
  if (question.type != dns::type::kA) return no_data();
  dns::Reply reply;
  reply.records.push_back(dns::address_record(question.name, kShortTtl, {127, 0, 0, 1}));
  return reply;
}

}  // namespace

dns::Reply Resolver::address(const std::string& name) {
  const auto found = names_.address_of(name);
  if (!found) return failure(0, "too many names are in use");
  dns::Reply reply;
  const auto& b = found->bytes;
  reply.records.push_back(dns::address_record(name, kShortTtl, {b[0], b[1], b[2], b[3]}));
  return reply;
}

std::optional<dns::Reply> Resolver::at_once(const dns::Query& query) {
  const dns::Question& question = query.question;
  if (is_localhost(question.name)) return localhost(question);
  const auto normal = policy::normal_name(question.name);
  const bool known = normal && *normal == question.name && list_.knows_name(question.name);
  if (!CAGES_CHECK("EGRESS_REFUSED question", known)) {
    tally_.refused_name(question.name);
    return dns::Reply{dns::Rcode::refused, {}, std::nullopt, dns::extended::kBlocked,
                      "not in [egress] allow of cage.toml"};
  }
  if (question.type == dns::type::kA || question.type == dns::type::kAny) return address(question.name);
  if (!forwarded(question.type)) return no_data();
  return cached(question);
}

Task<dns::Reply> Resolver::ask_host(dns::Question question) {
  const auto slot = asking_.try_take();
  if (!slot) co_return failure(0, "too many questions are on their way");
  auto reply = co_await host_.ask(question);
  if (!reply) {
    const bool refused = reply.error().code == Code::EGRESS_REFUSED || reply.error().code == Code::EGRESS_LIST;
    if (refused) co_return dns::Reply{dns::Rcode::refused, {}, std::nullopt, dns::extended::kBlocked, "the host refuses it"};
    co_return failure(dns::extended::kNoReachableAuthority, "the host does not resolve it");
  }
  keep(question, *reply);
  co_return std::move(*reply);
}

void Resolver::forget(std::list<Cached>::iterator entry) {
  by_key_.erase(entry->key);
  cache_.erase(entry);
}

std::optional<dns::Reply> Resolver::cached(const dns::Question& question) {
  const auto found = by_key_.find({question.name, question.type});
  if (found == by_key_.end()) return std::nullopt;
  const Nanoseconds now = clock_.monotonic();
  if (now >= found->second->expires) {
    forget(found->second);
    return std::nullopt;
  }
  dns::Reply reply = found->second->reply;
  const auto age = static_cast<std::uint32_t>(duration_cast<seconds>(now - found->second->stored).count());
  for (dns::Record& record : reply.records) record.ttl -= std::min(record.ttl, age);
  return reply;
}

void Resolver::keep(const dns::Question& question, const dns::Reply& reply) {
  std::uint32_t ttl = reply.negative_ttl.value_or(static_cast<std::uint32_t>(limits::kDnsTtlMax.count()));
  for (const dns::Record& record : reply.records) ttl = std::min(ttl, record.ttl);
  if (ttl == 0) return;
  const Key key{question.name, question.type};
  if (const auto old = by_key_.find(key); old != by_key_.end()) forget(old->second);
  if (cache_.size() >= limits::kDnsCacheEntriesMax) forget(cache_.begin());
  const Nanoseconds now = clock_.monotonic();
  cache_.push_back({key, reply, now, now + seconds(ttl)});
  by_key_.emplace(key, std::prev(cache_.end()));
}

}  // namespace cages::runtime::egress
