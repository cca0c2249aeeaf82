// SPDX-License-Identifier: Apache-2.0
#include "runtime/egress/host_names.h"

#include <algorithm>
#include <map>
#include <set>

#include "base/check.h"
#include "net/alarm.h"
#include "net/frame.h"
#include "wire/ports.h"

namespace cages::runtime::egress {
namespace {

namespace dns = wire::dns;

constexpr std::uint32_t kNegativeTtlMax = 300;
constexpr std::uint32_t kNegativeTtl = 5;  // where the host does not say
constexpr std::size_t kAliasesMax = 16;
constexpr std::uint16_t kSmtpPort = 25;

// The names that stand for the asked one, by the aliases in the answer.
std::set<std::string> aliases_of(const std::string& name, const std::vector<dns::Record>& records) {
  std::set<std::string> names{name};
  std::string current = name;
  for (std::size_t i = 0; i < kAliasesMax; ++i) {
    const auto alias = std::ranges::find_if(
        records, [&](const dns::Record& r) { return r.type == dns::type::kCname && r.owner == current; });
    if (alias == records.end() || !names.insert(*alias->target).second) break;
    current = *alias->target;
  }
  return names;
}

bool on_list(const dns::Record& record, const policy::AllowList& list) {
  if (!record.target || record.target->empty()) return true;  // "." is the owner itself (RFC 9460 §2.5), or none
  const auto normal = policy::normal_name(*record.target);
  if (!normal || *normal != *record.target) return false;
  return record.type == dns::type::kSrv ? list.admits_name(*normal, record.port()).has_value() : list.knows_name(*normal);
}

}  // namespace

bool forwarded(std::uint16_t type) {
  switch (type) {
    case dns::type::kMx:
    case dns::type::kTxt:
    case dns::type::kSrv:
    case dns::type::kTlsa:
    case dns::type::kSvcb:
    case dns::type::kHttps:
    case dns::type::kCaa: return true;
    default: return false;
  }
}

Result<dns::Reply> judge(const dns::Question& question, const dns::Answer& answer, const policy::AllowList& list,
                         Tally& tally) {
  if (!CAGES_CHECK("DNS another question", answer.question == question)) {
    return fail(Code::DNS, "question", printable(question.name), printable(answer.question.name));
  }
  if (answer.rcode != dns::Rcode::ok && answer.rcode != dns::Rcode::no_name) return fail(Code::DNS, "rcode");
  const auto ttl_max = static_cast<std::uint32_t>(limits::kDnsTtlMax.count());
  const std::set<std::string> owners = aliases_of(question.name, answer.records);
  dns::Reply reply;
  std::size_t removed = 0;
  for (const dns::Record& record : answer.records) {
    if (record.type != question.type || !owners.contains(record.owner)) continue;
    if (!CAGES_CHECK("DNS target", on_list(record, list))) {
      ++removed;
      const std::uint16_t port = record.type == dns::type::kSrv ? record.port() : record.type == dns::type::kMx ? kSmtpPort : 443;
      tally.filtered(question.name, *record.target, port);
      continue;
    }
    dns::Record kept = record;
    kept.owner = question.name;
    kept.ttl = std::min(record.ttl, ttl_max);
    if (record.type == dns::type::kSvcb || record.type == dns::type::kHttps) {
      TRY_ASSIGN(kept.after, dns::without_address_hints(record.after));
    }
    reply.records.push_back(std::move(kept));
  }
  if (!reply.records.empty()) return reply;
  // That there is no such name is not said: it has an address here.
  reply.negative_ttl = std::min(answer.negative_ttl.value_or(kNegativeTtl), kNegativeTtlMax);
  if (removed != 0) {
    reply.extended = dns::extended::kFiltered;
    reply.extended_text = "what it refers to is not in [egress] allow";
  }
  return reply;
}

struct HostNames::Connection {
  explicit Connection(net::StreamPtr dialled, Nanoseconds now) : stream(std::move(dialled)), heard(now) {}
  void close() {
    open = false;
    stream->close();
    changed.notify();
  }
  net::StreamPtr stream;
  Nanoseconds heard;  // of it, last
  bool open = true;
  net::Slots writing{1};
  net::Event changed;
  std::map<std::uint64_t, std::optional<wire::NameAnswer>> asked;
};

HostNames::HostNames(net::EventLoop& loop, net::PortDialer& host, const policy::AllowList& list, wire::ListDigest digest,
                     Tally& tally)
    : loop_(loop), host_(host), list_(list), digest_(digest), tally_(tally), listening_(loop) {}
HostNames::~HostNames() = default;

Task<Result<std::shared_ptr<HostNames::Connection>>> HostNames::connected() {
  const auto turn = co_await dialling_.take();
  if (connection_ && connection_->open) co_return connection_;
  CO_TRY_ASSIGN(net::StreamPtr stream, co_await host_.dial(wire::port::kDns));
  connection_ = std::make_shared<Connection>(std::move(stream), loop_.clock().monotonic());
  listening_.spawn("host names", listen_to(connection_, loop_.clock()));
  co_return connection_;
}

// untrusted: answers in any order; to what nobody waits for any more they are dropped. Anything else is the end.
Task<void> HostNames::listen_to(std::shared_ptr<Connection> connection, const Clock& clock) {
  for (;;) {
    const auto payload = co_await net::read_frame(*connection->stream);
    if (!payload) break;
    auto answer = wire::parse_name_answer(*payload);
    if (!answer) break;
    connection->heard = clock.monotonic();
    if (const auto asked = connection->asked.find(answer->id); asked != connection->asked.end() && !asked->second) {
      asked->second = std::move(*answer);
      connection->changed.notify();
    }
    co_await net::yield();
  }
  connection->close();
}

Task<Result<wire::NameAnswer>> HostNames::ask_on(Connection& connection, const dns::Question& question) {
  const std::uint64_t id = next_id_++;
  const auto asked = connection.asked.try_emplace(id).first;
  const auto forget = [&](const void*) { connection.asked.erase(asked); };
  const std::unique_ptr<const void, decltype(forget)> forgotten(&id, forget);
  bool late = false;
  const net::Alarm alarm(loop_.timers(), limits::kDnsAnswerTime, [&] {
    late = true;
    // Slow for one name, or stuck?
    if (loop_.clock().monotonic() - connection.heard >= limits::kDnsAnswerTime) connection.close();
    connection.changed.notify();
  });
  {
    const auto turn = co_await connection.writing.take();
    if (!connection.open) co_return fail(late ? Code::TIMEOUT : Code::CLOSED);
    CO_TRY(co_await connection.stream->write_all(wire::write_name_query({id, question.name, question.type, digest_})));
  }
  while (!asked->second && connection.open && !late) co_await connection.changed.wait();
  if (asked->second) co_return std::move(*asked->second);
  co_return fail(late ? Code::TIMEOUT : Code::CLOSED);
}

Task<Result<dns::Reply>> HostNames::ask(dns::Question question) {
  Result<wire::NameAnswer> answer = fail(Code::CLOSED);
  // A host that was started anew has closed the stream: once more.
  for (int i = 0; i < 2 && !answer && answer.error().code == Code::CLOSED; ++i) {
    CO_TRY_ASSIGN(const std::shared_ptr<Connection> connection, co_await connected());
    answer = co_await ask_on(*connection, question);
  }
  CO_TRY(answer);
  if (answer->code != wire::EgressCode::ok) {
    tally_.host_refused_name(question.name, answer->code);
    co_return fail(wire::code_of(answer->code));
  }
  CO_TRY_ASSIGN(const dns::Answer message, dns::parse_answer(answer->message));
  co_return judge(question, message, list_, tally_);
}

}  // namespace cages::runtime::egress
