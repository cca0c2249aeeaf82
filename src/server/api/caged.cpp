// SPDX-License-Identifier: Apache-2.0
#include "server/api/caged.h"

#include "base/limits.h"
#include "base/log.h"
#include "net/tcp.h"
#include "tls/identity.h"

namespace cages::server {
namespace {

constexpr std::chrono::hours kHouseKeeping{1};
constexpr std::size_t kPemBytesMax = 256 * 1024;

Result<std::string> read_pem(const std::filesystem::path& path) {
  TRY_ASSIGN(const Bytes bytes, read_file(path, kPemBytesMax));
  return std::string(as_text(bytes));
}

}  // namespace

Result<std::unique_ptr<Caged>> Caged::open(Config config, const attest::TrustRoot& production_root, net::EventLoop& loop,
                                           crypto::Random& random) {
  std::unique_ptr<Caged> caged(new Caged(std::move(config), loop, random));
  TRY(caged->open_store());
  TRY(caged->open_provisioner(production_root));
  TRY(caged->open_ports());
  return caged;
}

Result<void> Caged::open_store() {
  std::error_code error;
  std::filesystem::create_directories(config_.state, error);
  if (error) return fail(errno_error(config_.state.string(), error.value()));
  std::filesystem::permissions(config_.state, std::filesystem::perms(0700), error);
  TRY_ASSIGN(Store store, Store::open(config_.state, loop_.clock(), random_));
  store_ = std::make_unique<Store>(std::move(store));
  TRY_ASSIGN(Keyring keyring, Keyring::open(*store_, random_));
  keyring_ = std::make_unique<Keyring>(std::move(keyring));
  TRY_ASSIGN(engine_keys_, wrapper_in_file(config_.state / "engine.key", random_));
  engine_ = std::make_unique<Engine>(*store_, *engine_keys_, loop_.clock());
  engine_api_ = std::make_unique<EngineApi>(*engine_, loop_.clock());
  TRY_ASSIGN(Blobs blobs, Blobs::open(config_.state / "images"));
  blobs_ = std::make_unique<Blobs>(std::move(blobs));
  return {};
}

Result<ServerIdentity> Caged::provisioner_identity() {
  if (config_.development && config_.provisioner_chain.empty()) return keyring_->development_provisioner();
  if (config_.provisioner_chain.empty()) {
    TRY_ASSIGN(const Bytes csr, keyring_->provisioner_csr());
    TRY(write_file(config_.state / "provisioner.csr", csr));
    return fail(Code::PLATFORM_CHAIN, "provisioner_chain", "the platform root's answer to provisioner.csr", "none yet");
  }
  TRY_ASSIGN(const std::string pem, read_pem(config_.provisioner_chain));
  return keyring_->provisioner(pem);
}

Result<void> Caged::open_provisioner(const attest::TrustRoot& production_root) {
  Registry::Settings settings;
  settings.domain = config_.domain;
  settings.development = config_.development;
  Provisioner::Settings trust{{production_root}, config_.development};
  for (const std::filesystem::path& path : config_.development_roots) {
    // A development root outside --development is not known, whatever the configuration says (design §8).
    if (!config_.development || !std::filesystem::exists(path)) continue;
    TRY_ASSIGN(const std::string pem, read_pem(path));
    TRY_ASSIGN(const crypto::Certificate certificate, crypto::Certificate::from_pem(pem));
    TRY_ASSIGN(attest::TrustRoot root, attest::TrustRoot::development(certificate.der()));
    settings.default_class = root.evidence_class();
    settings.classes.push_back(root.evidence_class());
    trust.roots.push_back(std::move(root));
  }
  if (config_.development) settings.classes.emplace_back(kClassNitroDebug);
  registry_ = std::make_unique<Registry>(std::move(settings), *store_, *blobs_, random_);
  TRY_ASSIGN(const ServerIdentity identity, provisioner_identity());
  TRY_ASSIGN(provisioner_, Provisioner::make(std::move(trust), *store_, *keyring_, identity, loop_.clock(), random_));
  TRY_ASSIGN(host_link_, HostLink::make(loop_, *registry_, *provisioner_, *store_, *keyring_, random_, balancers_));
  TRY_ASSIGN(const crypto::Certificate root, crypto::Certificate::from_der(identity.chain.back()));
  rest_ = std::make_unique<Rest>(Rest::Platform{{crypto::key_hash(root.public_key())}}, *registry_, *blobs_, *store_, *keyring_,
                                 *engine_api_, worker_, [this] { host_link_->changed(); });
  return {};
}

Result<void> Caged::open_ports() {
  if (!config_.api_certificate.empty()) {
    TRY_ASSIGN(const std::string chain, read_pem(config_.api_certificate));
    TRY_ASSIGN(const Secret key_pem, read_secret_file(config_.api_key, kPemBytesMax));
    TRY_ASSIGN(const crypto::PrivateKey key, crypto::PrivateKey::from_pem(key_pem));
    TRY_ASSIGN(tls::Identity identity, tls::Identity::from_pem(chain, key));
    TRY_ASSIGN(api_tls_, tls::Server::make({std::move(identity), {"http/1.1"}, {}, {}, {}}, loop_.clock()));
    return {};
  }
  TRY_ASSIGN(const ServerIdentity own, keyring_->api_identity(config_.api_name));
  TRY_ASSIGN(tls::Identity identity, tls::Identity::make(own.chain, own.key));
  TRY_ASSIGN(api_tls_, tls::Server::make({std::move(identity), {"http/1.1"}, {}, {}, {}}, loop_.clock()));
  TRY_ASSIGN(const crypto::Certificate root, keyring_->api_root());
  return write_file(config_.state / "api-ca.pem", as_bytes(root.pem()));
}

Result<void> Caged::write_ports(std::uint32_t api_port, std::uint32_t host_port) {
  if (config_.development && !std::filesystem::exists(config_.state / "api-key")) {
    TRY_ASSIGN(const Secret key, new_api_key(*store_, random_, "development"));
    TRY(write_file(config_.state / "api-key", key.reveal(), 0600));
  }
  const Json ports = Json::object({{"address", config_.address}, {"api", std::int64_t{api_port}}, {"hosts", std::int64_t{host_port}}});
  // Written last: whoever waits for it finds everything else there.
  return write_file(config_.state / "ports.json", as_bytes(write_json(ports) + "\n"));
}

Task<Result<void>> Caged::serve() {
  CO_TRY_ASSIGN(const net::ListenerPtr hosts, net::listen_tcp(loop_, config_.address, config_.host_port));
  CO_TRY_ASSIGN(const net::ListenerPtr clients, net::listen_tcp(loop_, config_.address, config_.api_port));
  CO_TRY(write_ports(clients->port(), hosts->port()));
  log::info("caged.ready", {{"api", config_.address + ":" + std::to_string(clients->port())},
                            {"hosts", config_.address + ":" + std::to_string(hosts->port())},
                            {"mode", config_.development ? "development" : "production"},
                            {"class", registry_->settings().default_class}});
  tasks_.spawn("caged.house", keep_house());
  co_await net::together(accept_hosts(*hosts), accept_clients(*clients));
  co_await tasks_.stop();
  co_return Result<void>();
}

Task<void> Caged::accept_hosts(net::Listener& listener) {
  while (true) {
    auto accepted = co_await listener.accept();
    if (!accepted) {
      if (accepted.error().code == Code::CLOSED) break;
      co_await loop_.timers().sleep(std::chrono::milliseconds(100));  // out of descriptors: wait for some
      continue;
    }
    auto slot = slots_.try_take();
    if (!slot) continue;  // overload is refused early and cheaply: the connection closes here
    tasks_.spawn("caged.host", serve_host(std::move(accepted).value(), std::move(*slot)));
  }
}

Task<void> Caged::accept_clients(net::Listener& listener) {
  while (true) {
    auto accepted = co_await listener.accept();
    if (!accepted) {
      if (accepted.error().code == Code::CLOSED) break;
      co_await loop_.timers().sleep(std::chrono::milliseconds(100));
      continue;
    }
    auto slot = slots_.try_take();
    if (!slot) continue;
    tasks_.spawn("caged.client", serve_client(std::move(accepted).value(), std::move(*slot)));
  }
}

Task<void> Caged::serve_host(net::Accepted accepted, net::Slots::Slot) { co_await host_link_->serve(std::move(accepted)); }

Task<void> Caged::serve_client(net::Accepted accepted, net::Slots::Slot) {
  if (!co_await balancers_.name_client(loop_.timers(), accepted)) co_return;
  auto stream = co_await api_tls_->accept(loop_.timers(), std::move(accepted.stream));
  if (!stream) co_return;
  const http::Handler handler = [this](http::Request& request, http::Responder& responder) {
    return rest_->handle(request, responder);
  };
  const auto outcome = co_await http::serve(loop_.timers(), **stream, handler, draining_);
  if (!outcome && outcome.error().kind() == Kind::internal) log::error("api.ended", outcome.error());
}

Result<void> Caged::renew() {
  // Tokens of an hour ago are past any skew; their ids need not be kept.
  TRY(store_->forget_burnt(unix_seconds(loop_.clock().wall()) - std::chrono::seconds(kHouseKeeping).count()));
  TRY(host_link_->renew());
  TRY_ASSIGN(const ServerIdentity identity, provisioner_identity());
  TRY(provisioner_->renew(identity));
  if (!config_.api_certificate.empty()) return {};
  TRY_ASSIGN(const ServerIdentity own, keyring_->api_identity(config_.api_name));
  TRY_ASSIGN(tls::Identity shown, tls::Identity::make(own.chain, own.key));
  return api_tls_->replace(std::move(shown));
}

Task<void> Caged::keep_house() {
  while (true) {
    co_await loop_.timers().sleep(kHouseKeeping);
    const auto done = renew();
    if (!done) log::error("caged.house", done.error());
  }
}

}  // namespace cages::server
