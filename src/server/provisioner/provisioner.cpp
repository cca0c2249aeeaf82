// SPDX-License-Identifier: Apache-2.0
#include "server/provisioner/provisioner.h"

#include "base/limits.h"
#include "net/deadline.h"
#include "net/frame.h"
#include "tls/identity.h"

namespace cages::server {
namespace {

// The store as the provisioner sees it.
class StoreLedger final : public Ledger {
 public:
  explicit StoreLedger(Store& store) : store_(store) {}
  Result<bool> burn(const Id& token, std::int64_t expires_at) override { return store_.burn_token(token, expires_at); }
  Result<std::optional<Deployment>> deployment(const Id& id) override { return store_.deployment(id); }
  Result<std::optional<App>> app(std::string_view id) override { return store_.app(id); }

 private:
  Store& store_;
};

Result<tls::Identity> identity_of(const ServerIdentity& identity) {
  return tls::Identity::make(identity.chain, identity.key);
}

}  // namespace

Result<std::unique_ptr<Provisioner>> Provisioner::make(Settings settings, Store& store, Keyring& keyring,
                                                       const ServerIdentity& identity, const Clock& clock,
                                                       crypto::Random& random) {
  TRY_ASSIGN(tls::Identity shown, identity_of(identity));
  tls::ServerSettings tls_settings{std::move(shown), {}, tls::ClientCertificates::not_asked, {}, {}};
  TRY_ASSIGN(std::unique_ptr<tls::Server> server, tls::Server::make(std::move(tls_settings), clock));
  return std::unique_ptr<Provisioner>(
      new Provisioner(std::move(settings), store, keyring, std::move(server), clock, random));
}

Result<void> Provisioner::renew(const ServerIdentity& identity) {
  TRY_ASSIGN(tls::Identity shown, identity_of(identity));
  return server_->replace(std::move(shown));
}

Result<std::string> Provisioner::token(const Id& id, const Carrier& carrier) {
  TRY_ASSIGN(const std::optional<Deployment> deployment, store_.deployment(id));
  if (!deployment || (deployment->host && *deployment->host != carrier.host.id)) {
    return fail(Code::PROV_DEPLOYMENT, "", "a deployment assigned to this host", wire::write_id(id));
  }
  if (deployment->state != DeploymentState::live && deployment->state != DeploymentState::rolling) {
    return fail(Code::PROV_STATE, "", "live or rolling", std::string(to_text(deployment->state)));
  }
  wire::TokenClaims claims;
  claims.deployment = id;
  claims.host = carrier.host.id;
  claims.address = carrier.address;
  claims.host_key = carrier.host.key_hash;
  claims.id = random_.array<16>();
  claims.issued_at = unix_seconds(clock_.wall());
  claims.expires_at = claims.issued_at + limits::kTokenLifeMax.count();
  return crypto::issue_token(claims, keyring_.token_key());
}

Result<std::vector<wire::NamedSecret>> Provisioner::secrets_of(const Deployment& deployment) {
  std::vector<wire::NamedSecret> secrets;
  for (const std::string& name : deployment.secrets) {
    TRY_ASSIGN(std::optional<Secret> value, store_.secret(deployment.app, deployment.evidence_class, name));
    if (!value) return fail(Code::PROV_SECRET, name, "a value, by `cage secrets set`", "none");
    secrets.push_back({name, std::move(*value)});
  }
  return secrets;
}

Result<wire::ProvisionGrant> Provisioner::grant(const Presented& presented, const Carrier& carrier, std::string& subject) {
  StoreLedger ledger(store_);
  const Trust trust{keyring_.token_key().public_key(), settings_.roots, settings_.development};
  const WallTime now = clock_.wall();
  TRY_ASSIGN(const Admitted admitted, admit(presented, carrier, trust, ledger, now));
  const Deployment& deployment = admitted.deployment();
  subject = deployment.app + "/" + std::to_string(deployment.version);
  TRY_ASSIGN(std::vector<wire::NamedSecret> secrets, secrets_of(deployment));
  TRY_ASSIGN(const crypto::Authority* root, keyring_.cages_root(deployment.evidence_class));
  const Issuers issuers{*root, keyring_.engine_token_key(), random_};
  TRY_ASSIGN(Issued issued, issue(admitted, std::move(secrets), issuers, now));
  TRY(store_.record_lease(deployment.id, carrier.host.id, admitted.evidence().claims().module_id,
                          unix_seconds(issued.until)));
  return std::move(issued.grant);
}

wire::ProvisionAnswer Provisioner::answer(const Presented& presented, const Carrier& carrier) {
  std::string subject = "?";
  auto granted = grant(presented, carrier, subject);
  const std::string actor = "host:" + carrier.host.name;
  const std::string code = granted ? "ok" : error_class(granted.error());
  // Fail closed: what cannot be written down is not granted.
  const auto written = store_.audit(actor, "provision", subject, code, granted ? "" : describe(granted.error()));
  if (!written) return wire::ProvisionRefused{"INTERNAL"};
  if (!granted) return wire::ProvisionRefused{code};
  return std::move(granted).value();
}

Task<Result<void>> Provisioner::serve(net::Timers& timers, net::StreamPtr stream, Carrier carrier) {
  CO_TRY_ASSIGN(const tls::TlsStreamPtr session, co_await server_->accept(timers, std::move(stream)));
  const net::Deadline deadline(timers, *session, limits::kProvisionExchangeTime);
  CO_TRY_ASSIGN(const Bytes frame, co_await net::read_frame(*session));
  CO_TRY_ASSIGN(wire::ProvisionHello hello, wire::parse_provision_hello(frame));
  CO_TRY_ASSIGN(Bytes exporter, session->exporter(wire::kProvisionExporterLabel, {}, wire::kProvisionExporterBytes));
  const Presented presented{std::move(hello.document), std::move(hello.csr), std::move(exporter)};
  CO_TRY(co_await session->write_all(wire::write_provision(answer(presented, carrier))));
  co_return co_await session->shutdown_write();
}

}  // namespace cages::server
