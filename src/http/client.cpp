// SPDX-License-Identifier: Apache-2.0
#include "http/client.h"

#include "http/input.h"
#include "http/output.h"
#include "net/event.h"

namespace cages::http {

struct Client::State {
  State(net::Timers& t, net::StreamPtr s, ClientLimits l)
      : stream(std::move(s)),
        limits(l),
        input(t, *stream),
        output(t, *stream, l.body_idle),
        raw(input, *stream, limits::kHttpUpgradedIdleTime) {}
  net::StreamPtr stream;
  ClientLimits limits;
  Input input;
  Output output;
  UpgradedStream raw;
  std::optional<WireBody> body;
  bool sent = false;
  bool keep_alive = true;
};

Client::Client(net::Timers& timers, net::StreamPtr stream, ClientLimits limits)
    : state_(std::make_unique<State>(timers, std::move(stream), limits)) {}
Client::~Client() = default;

Task<Result<void>> Client::send(const RequestHead& head, Body& body) {
  State& s = *state_;
  s.body.reset();
  s.sent = false;
  const auto length = body.length();
  Framing framing = length ? Framing{BodyKind::length, *length} : Framing{BodyKind::chunked, 0};
  // A GET without a body says nothing of one (RFC 9110 §8.6).
  const bool bodiless = length == 0U && head.method != "POST" && head.method != "PUT" && head.method != "PATCH";
  if (bodiless) framing = {};
  CO_TRY_ASSIGN(std::string text, write_request(head, framing, true));
  s.output.begin(std::move(text), framing);
  Bytes buffer;
  for (bool more = !bodiless; more;) {
    if (!body.ready()) CO_TRY(co_await s.output.flush());
    if (buffer.empty()) buffer.resize(limits::kHttpReadBytes);
    CO_TRY_ASSIGN(const std::size_t n, co_await body.read_some(buffer));
    CO_TRY(co_await s.output.write(ByteView(buffer).first(n)));
    more = n != 0;
  }
  CO_TRY(co_await s.output.finish(body.trailers()));
  s.sent = true;
  co_return Result<void>();
}

Task<Result<ResponseHead>> Client::read_head(std::string method) {
  State& s = *state_;
  CO_TRY_ASSIGN(const std::string head, co_await s.input.read_head(s.limits.answer, limits::kHttpHeadTime));
  if (head.empty()) co_return fail(Code::CLOSED, "answer", "a head", "the end of the stream");
  auto parsed = parse_response(head, method);
  if (!parsed) {
    co_return fail(Code::HTTP_RESPONSE, error_class(parsed.error()) + " " + parsed.error().subject, "",
                   parsed.error().got);
  }
  const int status = parsed->head.status;
  if (status >= 200 || status == 101) {
    s.keep_alive = parsed->keep_alive && status != 101;
    s.body.emplace(s.input, parsed->framing, s.limits.body_idle);
  }
  co_return std::move(parsed->head);
}

Body& Client::body() { return *state_->body; }
net::Stream& Client::upgraded() { return state_->raw; }
net::Stream& Client::stream() { return *state_->stream; }
void Client::close() { state_->stream->close(); }

bool Client::reusable() const {
  return state_->sent && state_->keep_alive && state_->body && state_->body->ended() && !state_->input.buffered();
}

Task<Result<WholeResponse>> Client::request(RequestHead head, Body& body, std::size_t bytes_max) {
  Result<void> sent;
  Result<ResponseHead> answered = fail(Code::CLOSED);
  bool sending = true;
  net::Event changed;
  // NOLINTNEXTLINE(cppcoreguidelines-avoid-capturing-lambda-coroutines): it outlives the await below
  auto send_all = [&]() -> Task<void> {
    sent = co_await send(head, body);
    sending = false;
    changed.notify();
  };
  // NOLINTNEXTLINE(cppcoreguidelines-avoid-capturing-lambda-coroutines): it outlives the await below
  auto read_answer = [&]() -> Task<void> {
    std::size_t informational = 0;
    do {
      answered = co_await read_head(head.method);
      if (++informational > limits::kHttpInformationalMax) answered = fail(Code::HTTP_RESPONSE, "too many 1xx");
    } while (answered && answered->status < 200 && answered->status != 101);
    // Whoever refuses need not read what it refused, and whoever is gone will not; anybody else gets all of it.
    while (answered && answered->status < 400 && sending) co_await changed.wait();
  };
  co_await net::either(read_answer(), send_all());
  if (!answered) {
    if (!sent && answered.error().code == Code::CLOSED) co_return fail(std::move(sent).error());
    co_return fail(std::move(answered).error());
  }
  CO_TRY_ASSIGN(Bytes content, co_await read_body(this->body(), bytes_max));
  co_return WholeResponse{std::move(*answered), std::move(content)};
}

Task<Result<WholeResponse>> Client::request(RequestHead head, Bytes body, std::size_t bytes_max) {
  BytesBody whole(std::move(body));
  co_return co_await request(std::move(head), whole, bytes_max);
}

}  // namespace cages::http
