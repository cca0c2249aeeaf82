// SPDX-License-Identifier: Apache-2.0
#include "flows/chaos/world.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/limits.h"
#include "net/deadline.h"
#include "net/descriptor.h"
#include "net/frame.h"
#include "runtime/app/protocol.h"
#include "support/pki.h"
#include "wire/control.h"
#include "wire/lifecycle.h"
#include "wire/ports.h"

namespace cages::chaos {

using namespace std::chrono_literals;

World::World() : other_authority(unix_seconds(platform.platform->clock.wall())) {
  test::TestPlatform& p = *platform.platform;
  const auto own = p.keyring->development_provisioner().value();
  tls::ServerSettings settings{
      tls::Identity::make(own.chain, own.key).value(), {}, tls::ClientCertificates::not_asked, {}, {}};
  provisioner = tls::Server::make(std::move(settings), p.clock).value();
  const auto ca = test::authority("Cages platform root", p.clock.wall());
  const auto leaf = test::leaf(ca, "Cages platform root", {std::string(wire::kProvisionerName)}, p.clock.wall());
  const std::vector<Bytes> chain{leaf.certificate.der(), ca.certificate.der()};
  tls::ServerSettings pretended{
      tls::Identity::make(chain, leaf.key).value(), {}, tls::ClientCertificates::not_asked, {}, {}};
  impostor = tls::Server::make(std::move(pretended), p.clock).value();
  other_image_ = p.deployment;
  other_image_.id.fill(9);
  other_image_.names = {"other.app-000000000001.localhost"};
  other_image_.pcr0.at(0) ^= 1;
  other_image_.version = p.store.add_deployment(other_image_).value();
  const test::TestEnclave other;
  const Bytes csr = other.csr();
  const auto claims = other.claims({}, p.token(), csr, p.exporter);
  const wire::NsmAttestationRequest request{claims.user_data, claims.nonce, claims.public_key};
  const auto answer = wire::parse_nsm_response(platform.module->answer(wire::write_nsm_request(request)).bytes).value();
  const server::Presented presented{std::get<wire::NsmDocument>(answer).document, csr, p.exporter};
  grant_of_another = wire::write_provision(p.provisioner->answer(presented, p.carrier()));
}

wire::Manifest World::manifest() const {
  wire::Manifest manifest;
  manifest.name = "pay";
  manifest.command = {"/pay"};
  manifest.port = kAppPort;
  manifest.health = {wire::HealthKind::http, "/healthz", kAppPort, 1000};
  manifest.log_app = true;
  manifest.secrets = {{"KEY", wire::Delivery::file}};
  manifest.restart = wire::Restart::on_failure;
  wire::RootHash root{};
  std::copy_n(platform.platform_root.begin(), root.size(), root.begin());
  manifest.platform_roots = {root};
  return manifest;
}

std::string World::token(bool of_another_image) {
  test::TestPlatform& p = *platform.platform;
  return p.token(of_another_image ? other_image_ : p.deployment, p.carrier());
}

namespace {

Message message_of(const wire::NsmRequest& request) {
  if (std::holds_alternative<wire::NsmRandomRequest>(request)) return Message::nsm_random;
  const auto* attestation = std::get_if<wire::NsmAttestationRequest>(&request);
  if (attestation == nullptr) return Message::nsm_describe;
  // The document of a TLS key is for a DER SubjectPublicKeyInfo, the other for a token.
  const bool leaf = attestation->user_data && attestation->user_data->front() == 0x30;
  return leaf ? Message::nsm_attest_leaf : Message::nsm_attest_provision;
}

}  // namespace

Result<Bytes> ChaosNsm::exchange(ByteView request) {
  if (closed_) return fail(Code::CLOSED, "NSM");
  const auto parsed = wire::parse_nsm_request(request);
  if (!parsed) return fail(parsed.error());
  Bytes answer = left_over_.empty() ? world_.platform.module->answer(request).bytes : std::exchange(left_over_, {});
  const Message message = message_of(*parsed);
  if (chaos_.strikes(message)) return strike(message, std::move(answer));
  previous_ = answer;
  return answer;
}

Result<Bytes> ChaosNsm::strike(Message message, Bytes answer) {
  switch (chaos_.plan().fault) {
    case Fault::close: closed_ = true; return fail(Code::CLOSED, "NSM");
    case Fault::lose:
    case Fault::stall:
      // The caller blocks, and time passes without it.
      world_.clock().advance(limits::kNsmAnswerTimeout);
      closed_ = chaos_.plan().fault == Fault::stall;
      return fail(Code::TIMEOUT, "NSM");
    case Fault::delay: world_.clock().advance(chaos_.pick_time(kDelayMax)); return answer;
    case Fault::split:
      left_over_.assign(answer.begin() + static_cast<std::ptrdiff_t>(answer.size() / 2), answer.end());
      answer.resize(answer.size() / 2);
      return answer;
    case Fault::truncate: answer.resize(answer.size() / 2); return answer;
    case Fault::reorder: return previous_.empty() ? wire::write_nsm_response(wire::NsmLockedPcrs{}) : previous_;
    case Fault::duplicate: {
      const Bytes once = answer;
      append(answer, once);
      return answer;
    }
    case Fault::wrong_type: return wire::write_nsm_response(wire::NsmLockedPcr{});
    case Fault::lie:
      if (message == Message::nsm_attest_provision || message == Message::nsm_attest_leaf) {
        return wire::write_nsm_response(
            wire::NsmDocument{world_.other_authority.document(world_.other_authority.claims())});
      }
      return chaos_.mangle(message, answer);
    default: return chaos_.mangle(message, answer);
  }
}

struct ChaosApp::Life {
  net::StreamPtr out;
  net::StreamPtr err;
  net::StreamPtr events;
  bool healthy = false;
  bool over = false;
  void end() {
    healthy = false;
    over = true;
    for (auto* stream : {&out, &err, &events}) (*stream)->close();
  }
};

Result<runtime::AppEnds> ChaosApp::start(const runtime::AppSpec& spec) {
  ++starts_;
  const bool right =
      spec.files.size() == 1 && spec.files[0].name == "KEY" && as_text(spec.files[0].value.reveal()) == world_.secret();
  secrets_were_right_ = secrets_were_right_ && right;
  if (life_) life_->end();
  std::array<int, 2> out{};
  std::array<int, 2> err{};
  std::array<int, 2> events{};
  if (pipe2(out.data(), O_CLOEXEC) != 0 || pipe2(err.data(), O_CLOEXEC) != 0 ||
      socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, events.data()) != 0) {
    return fail(errno_error("pipe", errno));
  }
  runtime::AppEnds ends{Fd(out[0]), Fd(err[0]), Fd(events[0])};
  auto life = std::make_shared<Life>();
  TRY_ASSIGN(life->out, net::stream_from(loop_, Fd(out[1])));
  TRY_ASSIGN(life->err, net::stream_from(loop_, Fd(err[1])));
  TRY_ASSIGN(life->events, net::stream_from(loop_, Fd(events[1])));
  life->out = tap(loop_, chaos_, std::move(life->out), always(Message::app_output));
  life->events = tap(loop_, chaos_, std::move(life->events), [](ByteView bytes, std::size_t) {
    return bytes[0] == static_cast<Byte>(runtime::AppMessage::Kind::exited) ? Message::app_exited
                                                                            : Message::app_started;
  });
  life_ = life;
  loop_.spawn("app", live(*this, std::move(life)));
  return ends;
}

Result<void> ChaosApp::end() {
  if (life_) life_->end();
  return {};
}

// A lie about the app's life is one of another ending.
Task<Result<void>> ChaosApp::say(Life& life, Message message, const runtime::AppMessage& what) {
  runtime::AppMessage said = what;
  if (chaos_.about(message) && chaos_.plan().fault == Fault::lie) {
    said = message == Message::app_started
               ? runtime::AppMessage{runtime::AppMessage::Kind::failed, runtime::AppStep::exec, 2}
               : runtime::AppMessage{runtime::AppMessage::Kind::exited, runtime::AppStep::none, -1};
  }
  co_return co_await life.events->write_all(runtime::write_app_message(said));
}

Task<void> ChaosApp::live(ChaosApp& app, std::shared_ptr<Life> life) {
  using runtime::AppMessage;
  const AppMessage started{AppMessage::Kind::started, runtime::AppStep::none, 0};
  AppMessage exited{AppMessage::Kind::exited, runtime::AppStep::none, 0};
  co_await app.loop_.timers().sleep(20ms);
  if (life->over) co_return;
  std::ignore = co_await life->out->write_all(as_bytes("listening\n"));
  if (!co_await app.say(*life, Message::app_started, started)) co_return life->end();
  life->healthy = true;
  const bool exits = app.chaos_.about(Message::app_exited) && (app.starts_ == 1 || app.chaos_.plan().always);
  if (exits) {
    exited.value = 1 << 8;  // exit code 1
    co_await app.loop_.timers().sleep(2s);
  } else {
    std::array<Byte, runtime::kAppMessageBytes> order{};
    if (!co_await net::read_exact(*life->events, order)) co_return life->end();
  }
  life->healthy = false;
  if (!life->over) std::ignore = co_await app.say(*life, Message::app_exited, exited);
  // One that is stalled stays, until it is killed.
  if (app.chaos_.about(Message::app_exited) && app.chaos_.plan().fault == Fault::stall) co_return;
  life->end();
}

Task<Result<net::StreamPtr>> ChaosApp::dial(std::uint16_t port) {
  if (!life_ || !life_->healthy || port != kAppPort) co_return fail(Code::UNREACHABLE, "app");
  auto [near, far] = net::memory_pair();
  loop_.spawn("probe", answer_probe(tap(loop_, chaos_, std::move(far), always(Message::app_health))));
  co_return std::move(near);
}

Task<void> ChaosApp::answer_probe(net::StreamPtr stream) {
  Bytes request(1024);
  if (!co_await stream->read_some(request)) co_return;
  if (!co_await stream->write_all(as_bytes("HTTP/1.1 200 OK\r\n\r\n"))) co_return;
  std::ignore = co_await stream->read_some(request);
}

}  // namespace cages::chaos
