// SPDX-License-Identifier: Apache-2.0
#include "server/registry/registry.h"

#include <algorithm>

#include "base/check.h"
#include "base/limits.h"
#include "crypto/authority.h"
#include "crypto/list_digest.h"
#include "policy/allow_list.h"
#include "wire/enrol_code.h"
#include "wire/secret_names.h"

namespace cages::server {
namespace {

bool development_class(std::string_view evidence_class) { return evidence_class.starts_with(kClassDevelopmentPrefix); }

// Which drivers can bring evidence of a class (design §3).
bool can_run(std::string_view evidence_class, const std::vector<std::string>& drivers) {
  const auto has = [&](std::string_view name) { return std::ranges::find(drivers, name) != drivers.end(); };
  return development_class(evidence_class) ? has("process") || has("vm") : has("nitro");
}

// <cage>.<app id, _ as ->.<domain> (interfaces: NAMES)
std::string host_name(std::string_view cage, std::string app, std::string_view domain) {
  std::ranges::replace(app, '_', '-');
  return std::string(cage) + '.' + app + '.' + std::string(domain);
}

Result<void> check_signer(const App& app, const eif::Measurements& pcrs) {
  if (app.signers.empty()) return {};
  if (pcrs.pcr8 && std::ranges::find(app.signers, *pcrs.pcr8) != app.signers.end()) return {};
  return fail(Code::PROV_SIGNER, "", "one of the app's " + std::to_string(app.signers.size()) + " signers",
              pcrs.pcr8 ? hex(*pcrs.pcr8) : "not signed");
}

}  // namespace

Result<void> check_secret_names(const wire::Manifest& manifest) {
  for (const wire::SecretName& secret : manifest.secrets) {
    const std::string_view reader = wire::reserved_secret_name(secret.name);
    if (!CAGES_CHECK("SECRET_NAME deploy", reader.empty())) {
      return fail(Code::SECRET_NAME, secret.name, "a name that nothing else reads", "one that " + std::string(reader) + " read");
    }
  }
  return {};
}

bool Registry::takes_class(std::string_view evidence_class) const {
  const bool known = std::ranges::find(settings_.classes, evidence_class) != settings_.classes.end();
  return known && CAGES_CHECK("ASSIGN_CLASS", settings_.development || evidence_class == kClassNitro);
}

Result<App> Registry::create_app(std::string_view name) {
  if (!wire::valid_cage_name(name)) return fail(Code::USAGE, "name", "[a-z][a-z0-9-]{0,31}", printable(name));
  App app;
  app.id = "app_" + hex(random_.array<6>());
  app.name = name;
  TRY(store_.add_app(app));
  return app;
}

Result<App> Registry::find_app(std::string_view id_or_name) {
  TRY_ASSIGN(std::optional<App> app, store_.app(id_or_name));
  if (!app) return fail(Code::NOT_FOUND, "app", "an app", printable(id_or_name));
  return std::move(*app);
}

Result<Deployment> Registry::deploy(const DeployRequest& request, const Blob& blob, const MeasuredImage& image) {
  TRY_ASSIGN(const App app, find_app(request.app));
  Deployment d;
  d.evidence_class = request.evidence_class.empty() ? settings_.default_class : request.evidence_class;
  if (!takes_class(d.evidence_class)) {
    return fail(Code::PROV_CLASS, "", settings_.default_class, printable(d.evidence_class));
  }
  if (!development_class(d.evidence_class) && !image.has_kernel) return fail(Code::NO_KERNEL);
  TRY(check_signer(app, image.pcrs));
  TRY(check_secret_names(image.manifest));
  TRY_ASSIGN(const policy::AllowList egress, policy::AllowList::parse(image.manifest.egress));
  d.id = random_.array<16>();
  d.app = app.id;
  d.cage = image.manifest.name;
  d.names = {host_name(d.cage, app.id, settings_.domain)};
  for (const wire::SecretName& secret : image.manifest.secrets) d.secrets.push_back(secret.name);
  d.image_sha256 = blob.sha256;
  d.image_bytes = static_cast<std::int64_t>(blob.bytes);
  d.pcr0 = image.pcrs.pcr0;
  d.pcr1 = image.pcrs.pcr1;
  d.pcr2 = image.pcrs.pcr2;
  d.pcr8 = image.pcrs.pcr8;
  d.memory_mib = request.memory_mib;
  d.cpus = request.cpus;
  d.egress = egress.canonical();
  TRY_ASSIGN(d.version, store_.add_deployment(d));
  return d;
}

Result<void> Registry::forget(const Blob& blob) {
  TRY_ASSIGN(const std::vector<App> apps, store_.apps());
  for (const App& app : apps) {
    TRY_ASSIGN(const std::vector<Deployment> deployments, store_.deployments(app.id));
    if (std::ranges::find(deployments, blob.sha256, &Deployment::image_sha256) != deployments.end()) return {};
  }
  std::error_code failed;
  std::filesystem::remove(blob.path, failed);
  if (failed) return fail(errno_error(blob.path.string(), failed.value()));
  return {};
}

Result<Deployment> Registry::change(std::string_view name, std::int64_t version, DeploymentState state) {
  TRY_ASSIGN(const App app, find_app(name));
  TRY_ASSIGN(std::optional<Deployment> deployment, store_.deployment_by_version(app.id, version));
  if (!deployment) return fail(Code::NOT_FOUND, "version", "a version of " + app.name, std::to_string(version));
  TRY(store_.set_state(deployment->id, state));
  deployment->state = state;
  return std::move(*deployment);
}

Result<Deployment> Registry::revoke(std::string_view app, std::int64_t version) {
  return change(app, version, DeploymentState::revoked);
}
Result<Deployment> Registry::release(std::string_view app, std::int64_t version) {
  return change(app, version, DeploymentState::draining);
}

Result<void> Registry::set_secret(const App& app, std::string_view evidence_class, std::string_view name, const Secret& value) {
  const std::string_view reader = wire::reserved_secret_name(name);
  if (!CAGES_CHECK("SECRET_NAME set", wire::valid_variable_name(name) && reader.empty())) {
    return fail(Code::SECRET_NAME, printable(name), "a name [A-Za-z_][A-Za-z0-9_]* that nothing else reads",
                reader.empty() ? "another" : "one that " + std::string(reader) + " read");
  }
  if (!takes_class(evidence_class)) return fail(Code::PROV_CLASS, "", settings_.default_class, printable(evidence_class));
  if (value.size() > limits::kSecretBytesMax) {
    return fail(Code::LIMIT, "secret", std::to_string(limits::kSecretBytesMax) + " bytes", std::to_string(value.size()));
  }
  return store_.set_secret(app.id, evidence_class, name, value);
}

Result<std::string> Registry::enrol_code(std::string_view name, std::optional<Digest384> pcr3, std::optional<Digest384> pcr4,
                                         const crypto::PublicKey& hosts_root) {
  if (!wire::valid_cage_name(name)) return fail(Code::USAGE, "host", "[a-z][a-z0-9-]{0,31}", printable(name));
  const wire::EnrolCode code{random_.array<16>(), random_.array<32>(), crypto::key_hash(hosts_root)};
  Enrolment enrolment;
  enrolment.id = code.id;
  enrolment.secret_hash = crypto::sha256(code.secret);
  enrolment.host_name = name;
  enrolment.pcr3 = pcr3;
  enrolment.pcr4 = pcr4;
  enrolment.expires_at = unix_seconds(store_.clock().wall()) + limits::kEnrolCodeLife.count();
  TRY(store_.add_enrolment(enrolment));
  return wire::write_enrol_code(code);
}

Result<Host> Registry::enrol(std::string_view text, const crypto::PublicKey& key) {
  TRY_ASSIGN(const wire::EnrolCode code, wire::parse_enrol_code(text));
  // Used up even where the secret is wrong: a code that somebody guesses at is spent.
  TRY_ASSIGN(const std::optional<Enrolment> enrolment, store_.use_enrolment(code.id));
  const bool good = enrolment && equal_constant_time(enrolment->secret_hash, crypto::sha256(code.secret)) &&
                    unix_seconds(store_.clock().wall()) <= enrolment->expires_at;
  if (!enrolment || !CAGES_CHECK("ENROL_CODE", good)) return fail(Code::ENROL_CODE);
  Host host;
  host.id = random_.array<16>();
  host.name = enrolment->host_name;
  host.key_hash = crypto::sha256(key.spki());
  host.pcr3 = enrolment->pcr3;
  host.pcr4 = enrolment->pcr4;
  TRY(store_.add_host(host));
  return host;
}

Result<Host> Registry::known_host(const crypto::PublicKey& key) {
  TRY_ASSIGN(std::optional<Host> host, store_.host_by_key(crypto::sha256(key.spki())));
  if (!host || !CAGES_CHECK("HOST_REVOKED", !host->revoked)) return fail(Code::HOST_REVOKED);
  return std::move(*host);
}

Result<void> Registry::place(const Host& host, const std::vector<std::string>& drivers) {
  TRY_ASSIGN(const std::vector<Deployment> waiting, store_.unplaced_deployments());
  for (const Deployment& deployment : waiting) {
    if (takes_class(deployment.evidence_class) && can_run(deployment.evidence_class, drivers)) {
      TRY(store_.set_host(deployment.id, host.id));
    }
  }
  return {};
}

Result<wire::Assignments> Registry::assignments(const Host& host) {
  TRY_ASSIGN(const std::vector<Deployment> all, store_.deployments_of_host(host.id));
  wire::Assignments out;
  for (const Deployment& d : all) {
    if (!takes_class(d.evidence_class) || out.all.size() == limits::kAssignmentsMax) continue;
    wire::Assignment a;
    a.deployment = d.id;
    a.cage = d.cage;
    a.names = d.names;
    a.evidence_class = d.evidence_class;
    a.version = static_cast<std::uint64_t>(d.version);
    a.image_bytes = static_cast<std::uint64_t>(d.image_bytes);
    a.image_sha256 = d.image_sha256;
    a.memory_mib = static_cast<std::uint64_t>(d.memory_mib);
    a.cpus = static_cast<std::uint64_t>(d.cpus);
    a.drain = d.state == DeploymentState::draining;
    if (!d.egress.empty()) a.egress = crypto::list_digest(d.egress);
    out.all.push_back(std::move(a));
  }
  return out;
}

Result<void> Registry::report(const Host& host, const wire::InstanceReport& report) {
  TRY_ASSIGN(const std::optional<Deployment> deployment, store_.deployment(report.deployment));
  if (!deployment || deployment->host != host.id) {
    return fail(Code::PROV_DEPLOYMENT, "", "a deployment of this host", wire::write_id(report.deployment));
  }
  if (report.state == "gone" && deployment->state == DeploymentState::draining) {
    return store_.set_state(deployment->id, DeploymentState::ended);
  }
  if (report.state != "ready" || deployment->state != DeploymentState::rolling) return {};
  TRY(store_.set_state(deployment->id, DeploymentState::live));
  TRY_ASSIGN(const std::vector<Deployment> others, store_.deployments(deployment->app));
  for (const Deployment& other : others) {
    const bool replaced = other.version < deployment->version && other.cage == deployment->cage &&
                          other.evidence_class == deployment->evidence_class &&
                          (other.state == DeploymentState::live || other.state == DeploymentState::rolling);
    if (replaced) TRY(store_.set_state(other.id, DeploymentState::draining));
  }
  return {};
}

}  // namespace cages::server
