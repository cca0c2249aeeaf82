// SPDX-License-Identifier: Apache-2.0
// TestPlatform: a caged without sockets, with one app, one host and one deployment; and TestEnclave, what an honest enclave of
// it presents. Documents are made under a root of the test's. For tests of provisioning.
#pragma once

#include <functional>
#include <memory>

#include "crypto/hash.h"
#include "crypto/hpke.h"
#include "server/provisioner/provisioner.h"
#include "support/test_authority.h"
#include "wire/provision.h"
#include "wire/runtime_key_set.h"

namespace cages::test {

// The keys of one enclave, and what it makes of a token.
struct TestEnclave {
  crypto::PrivateKey ca = crypto::PrivateKey::generate(crypto::Curve::p256).value();
  crypto::PrivateKey session = crypto::PrivateKey::generate(crypto::Curve::p256).value();
  crypto::HpkePrivateKey sealing = crypto::HpkePrivateKey::generate().value();

  [[nodiscard]] Bytes csr() const { return crypto::make_csr(ca, crypto::common_name("cage").value()).value(); }
  [[nodiscard]] Bytes public_key() const {
    wire::RuntimeKeySet keys;
    keys.session_spki = session.public_key().spki();
    std::copy(sealing.public_key().begin(), sealing.public_key().end(), keys.sealing_key.begin());
    keys.ca_digest = crypto::sha384(ca.public_key().spki());
    return wire::write_key_set(keys).value();
  }
  // claims fills in what this enclave says over one connection.
  [[nodiscard]] wire::DocumentClaims claims(wire::DocumentClaims base, std::string_view token, ByteView request,
                                            ByteView exporter) const {
    base.user_data = to_bytes(token);
    base.public_key = public_key();
    const auto nonce = crypto::sha384(wire::provision_nonce_input(request, exporter));
    base.nonce = Bytes(nonce.begin(), nonce.end());
    return base;
  }
  // open returns what a grant seals; `document` and `token_id` are those it answers.
  [[nodiscard]] Result<wire::ProvisionSecrets> open(const wire::ProvisionGrant& grant, const server::Id& deployment,
                                                    const server::Id& token_id, ByteView document) const {
    const Bytes info = wire::provision_info(deployment, token_id, crypto::sha384(document));
    TRY_ASSIGN(const Secret plain, crypto::hpke_open(sealing, grant.enc, info, {}, grant.ct));
    return wire::parse_provision_secrets(plain);
  }
};

class TestPlatform {
 public:
  // `evidence_class` "": the development class of `authority`'s root.
  explicit TestPlatform(std::string evidence_class = {}, bool development = true,
                        std::vector<attest::TrustRoot> more_roots = {}, std::shared_ptr<const TestAuthority> signer = {})
      : signer_(signer ? std::move(signer) : std::make_shared<TestAuthority>(unix_seconds(clock.wall()))),
        authority(*signer_), store(server::Database::open(":memory:").value(), server::Sealer(Secret::copy_of(Bytes(32, 7)), random), clock) {
    std::vector<attest::TrustRoot> roots = std::move(more_roots);
    if (development) roots.push_back(authority.root());
    keyring = std::make_unique<server::Keyring>(server::Keyring::open(store, random).value());
    server::Provisioner::Settings settings{std::move(roots), development};
    provisioner = server::Provisioner::make(std::move(settings), store, *keyring, keyring->development_provisioner().value(),
                                            clock, random).value();
    (void)store.add_app({"app_000000000001", "pay", 0, {}});
    host = add_host(1, "h1");
    deployment = add_deployment(1, evidence_class.empty() ? authority.root().evidence_class() : evidence_class);
  }

  server::Host add_host(Byte number, const std::string& name) {
    server::Host added;
    added.id.fill(number);
    added.name = name;
    added.key_hash.fill(number);
    added.pcr4 = authority.claims().pcrs.at(4);
    (void)store.add_host(added);
    return added;
  }
  server::Deployment add_deployment(Byte number, const std::string& evidence_class) {
    const auto pcrs = authority.claims().pcrs;
    server::Deployment d;
    d.id.fill(number);
    d.app = "app_000000000001";
    d.cage = "pay";
    d.evidence_class = evidence_class;
    d.names = {"pay" + std::to_string(number) + ".app-000000000001.localhost"};
    d.secrets = {"KEY"};
    d.pcr0 = pcrs.at(0);
    d.pcr1 = pcrs.at(1);
    d.pcr2 = pcrs.at(2);
    d.pcr8 = pcrs.at(8);
    d.host = host.id;
    d.version = store.add_deployment(d).value();
    (void)store.set_secret(d.app, evidence_class, "KEY", Secret::copy_of(as_bytes("value of " + evidence_class)));
    return d;
  }
  [[nodiscard]] server::Carrier carrier() const { return {host, "192.0.2.1"}; }
  std::string token(const server::Deployment& of, const server::Carrier& by) { return provisioner->token(of.id, by).value(); }
  std::string token() { return token(deployment, carrier()); }
  // hello_of: what `enclave` presents with `text` as its token; `change` makes it lie.
  server::Presented hello_of(const TestEnclave& enclave, std::string_view text,
                             const std::function<void(wire::DocumentClaims&)>& change = {}) {
    const Bytes csr = enclave.csr();
    auto claims = enclave.claims(authority.claims(), text, csr, exporter);
    claims.timestamp_ms = static_cast<std::uint64_t>(unix_seconds(clock.wall())) * 1000;
    if (change) change(claims);
    return {authority.document(claims), csr, exporter};
  }
  // outcome: the code of a refusal, empty for a grant.
  std::string outcome(const server::Presented& presented, const server::Carrier& by) {
    const auto answer = provisioner->answer(presented, by);
    const auto* refused = std::get_if<wire::ProvisionRefused>(&answer);
    return refused == nullptr ? "" : refused->code;
  }
  std::string outcome(const server::Presented& presented) { return outcome(presented, carrier()); }

  ManualClock clock;
  crypto::SystemRandom random;

 private:
  std::shared_ptr<const TestAuthority> signer_;

 public:
  const TestAuthority& authority;
  server::Store store;
  std::unique_ptr<server::Keyring> keyring;
  std::unique_ptr<server::Provisioner> provisioner;
  server::Host host;
  server::Deployment deployment;
  Bytes exporter = Bytes(32, 42);
};

}  // namespace cages::test
