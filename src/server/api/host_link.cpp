// SPDX-License-Identifier: Apache-2.0
#include "server/api/host_link.h"

#include <fcntl.h>
#include <unistd.h>

#include <utility>

#include "base/file.h"
#include "base/ip.h"
#include "base/limits.h"
#include "base/log.h"
#include "crypto/hash.h"
#include "net/deadline.h"
#include "net/frame.h"
#include "tls/identity.h"

namespace cages::server {
namespace {

constexpr std::chrono::hours kHostCertificateLife{24 * 365};
constexpr std::size_t kImagePieceBytes = 256 * 1024;

}  // namespace

Result<std::unique_ptr<HostLink>> HostLink::make(net::EventLoop& loop, Registry& registry, Provisioner& provisioner,
                                                 Store& store, Keyring& keyring, crypto::Random& random,
                                                 Balancers balancers) {
  TRY_ASSIGN(const ServerIdentity own, keyring.host_link_identity());
  TRY_ASSIGN(tls::Identity identity, tls::Identity::make(own.chain, own.key));
  // A host that enrols has no certificate yet; every other opening asks for one (host_of).
  tls::ServerSettings settings{std::move(identity), {}, tls::ClientCertificates::asked,
                               tls::Roots{false, keyring.hosts_root().certificate.pem()}, {}};
  TRY_ASSIGN(std::unique_ptr<tls::Server> server, tls::Server::make(std::move(settings), loop.clock()));
  return std::unique_ptr<HostLink>(
      new HostLink(loop, registry, provisioner, store, keyring, random, std::move(balancers), std::move(server)));
}

Result<void> HostLink::renew() {
  TRY_ASSIGN(const ServerIdentity own, keyring_.host_link_identity());
  TRY_ASSIGN(tls::Identity identity, tls::Identity::make(own.chain, own.key));
  return server_->replace(std::move(identity));
}

Task<void> HostLink::serve(net::Accepted accepted) {
  const std::string address = accepted.peer.address;
  const auto outcome = co_await converse(std::move(accepted));
  if (!outcome && outcome.error().code != Code::CLOSED) {
    log::error("host_link.ended", outcome.error(), {{"address", address}});
  }
}

Result<Host> HostLink::host_of(const tls::TlsStream& stream) {
  const std::vector<Bytes> chain = stream.peer_chain();
  if (chain.empty()) return fail(Code::PLATFORM_CHAIN, "client", "a host's certificate", "none");
  TRY_ASSIGN(const crypto::Certificate certificate,
             crypto::verify_client(chain[0], keyring_.hosts_root().certificate, loop_.clock().wall()));
  return registry_.known_host(certificate.public_key());
}

Task<Result<void>> HostLink::converse(net::Accepted accepted) {
  CO_TRY(co_await balancers_.name_client(loop_.timers(), accepted));
  CO_TRY_ASSIGN(tls::TlsStreamPtr stream, co_await server_->accept(loop_.timers(), std::move(accepted.stream)));
  Bytes frame;
  {
    const net::Deadline deadline(loop_.timers(), *stream, limits::kProvisionExchangeTime);
    CO_TRY_ASSIGN(frame, co_await net::read_frame(*stream));
  }
  CO_TRY_ASSIGN(const wire::HostOpening opening, wire::parse_host_opening(frame));
  if (const auto* request = std::get_if<wire::EnrolRequest>(&opening)) co_return co_await enrol(*stream, *request);
  auto host = host_of(*stream);
  if (!host) {
    (void)co_await stream->write_all(wire::write_host_link(wire::HostLinkDown(wire::LinkRefused{error_class(host.error())})));
    co_return fail(std::move(host).error());
  }
  Carrier carrier{std::move(host).value(), canonical_address(accepted.peer.address)};
  if (const auto* session_opening = std::get_if<wire::OpenSession>(&opening)) {
    co_return co_await session(*stream, std::move(carrier), *session_opening);
  }
  if (const auto* wanted = std::get_if<wire::OpenImage>(&opening)) {
    co_return co_await image(*stream, carrier, wanted->deployment);
  }
  if (const auto* list = std::get_if<wire::OpenEgressList>(&opening)) {
    co_return co_await egress_list(*stream, carrier, list->deployment);
  }
  co_return co_await provision(std::move(stream), std::move(carrier), std::get<wire::OpenProvisioner>(opening).deployment);
}

Task<Result<void>> HostLink::enrol(net::Stream& stream, const wire::EnrolRequest& request) {
  const net::Deadline deadline(loop_.timers(), stream, limits::kProvisionExchangeTime);
  const auto make = [&]() -> Result<wire::Enrolled> {
    TRY_ASSIGN(const crypto::Csr csr, crypto::Csr::from_der(request.csr));
    TRY_ASSIGN(const Host host, registry_.enrol(request.code, csr.public_key()));
    TRY_ASSIGN(const crypto::Certificate certificate,
               crypto::certify_client(keyring_.hosts_root(), wire::write_id(host.id), csr.public_key(), loop_.clock().wall(),
                                      kHostCertificateLife, random_));
    TRY(store_.audit("host:" + host.name, "enrol", wire::write_id(host.id), "ok", ""));
    return wire::Enrolled{host.id, {certificate.der(), keyring_.hosts_root().certificate.der()}};
  };
  auto enrolled = make();
  if (!enrolled) {
    CO_TRY(store_.audit("?", "enrol", "", error_class(enrolled.error()), describe(enrolled.error())));
    CO_TRY(co_await stream.write_all(
        wire::write_host_link(wire::HostLinkDown(wire::LinkRefused{error_class(enrolled.error())}))));
    co_return co_await stream.shutdown_write();
  }
  CO_TRY(co_await stream.write_all(wire::write_host_link(wire::HostLinkDown(std::move(enrolled).value()))));
  co_return co_await stream.shutdown_write();
}

// One host's session. Its stream has one writer, push(); listen() leaves answers in the outbox.
struct HostLink::Session {
  net::Stream& stream;
  Carrier carrier;
  std::vector<std::string> drivers;
  std::vector<wire::HostLinkDown> outbox;
  bool ended = false;
};

Task<Result<void>> HostLink::session(net::Stream& stream, Carrier carrier, const wire::OpenSession& opening) {
  log::info("host.session", {{"host", carrier.host.name}, {"address", carrier.address}, {"program", opening.program}});
  Session session{stream, std::move(carrier), opening.drivers, {}, false};
  co_await net::together(push(session), listen(session));
  log::info("host.gone", {{"host", session.carrier.host.name}});
  co_return Result<void>();
}

std::optional<wire::Assignments> HostLink::assignments_for(const Session& session) {
  const auto host = store_.host(session.carrier.host.id);
  if (!host || !*host || (*host)->revoked || !registry_.place(**host, session.drivers)) return {};
  auto now = registry_.assignments(**host);
  if (!now) return {};
  return std::move(now).value();
}

Task<void> HostLink::push(Session& session) {
  std::optional<wire::Assignments> last;
  while (!session.ended) {
    const std::uint64_t seen = generation_;
    std::vector<wire::HostLinkDown> messages = std::exchange(session.outbox, {});
    auto now = assignments_for(session);
    if (!now) break;
    if (!last || !(*last == *now)) messages.emplace_back(*now);
    last = std::move(now);
    bool sent = true;
    for (const wire::HostLinkDown& message : messages) {
      if (!sent) break;
      const net::Deadline deadline(loop_.timers(), session.stream, limits::kLinkAnswerTime);
      sent = (co_await session.stream.write_all(wire::write_host_link(message))).has_value();
    }
    if (!sent) break;
    if (generation_ == seen && !session.ended) co_await changed_.wait();
  }
  session.stream.close();
}

Task<void> HostLink::listen(Session& session) {
  while (!session.ended) {
    // A host that is gone without a word holds no session: a living one says something in time.
    net::Deadline deadline(loop_.timers(), session.stream, limits::kLinkSessionIdleTime);
    const auto frame = co_await net::read_frame(session.stream);
    deadline.clear();
    if (!frame) break;
    const auto message = wire::parse_host_session_up(*frame);
    if (!message) break;
    // A host that asks without reading the answers is cut off.
    if (session.outbox.size() >= limits::kAssignmentsMax) break;
    if (const auto* request = std::get_if<wire::LinkTokenRequest>(&*message)) {
      session.outbox.push_back(token_for(session.carrier, *request));
    } else if (std::holds_alternative<wire::HostAlive>(*message)) {
      session.outbox.emplace_back(wire::Accepted{});
    } else {
      const auto taken = registry_.report(session.carrier.host, std::get<wire::InstanceReport>(*message));
      if (!taken) log::error("host.report", taken.error(), {{"host", session.carrier.host.name}});
    }
    changed();
  }
  session.ended = true;
  changed();
  session.stream.close();
}

wire::HostLinkDown HostLink::token_for(const Carrier& carrier, const wire::LinkTokenRequest& request) {
  auto token = provisioner_.token(request.deployment, carrier);
  if (!token) {
    log::error("token.refused", token.error(), {{"host", carrier.host.name}});
    return wire::LinkTokenRefused{request.id, error_class(token.error())};
  }
  return wire::LinkToken{request.id, std::move(token).value()};
}

Task<Result<void>> HostLink::image(net::Stream& stream, const Carrier& carrier, const Id& id) {
  CO_TRY_ASSIGN(const std::optional<Deployment> deployment, store_.deployment(id));
  if (!deployment || deployment->host != carrier.host.id) {
    co_return co_await stream.write_all(wire::write_host_link(wire::HostLinkDown(wire::LinkRefused{"PROV_DEPLOYMENT"})));
  }
  const Fd file(::open(registry_.image_path(*deployment).c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) co_return fail(errno_error(registry_.image_path(*deployment).string(), errno));
  const wire::ImageHead head{static_cast<std::uint64_t>(deployment->image_bytes), deployment->image_sha256};
  CO_TRY(co_await stream.write_all(wire::write_host_link(wire::HostLinkDown(head))));
  Bytes piece(kImagePieceBytes);
  while (true) {
    const ssize_t count = ::read(file.get(), piece.data(), piece.size());
    if (count < 0) co_return fail(errno_error("image", errno));
    if (count == 0) break;
    const net::Deadline deadline(loop_.timers(), stream, limits::kHttpBodyIdleTime);
    CO_TRY(co_await stream.write_all(ByteView(piece).first(static_cast<std::size_t>(count))));
  }
  co_return co_await stream.shutdown_write();
}

Task<Result<void>> HostLink::egress_list(net::Stream& stream, const Carrier& carrier, const Id& id) {
  CO_TRY_ASSIGN(const std::optional<Deployment> deployment, store_.deployment(id));
  if (!deployment || deployment->host != carrier.host.id) {
    co_return co_await stream.write_all(wire::write_host_link(wire::HostLinkDown(wire::LinkRefused{"PROV_DEPLOYMENT"})));
  }
  const net::Deadline deadline(loop_.timers(), stream, limits::kHttpBodyIdleTime);
  const wire::ImageHead head{deployment->egress.size(), crypto::sha256(as_bytes(deployment->egress))};
  CO_TRY(co_await stream.write_all(wire::write_host_link(wire::HostLinkDown(head))));
  CO_TRY(co_await stream.write_all(as_bytes(deployment->egress)));
  co_return co_await stream.shutdown_write();
}

Task<Result<void>> HostLink::provision(net::StreamPtr stream, Carrier carrier, const Id& id) {
  CO_TRY_ASSIGN(const std::optional<Deployment> deployment, store_.deployment(id));
  if (!deployment || deployment->host != carrier.host.id) {
    co_return co_await stream->write_all(wire::write_host_link(wire::HostLinkDown(wire::LinkRefused{"PROV_DEPLOYMENT"})));
  }
  CO_TRY(co_await stream->write_all(wire::write_host_link(wire::HostLinkDown(wire::Accepted{}))));
  // From here on the bytes are the enclave's own TLS.
  co_return co_await provisioner_.serve(loop_.timers(), std::move(stream), std::move(carrier));
}

}  // namespace cages::server
