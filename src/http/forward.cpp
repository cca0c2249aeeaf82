// SPDX-License-Identifier: Apache-2.0
#include "http/forward.h"

#include "net/relay.h"

namespace cages::http {
namespace {

// The client's own body, remembering whether it, not upstream, was what failed.
class WatchedBody final : public Body {
 public:
  explicit WatchedBody(Body& inner) : inner_(inner) {}
  Task<Result<std::size_t>> read_some(std::span<Byte> into) override {
    auto n = co_await inner_.read_some(into);
    if (!n) error = n.error();
    co_return n;
  }
  [[nodiscard]] std::optional<std::uint64_t> length() const override { return inner_.length(); }
  [[nodiscard]] const Headers& trailers() const override { return inner_.trailers(); }
  [[nodiscard]] bool ready() const override { return inner_.ready(); }
  std::optional<Error> error;

 private:
  Body& inner_;
};

Error as_upstream(Error error) {
  if (error.code == Code::CLOSED || error.code == Code::IO) {
    return Error(Code::UNREACHABLE, "upstream", std::move(error.expected), std::move(error.got), error.where);
  }
  return error;
}

Task<Result<void>> copy_answer(Client& upstream, Responder& responder) {
  Body& body = upstream.body();
  Bytes buffer;
  for (;;) {
    if (!body.ready()) CO_TRY(co_await responder.flush());
    if (buffer.empty()) buffer.resize(limits::kHttpReadBytes);
    auto n = co_await body.read_some(buffer);
    if (!n) co_return fail(as_upstream(std::move(n).error()));
    if (*n == 0) break;
    CO_TRY(co_await responder.write(ByteView(buffer).first(*n)));
  }
  co_return co_await responder.finish(body.trailers());
}

Task<Result<void>> change_protocol(net::Timers& timers, Client& upstream, Responder& responder,
                                   const ResponseHead& head) {
  CO_TRY_ASSIGN(net::Stream* const client, co_await responder.upgrade(head));
  net::Relayed counts;
  co_return co_await net::relay(timers, *client, upstream.upgraded(), limits::kHttpUpgradedIdleTime, counts);
}

Task<Result<void>> carry_answer(net::Timers& timers, const RequestHead& asked, Client& upstream, Responder& responder,
                                const std::function<void(ResponseHead&)>& change) {
  for (std::size_t informational = 0; informational <= limits::kHttpInformationalMax; ++informational) {
    auto head = co_await upstream.read_head(asked.method);
    if (!head) co_return fail(as_upstream(std::move(head).error()));
    if (head->status == 101) {
      if (asked.upgrade.empty() || head->upgrade != asked.upgrade) {
        co_return fail(Code::HTTP_RESPONSE, "101", asked.upgrade.empty() ? "no upgrade" : asked.upgrade, head->upgrade);
      }
      if (change) change(*head);
      co_return co_await change_protocol(timers, upstream, responder, *head);
    }
    if (head->status < 200) {
      // We answered 100 Continue ourselves.
      if (head->status != 100) CO_TRY(co_await responder.inform(*head));
      continue;
    }
    if (change) change(*head);
    // An answer to HEAD has the length that upstream declared, or none.
    const auto length = asked.method == "HEAD" ? head->declared_length : upstream.body().length();
    CO_TRY(co_await responder.respond(*head, length));
    co_return co_await copy_answer(upstream, responder);
  }
  co_return fail(Code::HTTP_RESPONSE, "too many 1xx");
}

}  // namespace

Task<Result<void>> forward(net::Timers& timers, Request& request, Client& upstream, Responder& responder,
                           const std::function<void(ResponseHead&)>& change) {
  WatchedBody body(request.body);
  Result<void> answered;
  // NOLINTNEXTLINE(cppcoreguidelines-avoid-capturing-lambda-coroutines): it outlives the await below
  auto answer_task = [&]() -> Task<void> {
    answered = co_await carry_answer(timers, request.head, upstream, responder, change);
  };
  // NOLINTNEXTLINE(cppcoreguidelines-avoid-capturing-lambda-coroutines): it outlives the await below
  auto send_task = [&]() -> Task<void> {
    const auto sent = co_await upstream.send(request.head, body);
    // A broken or cut request must not look whole to upstream, nor be waited for.
    if (!sent && body.error) upstream.close();
  };
  // When the answer is complete nobody reads the rest of the request any more.
  co_await net::either(answer_task(), send_task());
  if (!answered && body.error) co_return fail(std::move(*body.error));
  co_return answered;
}

}  // namespace cages::http
