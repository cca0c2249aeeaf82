// SPDX-License-Identifier: Apache-2.0
#include "server/provisioner/keyring.h"

#include "base/limits.h"
#include "wire/host_link.h"
#include "wire/provision.h"

namespace cages::server {
namespace {

using crypto::Authority;
using crypto::Curve;
using crypto::PrivateKey;

constexpr std::chrono::hours kRootLife{24 * 365 * 10};
constexpr std::chrono::hours kServerLife{24 * 30};

Result<PrivateKey> open_key(Store& store, std::string_view name, Curve curve) {
  TRY_ASSIGN(const std::optional<PlatformKey> kept, store.platform_key(name));
  if (kept) return PrivateKey::from_pem(kept->private_pem);
  TRY_ASSIGN(PrivateKey key, PrivateKey::generate(curve));
  TRY(store.set_platform_key(name, key.to_pem(), {}));
  return key;
}

Result<Authority> open_authority(Store& store, crypto::Random& random, std::string_view name, std::string_view title,
                                 Curve curve, unsigned path_len) {
  TRY_ASSIGN(const std::optional<PlatformKey> kept, store.platform_key(name));
  if (kept) {
    TRY_ASSIGN(PrivateKey key, PrivateKey::from_pem(kept->private_pem));
    TRY_ASSIGN(crypto::Certificate certificate, crypto::Certificate::from_der(kept->certificate));
    return Authority{std::move(key), std::move(certificate)};
  }
  TRY_ASSIGN(Authority made, crypto::make_authority(title, curve, path_len, store.clock().wall(), kRootLife, random));
  TRY(store.set_platform_key(name, made.key.to_pem(), made.certificate.der()));
  return made;
}

}  // namespace

Result<Keyring> Keyring::open(Store& store, crypto::Random& random) {
  TRY_ASSIGN(PrivateKey tokens, open_key(store, "tokens", Curve::p256));
  TRY_ASSIGN(PrivateKey engine_tokens, open_key(store, "engine-tokens", Curve::p256));
  TRY_ASSIGN(Authority hosts, open_authority(store, random, "hosts-root", "cages hosts", Curve::p256, 0));
  return Keyring(store, random, std::move(tokens), std::move(engine_tokens), std::move(hosts));
}

Result<const Authority*> Keyring::cages_root(std::string_view evidence_class) {
  auto found = cages_roots_.find(evidence_class);
  if (found == cages_roots_.end()) {
    const std::string name = "cages-root/" + std::string(evidence_class);
    const std::string title = "cages " + std::string(evidence_class.substr(0, 32));
    TRY_ASSIGN(Authority root, open_authority(*store_, *random_, name, title, Curve::p256, 1));
    found = cages_roots_.emplace(std::string(evidence_class), std::move(root)).first;
  }
  return &found->second;
}

Result<ServerIdentity> Keyring::serve_under(const Authority& root, std::string_view name, PrivateKey key) {
  const WallTime now = store_->clock().wall();
  TRY_ASSIGN(const crypto::Certificate certificate,
             crypto::certify_server(root, name, key.public_key(), now, kServerLife, *random_));
  return ServerIdentity{std::move(key), {certificate.der(), root.certificate.der()}, certificate.not_after()};
}

Result<ServerIdentity> Keyring::host_link_identity() {
  TRY_ASSIGN(PrivateKey key, PrivateKey::generate(Curve::p256));
  return serve_under(hosts_root_, wire::kHostLinkName, std::move(key));
}

Result<ServerIdentity> Keyring::api_identity(std::string_view name) {
  TRY_ASSIGN(const Authority root, open_authority(*store_, *random_, "api-root", "cages API", Curve::p256, 0));
  TRY_ASSIGN(PrivateKey key, PrivateKey::generate(Curve::p256));
  return serve_under(root, name, std::move(key));
}

Result<crypto::Certificate> Keyring::api_root() {
  TRY_ASSIGN(Authority root, open_authority(*store_, *random_, "api-root", "cages API", Curve::p256, 0));
  return std::move(root.certificate);
}

Result<ServerIdentity> Keyring::development_provisioner() {
  TRY_ASSIGN(const Authority root,
             open_authority(*store_, *random_, "platform-root", "cages development platform", Curve::p384, 0));
  TRY_ASSIGN(PrivateKey key, open_key(*store_, "provisioner", Curve::p256));
  return serve_under(root, wire::kProvisionerName, std::move(key));
}

Result<Bytes> Keyring::provisioner_csr() {
  TRY_ASSIGN(const PrivateKey key, open_key(*store_, "provisioner", Curve::p256));
  TRY_ASSIGN(const Bytes subject, crypto::common_name(wire::kProvisionerName));
  return crypto::make_csr(key, subject);
}

Result<ServerIdentity> Keyring::provisioner(std::string_view chain_pem) {
  TRY_ASSIGN(PrivateKey key, open_key(*store_, "provisioner", Curve::p256));
  TRY_ASSIGN(const std::vector<crypto::Certificate> chain, crypto::Certificate::all_from_pem(chain_pem));
  if (chain.size() != 2) return fail(Code::PLATFORM_CHAIN, "", "[server, root]", std::to_string(chain.size()));
  const std::vector<Bytes> der{chain[0].der(), chain[1].der()};
  const crypto::KeyHash root = crypto::key_hash(chain[1].public_key());
  TRY_ASSIGN(const crypto::Certificate server,
             crypto::verify_server_chain(der, {&root, 1}, wire::kProvisionerName, store_->clock().wall()));
  if (server.public_key().spki() != key.public_key().spki()) {
    return fail(Code::PLATFORM_CHAIN, "", "a certificate for this caged's key", "for another; certify provisioner.csr again");
  }
  return ServerIdentity{std::move(key), der, server.not_after()};
}

}  // namespace cages::server
