// SPDX-License-Identifier: Apache-2.0
// Port 7005: DNS questions of allowed names for types other than A and AAAA.
#include "base/check.h"
#include "base/log.h"
#include "host/egress/egress.h"
#include "net/deadline.h"
#include "net/frame.h"

namespace cages::host {
namespace {

// A and AAAA are answered in the enclave; 128 to 255 and OPT are meta types (RFC 6895 §3.1): ANY, transfers, signatures.
bool forwarded(std::uint16_t type) {
  return type != 0 && type != 1 && type != 28 && type != 41 && (type < 128 || type > 255);
}

}  // namespace

Task<void> Egress::serve_names(net::ListenerPtr listener) {
  for (;;) {
    auto slot = co_await name_streams_.take();
    auto accepted = co_await listener->accept();
    if (!accepted) co_return;
    tasks_.spawn("egress.names", name_stream(std::move(accepted->stream), std::move(slot)));
    co_await net::yield();
  }
}

Task<void> Egress::name_stream(net::StreamPtr enclave, net::Slots::Slot slot) {
  const net::Slots::Slot held = std::move(slot);
  net::Slots writing(1);
  net::TaskGroup asking(loop_);
  const auto done = co_await take_queries(*enclave, writing, asking);
  enclave->close();
  co_await asking.stop();
  if (done || done.error().code == Code::CLOSED) co_return;
  ++counts_.malformed;
  log::error("egress.names", done.error(), {{"enclave", name_}});
}

Task<Result<void>> Egress::take_queries(net::Stream& enclave, net::Slots& writing, net::TaskGroup& asking) {
  for (;;) {
    // More than that many: the enclave waits with its next.
    auto slot = co_await asking_.take();
    CO_TRY_ASSIGN(const Bytes payload, co_await net::read_frame(enclave));
    CO_TRY_ASSIGN(wire::NameQuery asked, wire::parse_name_query(payload));
    ++counts_.name_queries;
    asking.spawn("egress.query", query(enclave, writing, std::move(asked), std::move(slot)));
  }
}

Task<void> Egress::query(net::Stream& enclave, net::Slots& writing, wire::NameQuery query, net::Slots::Slot slot) {
  const net::Slots::Slot held = std::move(slot);
  auto message = co_await ask(query);
  wire::NameAnswer answer{query.id, wire::EgressCode::ok, {}};
  if (message) {
    answer.message = std::move(*message);
  } else {
    answer.code = wire::egress_code(message.error().code);
    ++counts_.name_queries_refused;
  }
  const auto turn = co_await writing.take();
  const net::Deadline deadline(loop_.timers(), enclave, limits::kHostWriteTime);
  std::ignore = co_await enclave.write_all(wire::write_name_answer(answer));
}

Task<Result<Bytes>> Egress::ask(const wire::NameQuery& query) {
  const bool known = list_.knows_name(query.name) && policy::normal_name(query.name).value_or("") == query.name;
  Result<void> allowed;
  if (query.list != digest_) allowed = fail(Code::EGRESS_LIST, "", hex(digest_), hex(query.list));
  if (allowed && !CAGES_CHECK("EGRESS_REFUSED query", known && forwarded(query.type))) {
    allowed = fail(Code::EGRESS_REFUSED, printable(query.name) + " type " + std::to_string(query.type));
  }
  if (!allowed) {
    alarm("query", allowed.error());
    co_return fail(std::move(allowed).error());
  }
  if (!queries_.take(loop_.timers().now())) co_return fail(Code::EGRESS_OVERLOAD, "queries a second");
  auto message = co_await means_.names.message(query.name, query.type, limits::kDnsAnswerTime);
  if (!message) co_return fail(Code::EGRESS_RESOLVE, printable(query.name), "an answer", message.error().got);
  co_return message;
}

}  // namespace cages::host
