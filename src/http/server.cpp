// SPDX-License-Identifier: Apache-2.0
#include "http/server.h"

#include <algorithm>
#include <array>

#include "http/input.h"
#include "http/output.h"
#include "net/deadline.h"
#include "net/event_loop.h"

namespace cages::http {
namespace {

bool no_body(int status, const std::string& method) {
  return method == "HEAD" || status < 200 || status == 204 || status == 304;
}

// Answers one HTTP/1.1 request.
class WireResponder final : public Responder {
 public:
  WireResponder(Output& output, Input& input, net::Stream& stream, const ParsedRequest& request, bool keep_alive,
                const Draining& draining)
      : output_(output),
        request_(request),
        keep_alive_(keep_alive),
        draining_(draining),
        raw_(input, stream, limits::kHttpUpgradedIdleTime) {}

  Task<Result<void>> inform(const ResponseHead& head) override {
    if (responded_ || request_.version_1_0) co_return Result<void>();
    CO_TRY_ASSIGN(std::string text, write_response(head, {}, true));
    output_.begin(std::move(text), {});
    co_return co_await output_.flush();
  }
  Task<Result<void>> respond(const ResponseHead& head, std::optional<std::uint64_t> length) override {
    if (responded_) co_return fail(Code::INTERNAL, "a second answer");
    ResponseHead mine = head;
    Framing framing;
    if (no_body(head.status, request_.head.method)) {
      if (request_.head.method == "HEAD" && !mine.declared_length) mine.declared_length = length;
      if (head.status == 204) mine.declared_length.reset();
    } else {
      mine.declared_length.reset();
      framing = length ? Framing{BodyKind::length, *length}
                       : Framing{request_.version_1_0 ? BodyKind::until_close : BodyKind::chunked, 0};
    }
    if (framing.kind == BodyKind::until_close || draining_.begun()) keep_alive_ = false;
    CO_TRY_ASSIGN(std::string text, write_response(mine, framing, keep_alive_));
    output_.begin(std::move(text), framing);
    responded_ = true;
    co_return Result<void>();
  }
  Task<Result<void>> write(ByteView bytes) override { return output_.write(bytes); }
  Task<Result<void>> flush() override { return output_.flush(); }
  Task<Result<void>> finish(const Headers& trailers) override {
    CO_TRY(co_await output_.finish(trailers));
    finished_ = true;
    co_return Result<void>();
  }
  Task<Result<net::Stream*>> upgrade(const ResponseHead& head) override {
    if (responded_ || request_.head.upgrade.empty())
      co_return fail(Code::INTERNAL, "an upgrade that was not asked for");
    CO_TRY_ASSIGN(std::string text, write_response(head, {}, true));
    responded_ = true;
    keep_alive_ = false;
    output_.begin(std::move(text), {});
    CO_TRY(co_await output_.flush());
    finished_ = true;
    co_return &raw_;
  }
  [[nodiscard]] bool responded() const override { return responded_; }
  [[nodiscard]] bool finished() const { return finished_; }
  [[nodiscard]] bool keep_alive() const { return keep_alive_; }
  // answer_error: the server's own answer where the handler gave none; the connection ends with it.
  Task<Result<void>> answer_error(const Error& error) {
    keep_alive_ = false;
    const int status = status_of(error);
    Headers headers{{"Content-Type", "text/plain"}};
    if (status == 503) headers.add("Retry-After", "1");
    co_return co_await answer(*this, status, std::move(headers), to_bytes(error_class(error) + "\n"));
  }

 private:
  Output& output_;
  const ParsedRequest& request_;
  bool keep_alive_;
  const Draining& draining_;
  UpgradedStream raw_;
  bool responded_ = false;
  bool finished_ = false;
};

}  // namespace

void Draining::begin() {
  begun_ = true;
  began_.notify();
}

class Connection {
 public:
  Connection(net::Timers& timers, net::Stream& stream, const Handler& handler, Draining& draining, ServeLimits limits)
      : timers_(timers),
        stream_(stream),
        handler_(handler),
        draining_(draining),
        limits_(limits),
        input_(timers, stream),
        output_(timers, stream, limits.body_idle) {}

  Task<Result<void>> run() {
    std::optional<Result<void>> ended;
    // NOLINTNEXTLINE(cppcoreguidelines-avoid-capturing-lambda-coroutines): it outlives the await below
    auto serve_it = [&]() -> Task<void> { ended.emplace(co_await answer_all()); };
    co_await net::either(serve_it(), take_leave());
    co_return std::move(*ended);
  }

 private:
  Task<Result<void>> answer_all() {
    while (!draining_.begun()) {
      auto head = co_await next_head();
      if (!head) co_return co_await refuse(head.error());
      if (head->empty()) break;
      auto parsed = parse_request(*head);
      if (!parsed) co_return co_await refuse(parsed.error());
      CO_TRY_ASSIGN(const bool more, co_await exchange(*parsed));
      if (!more) break;
    }
    co_return co_await leave();
  }

  // Empty: none will be answered any more.
  Task<Result<std::string>> next_head() {
    // A request that is here already, or whose first bytes are, is in flight.
    waiting_ = !input_.buffered();
    auto head = co_await input_.read_head(limits_.idle, limits_.head);
    waiting_ = false;
    if (left_) co_return std::string();
    co_return head;
  }

  // A client that has nothing in flight is told that nothing will come (over TLS by close_notify), so that it may ask
  // elsewhere; then it has a moment to hear it.
  Task<void> take_leave() {
    while (!draining_.begun()) co_await draining_.began_.wait();
    if (!waiting_) co_return;
    left_ = true;
    const net::Deadline deadline(timers_, stream_, limits::kHttpLingerTime);
    std::ignore = co_await stream_.shutdown_write();
    net::Event never;
    for (;;) co_await never.wait();  // until the reader has ended
  }

  // One request and its answer. True where another may follow.
  Task<Result<bool>> exchange(ParsedRequest& parsed) {
    WireResponder responder(output_, input_, stream_, parsed, parsed.keep_alive, draining_);
    std::function<Task<Result<void>>()> go_on;
    if (parsed.expect_continue) {
      // NOLINTNEXTLINE(cppcoreguidelines-avoid-capturing-lambda-coroutines): it outlives the await below
      go_on = [&]() -> Task<Result<void>> {
        if (responder.responded()) co_return Result<void>();
        output_.begin("HTTP/1.1 100 Continue\r\n\r\n", {});
        co_return co_await output_.flush();
      };
    }
    WireBody body(input_, parsed.framing, limits_.body_idle, go_on);
    Request request{parsed.head, body};
    auto handled = co_await handler_(request, responder);
    if (!handled && !responder.responded()) {
      if (co_await responder.answer_error(handled.error())) std::ignore = co_await leave();
      co_return fail(std::move(handled).error());
    }
    if (!responder.finished()) {
      // Cut, so that the client sees a broken answer as broken.
      co_return handled ? fail(Code::INTERNAL, "an answer without its end") : fail(std::move(handled).error());
    }
    if (!responder.keep_alive()) co_return false;
    co_return co_await discard(body, parsed.expect_continue);
  }

  // Reads what the handler left of a body, within bounds, so that the next request can be read.
  Task<Result<bool>> discard(WireBody& body, bool expected) {
    if (body.ended()) co_return true;
    // A client that waits for 100 Continue may send the body or not (RFC 9110 §10.1.1).
    if (body.failed() || expected) co_return false;
    std::array<Byte, 4096> scrap;
    for (std::size_t left = limits::kHttpDiscardBytesMax; left > scrap.size(); left -= scrap.size()) {
      const auto n = co_await body.read_some(scrap);
      if (!n) co_return false;
      if (*n == 0) co_return true;
    }
    co_return false;
  }

  // Answers a request that could not be read, then ends the connection.
  Task<Result<void>> refuse(Error error) {
    if (error.code == Code::TIMEOUT || error.code == Code::CLOSED || error.code == Code::IO) {
      co_return fail(std::move(error));
    }
    ResponseHead head{.status = status_of(error), .headers = {{"Content-Type", "text/plain"}}, .upgrade = {}};
    const std::string text = error_class(error) + "\n";
    const auto written = write_response(head, {BodyKind::length, text.size()}, false);
    if (written) {
      output_.begin(*written, {BodyKind::length, text.size()});
      if (co_await output_.write(as_bytes(text))) std::ignore = co_await leave();
    }
    co_return fail(std::move(error));
  }

  // Ends our side and reads on for a moment: closing with bytes unread resets the connection, which may cost the client
  // the answer (RFC 9112 §9.6).
  Task<Result<void>> leave() {
    const net::Deadline deadline(timers_, stream_, limits::kHttpLingerTime);
    if (co_await stream_.shutdown_write()) {
      Bytes scrap(4096);
      for (std::size_t left = limits::kHttpDiscardBytesMax; left > scrap.size(); left -= scrap.size()) {
        const auto n = co_await stream_.read_some(scrap);
        if (!n || *n == 0) break;
      }
    }
    co_return Result<void>();
  }

  net::Timers& timers_;
  net::Stream& stream_;
  const Handler& handler_;
  Draining& draining_;
  ServeLimits limits_;
  Input input_;
  Output output_;
  bool waiting_ = false;  // for a request
  bool left_ = false;     // said so
};

Task<Result<void>> serve(net::Timers& timers, net::Stream& stream, const Handler& handler, Draining& draining,
                         ServeLimits limits) {
  Connection connection(timers, stream, handler, draining, limits);
  auto ended = co_await connection.run();
  stream.close();
  co_return ended;
}

Task<Result<void>> answer(Responder& responder, int status, Headers headers, Bytes body) {
  CO_TRY(co_await responder.respond({.status = status, .headers = std::move(headers), .upgrade = {}}, body.size()));
  CO_TRY(co_await responder.write(body));
  co_return co_await responder.finish({});
}

int status_of(const Error& error) {
  switch (error.code) {
    case Code::HTTP_SYNTAX:
    case Code::HTTP_FRAMING: return 400;
    case Code::HTTP_EXPECT: return 417;
    case Code::HTTP_VERSION: return 505;
    case Code::HTTP_RESPONSE:
    case Code::UNREACHABLE: return 502;
    case Code::HTTP_OVERLOAD: return 503;
    case Code::TIMEOUT: return 504;
    case Code::LIMIT:
      if (error.subject == "target") return 414;
      return error.subject == "body" ? 413 : 431;
    default: return 500;
  }
}

}  // namespace cages::http
