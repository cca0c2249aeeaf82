// SPDX-License-Identifier: Apache-2.0
#include "runtime/boot/provision.h"

#include <algorithm>

#include "base/check.h"
#include "base/limits.h"
#include "net/deadline.h"
#include "net/frame.h"
#include "runtime/boot/document.h"
#include "tls/client.h"
#include "wire/der.h"
#include "wire/ports.h"
#include "wire/token.h"

namespace cages::runtime {
namespace {

// What a later try can mend: the host, the way there, a token that was too old. What the platform says of the image or
// of the machine will be the same next time.
bool for_good(const Error& error) {
  if (error.code != Code::PROVISION_REFUSED) return false;
  return !error.got.starts_with("TOKEN") && error.got != "INTERNAL" && error.got != "LIMIT" && error.got != "TIMEOUT";
}

Result<Bytes> csr_for(const crypto::PrivateKey& ca_key) {
  TRY_ASSIGN(const Bytes subject, crypto::common_name("cage"));
  return crypto::make_csr(ca_key, subject);
}

}  // namespace

Result<void> check_granted_chain(const std::vector<crypto::Certificate>& chain, const crypto::PublicKey& ca_key, WallTime now) {
  if (!CAGES_CHECK("CERTIFICATE ca key", !chain.empty() && equal(chain[0].public_key().spki(), ca_key.spki()))) {
    return fail(Code::CERTIFICATE, "intermediate", "a certificate for this cage's CA key", "another key");
  }
  for (std::size_t i = 0; i < chain.size(); ++i) {
    const crypto::Certificate& issuer = chain[std::min(i + 1, chain.size() - 1)];
    const bool linked = equal(chain[i].issuer(), issuer.subject()) && chain[i].signed_by(issuer.public_key());
    if (!linked) return fail(Code::CERTIFICATE, "chain", "each signed by the next", "one that is not");
    if (now < chain[i].not_before() || now > chain[i].not_after()) {
      return fail(Code::CERTIFICATE, "chain", "certificates that are valid now", "one that is not");
    }
  }
  return {};
}

policy::Grant Granted::lease() const {
  const WallTime certificate = chain_.front().not_after();
  return {certificate, secrets_.engine_token.empty() ? certificate : from_unix_seconds(secrets_.engine_token_expires_at)};
}

Result<std::vector<std::string>> permitted_names(const crypto::Certificate& intermediate) {
  const auto refuse = [](std::string got) {
    return fail(Code::CERTIFICATE, "name constraints", "critical, DNS names alone", std::move(got));
  };
  const auto extension = intermediate.extension(crypto::oid::kNameConstraints);
  if (!extension || !extension->critical) return refuse("none that are critical");
  // RFC 5280 §4.2.1.10: permittedSubtrees [0], each a GeneralSubtree whose base is a dNSName [2].
  wire::DerReader outer(extension->value);
  TRY_ASSIGN(wire::DerReader constraints, outer.enter(wire::der_tag::kSequence, "name constraints"));
  TRY_ASSIGN(wire::DerReader permitted, constraints.enter(wire::der_tag::explicit_context(0), "permitted names"));
  std::vector<std::string> names;
  while (!permitted.at_end()) {
    TRY_ASSIGN(wire::DerReader subtree, permitted.enter(wire::der_tag::kSequence, "permitted name"));
    TRY_ASSIGN(const wire::DerElement base, subtree.read_any("permitted name"));
    constexpr Byte kDnsName = 0x82;
    if (base.tag != kDnsName || base.content.empty() || base.content[0] == '.') return refuse("another kind of name");
    if (names.size() == limits::kLeafNamesMax) return refuse("too many");
    names.emplace_back(as_text(base.content));
  }
  if (names.empty()) return refuse("no name");
  return names;
}

Task<Result<Granted>> Provisioner::obtain_first() {
  const Nanoseconds began = powers_.clock.monotonic();
  Nanoseconds wait(limits::kProvisionRetryMin);
  for (;;) {
    auto granted = co_await obtain();
    if (granted || for_good(granted.error())) co_return granted;
    if (powers_.clock.monotonic() - began + wait >= Nanoseconds(limits::kProvisionTime)) co_return granted;
    co_await powers_.loop.timers().sleep(wait);
    wait = std::min<Nanoseconds>(wait * 2, limits::kProvisionRetryMax);
  }
}

Task<Result<Granted>> Provisioner::obtain() {
  std::string_view stage = stage::kToken;
  auto granted = co_await attempt(stage);
  if (granted) {
    note(stage::kProvision, {});
  } else {
    note(stage, fail(granted.error()));
  }
  co_return granted;
}

void Provisioner::note(std::string_view stage, const Result<void>& outcome) {
  const std::string heard = outcome ? "ok" : error_class(outcome.error()) + " " + outcome.error().got;
  std::string& before = noted_[std::string(stage)];
  if (heard == before) return;
  before = heard;
  if (outcome) {
    powers_.journal.done(stage);
  } else {
    powers_.journal.failed(stage, outcome.error());
  }
}

Task<Result<Granted>> Provisioner::attempt(std::string_view& stage) {
  CO_TRY_ASSIGN(const std::string token, co_await powers_.control.token());
  // untrusted: the host's word. A document says whatever is put into it, so that only a token goes in: anything else
  // would let the host, and a platform in league with it, have documents made for other purposes.
  CO_TRY(wire::parse_token(token));
  note(stage::kToken, {});
  crypto::Digest384 digest{};
  CO_TRY_ASSIGN(const wire::ProvisionAnswer answer, co_await exchange(token, stage, digest));
  stage = stage::kProvision;
  if (const auto* refused = std::get_if<wire::ProvisionRefused>(&answer)) {
    co_return fail(Code::PROVISION_REFUSED, "platform", "a grant", refused->code);
  }
  co_return open(std::get<wire::ProvisionGrant>(answer), token, digest);
}

// The host can cut this stream and no more: the platform is known by the roots measured into the image.
Task<Result<wire::ProvisionAnswer>> Provisioner::exchange(const std::string& token, std::string_view& stage,
                                                          crypto::Digest384& digest) {
  stage = stage::kProvision;
  tls::ClientSettings settings;
  settings.server_identity = tls::ServerIdentity::any_because_server_check_decides;
  settings.server_check = [this](const std::vector<Bytes>& chain) -> Result<void> {
    TRY(crypto::verify_server_chain(chain, roots_, wire::kProvisionerName, powers_.clock.wall()));
    return {};
  };
  CO_TRY_ASSIGN(const auto client, tls::Client::make(std::move(settings), powers_.clock));
  CO_TRY_ASSIGN(net::StreamPtr carrier, co_await powers_.host.dial(wire::port::kProvisioner));
  net::Timers& timers = powers_.loop.timers();
  CO_TRY_ASSIGN(const tls::TlsStreamPtr stream,
                co_await client->connect(timers, std::move(carrier), std::string(wire::kProvisionerName)));
  const net::Deadline deadline(timers, *stream, limits::kProvisionTryTime);
  CO_TRY_ASSIGN(const Bytes exporter,
                stream->exporter(wire::kProvisionExporterLabel, {}, wire::kProvisionExporterBytes));
  stage = stage::kAttest;
  CO_TRY_ASSIGN(const Bytes hello, make_hello(token, exporter, digest));
  stage = stage::kProvision;
  CO_TRY(co_await stream->write_all(hello));
  CO_TRY_ASSIGN(const Bytes payload, co_await net::read_frame(*stream));
  auto answer = wire::parse_provision_answer(payload);
  [[maybe_unused]] const auto ended = co_await stream->shutdown_write();
  co_return answer;
}

// The document binds token, request and this very TLS session; nobody else's session can use it.
Result<Bytes> Provisioner::make_hello(const std::string& token, ByteView exporter, crypto::Digest384& digest) {
  TRY_ASSIGN(Bytes csr, csr_for(powers_.keys.ca));
  TRY_ASSIGN(Bytes key_set, wire::write_key_set(powers_.keys.public_set()));
  const auto nonce = crypto::sha384(wire::provision_nonce_input(csr, exporter));
  wire::NsmAttestationRequest request;
  request.user_data = to_bytes(token);
  request.nonce = Bytes(nonce.begin(), nonce.end());
  request.public_key = std::move(key_set);
  TRY_ASSIGN(OwnDocument document, ask_document(powers_.nsm, request));
  powers_.clock.set_from_nsm(document.time);
  digest = document.digest();
  note(stage::kAttest, {});
  return wire::write_provision(wire::ProvisionHello{std::move(document.bytes), std::move(csr)});
}

Result<Granted> Provisioner::open(const wire::ProvisionGrant& grant, const std::string& token,
                                  const crypto::Digest384& digest) const {
  Granted granted;
  for (const Bytes& der : grant.chain) {
    TRY_ASSIGN(crypto::Certificate certificate, crypto::Certificate::from_der(der));
    granted.chain_.push_back(std::move(certificate));
  }
  TRY(check_granted_chain(granted.chain_, powers_.keys.ca.public_key(), powers_.clock.wall()));
  TRY_ASSIGN(granted.names_, permitted_names(granted.chain_.front()));
  // Whom the token names is checked by the seal: a grant made for another deployment, token or document does not open.
  TRY_ASSIGN(const wire::UnverifiedToken claimed, wire::parse_token(token));
  const Bytes info = wire::provision_info(claimed.claims.deployment, claimed.claims.id, digest);
  TRY_ASSIGN(const Secret plaintext, crypto::hpke_open(powers_.keys.sealing, grant.enc, info, {}, grant.ct));
  TRY_ASSIGN(granted.secrets_, wire::parse_provision_secrets(plaintext));
  return granted;
}

}  // namespace cages::runtime
