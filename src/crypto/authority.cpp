// SPDX-License-Identifier: Apache-2.0
#include "crypto/authority.h"

#include <algorithm>
#include <vector>

#include "base/check.h"
#include "base/limits.h"
#include "crypto/hash.h"

namespace cages::crypto {
namespace {

// Clocks of one platform differ a little; what is issued now is valid a little earlier.
constexpr std::chrono::minutes kBackdate{5};

Bytes random_serial(Random& random) {
  auto serial = random.array<16>();
  serial[0] = static_cast<Byte>((serial[0] & 0x3fU) | 0x40U);  // positive, never short
  return to_bytes(serial);
}

Result<CertificateFields> fields_for(std::string_view name, const Bytes& issuer, WallTime now, std::chrono::seconds life,
                                     Random& random) {
  TRY_ASSIGN(Bytes subject, common_name(name));
  CertificateFields fields;
  fields.serial = random_serial(random);
  fields.issuer = issuer.empty() ? subject : issuer;
  fields.subject = std::move(subject);
  fields.not_before = now - kBackdate;
  fields.not_after = now + life;
  return fields;
}

Result<Extension> purpose(std::string_view eku) { return extended_key_usage(std::span(&eku, 1)); }

Extension authority_id(const Certificate& issuer) { return authority_key_id(key_id(issuer.public_key())); }

Result<void> within(std::chrono::seconds life, std::chrono::seconds life_max) {
  if (life <= life_max) return {};
  return fail(Code::LIMIT, "certificate life", std::to_string(life_max.count()) + " s", std::to_string(life.count()) + " s");
}

Result<Certificate> certify_end(const Authority& issuer, std::string_view name, std::string_view eku, bool with_san,
                                const PublicKey& key, WallTime now, std::chrono::seconds life, Random& random) {
  TRY_ASSIGN(CertificateFields fields, fields_for(name, issuer.certificate.subject(), now, life, random));
  TRY_ASSIGN(Extension extended, purpose(eku));
  fields.extensions = {basic_constraints(false), key_usage({KeyUsage::digital_signature}), std::move(extended),
                       subject_key_id(key_id(key)), authority_id(issuer.certificate)};
  const std::string san(name);
  if (with_san) fields.extensions.push_back(subject_alt_dns({&san, 1}));
  return issue(fields, key, issuer.key);
}

bool has(const Certificate& certificate, const Extension& wanted) {
  const auto found = certificate.extension(wanted.oid);
  return found && found->value == wanted.value;
}

bool valid_at(const Certificate& certificate, WallTime now) {
  return certificate.not_before() <= now && now <= certificate.not_after();
}

bool signed_by(const Certificate& certificate, const Certificate& issuer) {
  return certificate.issuer() == issuer.subject() && certificate.signed_by(issuer.public_key());
}

bool is_authority(const Certificate& certificate) {
  // Ours alone are asked for: the profile is compared byte by byte.
  const bool ca = has(certificate, basic_constraints(true, 0)) || has(certificate, basic_constraints(true, 1));
  return ca && has(certificate, key_usage({KeyUsage::key_cert_sign, KeyUsage::crl_sign}));
}

bool is_end_entity(const Certificate& certificate, std::string_view eku) {
  const auto wanted = purpose(eku);
  return wanted && has(certificate, *wanted) && has(certificate, basic_constraints(false)) &&
         has(certificate, key_usage({KeyUsage::digital_signature}));
}

}  // namespace

Result<Authority> make_authority(std::string_view name, Curve curve, unsigned path_len, WallTime now,
                                 std::chrono::seconds life, Random& random) {
  TRY_ASSIGN(PrivateKey key, PrivateKey::generate(curve));
  TRY_ASSIGN(CertificateFields fields, fields_for(name, {}, now, life, random));
  fields.extensions = {basic_constraints(true, path_len), key_usage({KeyUsage::key_cert_sign, KeyUsage::crl_sign}),
                       subject_key_id(key_id(key.public_key()))};
  TRY_ASSIGN(Certificate certificate, issue(fields, key.public_key(), key));
  return Authority{std::move(key), std::move(certificate)};
}

Result<Certificate> certify_server(const Authority& issuer, std::string_view name, const PublicKey& key, WallTime now,
                                   std::chrono::seconds life, Random& random) {
  TRY(within(life, limits::kOnlineLifeMax));
  return certify_end(issuer, name, oid::kServerAuth, true, key, now, life, random);
}

Result<Certificate> certify_client(const Authority& issuer, std::string_view name, const PublicKey& key, WallTime now,
                                   std::chrono::seconds life, Random& random) {
  return certify_end(issuer, name, oid::kClientAuth, false, key, now, life, random);
}

Result<Certificate> certify_cage(const Authority& issuer, std::string_view name, std::span<const std::string> names,
                                 const PublicKey& key, WallTime now, std::chrono::seconds life, Random& random) {
  TRY(within(life, limits::kIntermediateLifeMax));
  if (names.empty()) return fail(Code::INTERNAL, "names", "at least one", "none");
  TRY_ASSIGN(CertificateFields fields, fields_for(name, issuer.certificate.subject(), now, life, random));
  TRY_ASSIGN(Extension extended, purpose(oid::kServerAuth));
  fields.extensions = {basic_constraints(true, 0),     key_usage({KeyUsage::key_cert_sign, KeyUsage::crl_sign}),
                       name_constraints(names),        std::move(extended),
                       subject_key_id(key_id(key)), authority_id(issuer.certificate)};
  return issue(fields, key, issuer.key);
}

KeyHash key_hash(const PublicKey& key) { return sha384(key.spki()); }

Result<Certificate> verify_server_chain(std::span<const Bytes> chain, std::span<const KeyHash> roots, std::string_view name,
                                        WallTime now) {
  if (chain.size() != 2) return fail(Code::PLATFORM_CHAIN, "", "[server, root]", std::to_string(chain.size()) + " certificates");
  TRY_ASSIGN(Certificate server, Certificate::from_der(chain[0]));
  TRY_ASSIGN(const Certificate root, Certificate::from_der(chain[1]));
  const KeyHash hash = key_hash(root.public_key());
  if (!CAGES_CHECK("PLATFORM_ROOT", std::ranges::find(roots, hash) != roots.end())) {
    return fail(Code::PLATFORM_ROOT, "", roots.empty() ? "none" : hex(roots.front()), hex(hash));
  }
  if (!is_authority(root) || !signed_by(root, root)) return fail(Code::PLATFORM_CHAIN, "root", "a self-signed CA", "another");
  if (!CAGES_CHECK("PLATFORM_CHAIN", signed_by(server, root) && is_end_entity(server, oid::kServerAuth))) {
    return fail(Code::PLATFORM_CHAIN, "server", "a server's certificate signed by the root", "another");
  }
  const std::string wanted(name);
  if (!CAGES_CHECK("PLATFORM_NAME", has(server, subject_alt_dns({&wanted, 1})))) {
    return fail(Code::PLATFORM_NAME, "", wanted, printable(server.subject_text().value_or("?")));
  }
  if (!CAGES_CHECK("PLATFORM_TIME", valid_at(server, now) && valid_at(root, now))) {
    return fail(Code::PLATFORM_TIME, "", "until " + std::to_string(unix_seconds(server.not_after())),
                std::to_string(unix_seconds(now)));
  }
  return server;
}

Result<Certificate> verify_client(ByteView certificate, const Certificate& issuer, WallTime now) {
  TRY_ASSIGN(Certificate client, Certificate::from_der(certificate));
  if (!CAGES_CHECK("CLIENT_CHAIN", signed_by(client, issuer) && is_end_entity(client, oid::kClientAuth))) {
    return fail(Code::PLATFORM_CHAIN, "client", "a host's certificate of this platform", "another");
  }
  if (!CAGES_CHECK("CLIENT_TIME", valid_at(client, now))) return fail(Code::PLATFORM_TIME, "client");
  return client;
}

}  // namespace cages::crypto
