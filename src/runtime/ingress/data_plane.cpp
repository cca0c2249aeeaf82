// SPDX-License-Identifier: Apache-2.0
#include "runtime/ingress/data_plane.h"

#include <algorithm>

#include "base/check.h"
#include "base/json.h"
#include "base/log.h"
#include "base/text.h"
#include "http/client.h"
#include "http/forward.h"
#include "http/proxy_header.h"
#include "net/deadline.h"
#include "runtime/ingress/identity_headers.h"

namespace cages::runtime {
namespace {

constexpr std::chrono::milliseconds kDrainStep{100};
constexpr std::string_view kSessionPath = "/.well-known/cage/session";
constexpr std::string_view kDocumentPath = "/.well-known/attestation";
constexpr std::size_t kRequestIdBytes = 16;

// The name of "name", "name:port"; addresses in brackets are no names.
std::string name_of(const std::string& authority) { return ascii_lower(authority.substr(0, authority.rfind(':'))); }

std::string_view path_of(const std::string& target) { return std::string_view(target).substr(0, target.find('?')); }

Task<Result<void>> refuse(http::Responder& responder, int status, http::Headers headers = {}) {
  headers.add("Content-Type", "text/plain");
  co_return co_await http::answer(responder, status, std::move(headers), to_bytes(std::to_string(status) + "\n"));
}

}  // namespace

// What is known of one connection's client.
struct DataPlane::Session {
  tls::TlsStream& tls;
  wire::ProxyAddress client;
  std::uint64_t requests = 0;
};

namespace {

// Counts one while it lives: a request is over however its handler ends.
class InFlight {
 public:
  explicit InFlight(std::uint64_t& count) : count_(count) { ++count_; }
  ~InFlight() { --count_; }
  InFlight(const InFlight&) = delete;
  InFlight& operator=(const InFlight&) = delete;

 private:
  std::uint64_t& count_;
};

}  // namespace

DataPlane::DataPlane(net::EventLoop& loop, const tls::Server& tls, AttestationResponder& attestation,
                     crypto::Random& random, DialApp dial_app, DataPlaneSettings settings)
    : loop_(loop),
      tls_(tls),
      attestation_(attestation),
      random_(random),
      dial_app_(std::move(dial_app)),
      settings_(std::move(settings)),
      all_(settings_.connections_max),
      handshakes_(settings_.handshakes_max),
      tasks_(loop) {}

Task<void> DataPlane::serve(net::Listener& listener) {
  for (;;) {
    auto accepted = co_await listener.accept();
    if (!accepted) {
      if (accepted.error().code == Code::CLOSED) co_return;
      log::error("ingress.accept", accepted.error());
      co_await loop_.timers().sleep(std::chrono::milliseconds(100));
      continue;
    }
    ++counts_.connections;
    auto slot = all_.try_take();
    // Refused early, before any work is done for it.
    if (!slot || draining_.begun() || handshakes_.taken() == handshakes_.count_max()) {
      ++counts_.refused_full;
      continue;
    }
    tasks_.spawn("ingress.connection", connection(std::move(*accepted), std::move(*slot)));
  }
}

Task<void> DataPlane::drain(Nanoseconds time) {
  draining_.begin();
  cut_at_ = loop_.timers().now() + time;
  auto all_gone = [this]() -> Task<void> { return tasks_.join(); };
  // NOLINTNEXTLINE(cppcoreguidelines-avoid-capturing-lambda-coroutines): it outlives the await below
  auto gone_or_cut = [&]() -> Task<void> {
    // By small steps: the time can become shorter meanwhile.
    for (Nanoseconds now = loop_.timers().now(); now < cut_at_; now = loop_.timers().now()) {
      co_await loop_.timers().sleep(std::min<Nanoseconds>(kDrainStep, cut_at_ - now));
    }
    tasks_.cancel();
  };
  co_await net::either(all_gone(), gone_or_cut());
}

Task<void> DataPlane::connection(net::Accepted accepted, net::Slots::Slot slot) {
  const net::Slots::Slot held = std::move(slot);
  const auto done = co_await carry(std::move(accepted.stream));
  if (!done && done.error().kind() == Kind::internal) log::error("ingress.connection", done.error());
}

// One connection, from the host's first byte to the client's last.
Task<Result<void>> DataPlane::carry(net::StreamPtr stream) {
  tls::TlsStreamPtr session;
  wire::ProxyAddress client;
  {
    const auto handshake = handshakes_.try_take();
    {
      const net::Deadline deadline(loop_.timers(), *stream, limits::kIngressHelloTime);
      // untrusted: the host says who the client is; it may lie (threat model), but in this form only.
      CO_TRY_ASSIGN(client, co_await http::read_proxy_header(*stream));
    }
    auto accepted = co_await tls_.accept(loop_.timers(), std::move(stream));
    if (!accepted) ++counts_.refused_handshakes;
    CO_TRY_ASSIGN(session, std::move(accepted));
  }
  Session known{*session, std::move(client)};
  const http::Handler handler = [&](http::Request& asked, http::Responder& responder) {
    return request(asked, responder, known);
  };
  co_return co_await http::serve(loop_.timers(), *session, handler, draining_, settings_.http);
}

Task<Result<void>> DataPlane::request(http::Request& asked, http::Responder& responder, Session& session) {
  ++counts_.requests;
  const InFlight counted(counts_.in_flight);
  ++session.requests;
  // RFC 9110 §15.5.20: a request for another name than the connection's is not ours to answer.
  if (!CAGES_CHECK("HTTP_MISDIRECTED", answers_for(asked.head, session))) co_return co_await refuse(responder, 421);
  const std::string_view path = path_of(asked.head.target);
  if (path == kSessionPath) co_return co_await prove_session(asked, responder, session);
  if (path == kDocumentPath) co_return co_await show_document(asked, responder, session);
  co_return co_await ask_app(asked, responder, session);
}

bool DataPlane::answers_for(const http::RequestHead& head, const Session& session) const {
  const std::string name = name_of(head.authority);
  const std::string dialled = session.tls.server_name();
  return std::ranges::find(settings_.host_names, name) != settings_.host_names.end() &&
         (dialled.empty() || ascii_lower(dialled) == name);
}

Task<Result<void>> DataPlane::prove_session(http::Request& asked, http::Responder& responder, Session& session) {
  if (asked.head.method != "POST") co_return co_await refuse(responder, 405, {{"Allow", "POST"}});
  // Proof comes before any byte of the app's, or it proves nothing about those (interfaces: SESSION).
  if (!CAGES_CHECK("SESSION_FIRST", session.requests == 1)) co_return co_await refuse(responder, 409);
  const std::string* type = asked.head.headers.find("Content-Type");
  if (type == nullptr || !ascii_iequal(*type, "application/cbor")) co_return co_await refuse(responder, 415);
  CO_TRY_ASSIGN(const Bytes body, co_await http::read_body(asked.body, limits::kSessionRequestBytesMax));
  auto proof = co_await attestation_.session(body, session.tls);
  if (!proof && proof.error().code == Code::HTTP_OVERLOAD)
    co_return co_await refuse(responder, 429, {{"Retry-After", "1"}});
  if (!proof && proof.error().kind() == Kind::reject) co_return co_await refuse(responder, 400);
  CO_TRY(proof);
  ++counts_.sessions;
  co_return co_await http::answer(responder, 200, {{"Content-Type", "application/cbor"}, {"Cache-Control", "no-store"}},
                                  std::move(*proof));
}

Task<Result<void>> DataPlane::show_document(http::Request& asked, http::Responder& responder, Session& session) {
  if (asked.head.method != "GET" && asked.head.method != "HEAD") {
    co_return co_await refuse(responder, 405, {{"Allow", "GET, HEAD"}});
  }
  CO_TRY_ASSIGN(const Bytes document, co_await attestation_.document(session.tls));
  const Json body = Json::object({{"attestation_doc", base64(document)}});
  co_return co_await http::answer(responder, 200, {{"Content-Type", "application/json"}, {"Cache-Control", "no-store"}},
                                  to_bytes(write_json(body)));
}

Task<Result<void>> DataPlane::ask_app(http::Request& asked, http::Responder& responder, Session& session) {
  Bytes id(kRequestIdBytes);
  random_.fill(id);
  const std::string request_id = hex(id);
  replace_identity(asked.head.headers, {.ip = session.client.ip, .request_id = request_id});
  // Only WebSocket is passed on; other protocols would carry requests past the checks above.
  if (asked.head.upgrade != "websocket") asked.head.upgrade.clear();
  auto stream = co_await dial_app_();
  if (!stream)
    co_return fail(Code::UNREACHABLE, "app", std::move(stream.error().expected), std::move(stream.error().got));
  http::Client upstream(loop_.timers(), std::move(*stream), {.body_idle = settings_.http.body_idle});
  co_return co_await http::forward(loop_.timers(), asked, upstream, responder,
                                   [&](http::ResponseHead& head) { head.headers.set("X-Request-Id", request_id); });
}

}  // namespace cages::runtime
