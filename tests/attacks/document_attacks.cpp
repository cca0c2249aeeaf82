// SPDX-License-Identifier: Apache-2.0
// Attestation documents that lie, and policies that would let them (nitro.md §3.4, design §5).
#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "attacks/attack.h"
#include "attest/core/chain.h"
#include "attest/verify.h"
#include "base/file.h"
#include "base/json.h"
#include "base/limits.h"
#include "support/test_authority.h"

namespace cages::attacks {
namespace {

using policy::AttestationPolicy;
using test::TestAuthority;

constexpr std::int64_t kNow = 1'767'225'660;

AttestationPolicy any_code() {
  AttestationPolicy rules;
  rules.any_pcrs = true;
  return rules;
}

std::string judge(ByteView document, const attest::TrustRoot& root, const AttestationPolicy& rules, std::int64_t now = kNow) {
  const auto admitted = policy::admit(rules);
  if (!admitted) return class_of(admitted);
  return class_of(attest::verify(document, std::span(&root, 1), now, *admitted));
}

// A genuine chain, but for what `change` does to its certificates.
std::string with_chain(const TestAuthority::Change& change) {
  const TestAuthority authority(kNow, change);
  return judge(authority.document(authority.claims()), authority.root(), any_code());
}

// A genuine document, but for what `change` does to its claims.
std::string with_claims(const std::function<void(wire::DocumentClaims&)>& change, const AttestationPolicy& rules = any_code()) {
  const TestAuthority authority(kNow);
  wire::DocumentClaims claims = authority.claims();
  change(claims);
  return judge(authority.document(claims), authority.root(), rules);
}

// A genuine document, with `from` in its payload replaced by `to` before it was signed.
std::string with_payload(std::string_view from, std::string_view to) {
  const TestAuthority authority(kNow);
  wire::DocumentClaims claims = authority.claims();
  claims.user_data = claims.public_key = to_bytes("ab");
  Bytes payload = wire::write_payload(authority.unsigned_document(claims));
  const auto found = std::ranges::search(payload, as_bytes(from));
  if (found.empty() || from.size() != to.size()) return "the payload has no such bytes";
  std::ranges::copy(as_bytes(to), found.begin());
  return judge(authority.sign(payload), authority.root(), any_code());
}

// A genuine document under another policy, at another time.
std::string under(const std::function<void(AttestationPolicy&, const wire::DocumentClaims&)>& change,
                  std::int64_t now = kNow) {
  const TestAuthority authority(kNow);
  AttestationPolicy rules;
  change(rules, authority.claims());
  return judge(authority.document(authority.claims()), authority.root(), rules, now);
}

policy::PcrSet set_of(PcrValues pcrs, std::optional<std::uint64_t> counter = {}) { return {std::move(pcrs), counter}; }

void replace(crypto::CertificateFields& fields, const crypto::Extension& by) {
  std::ranges::replace_if(fields.extensions, [&](const crypto::Extension& e) { return e.oid == by.oid; }, by);
}

std::vector<Attack> chains() {
  return {
      {"path_length", "PATH_LENGTH",
       [] {
         return with_chain([](std::size_t place, auto& fields) {
           if (place == 2) replace(fields, crypto::basic_constraints(true, 0));
         });
       }},
      {"issuer_without_the_right", "KEY_USAGE",
       [] {
         return with_chain([](std::size_t place, auto& fields) {
           if (place == 1) replace(fields, crypto::key_usage({crypto::KeyUsage::digital_signature}));
         });
       }},
      {"unknown_critical_extension", "CERT_CRITICAL_EXTENSION",
       [] {
         return with_chain([](std::size_t place, auto& fields) {
           if (place == 2) fields.extensions.push_back({"1.2.3.4", true, {5, 0}});
         });
       }},
      {"issuer_on_another_curve", "CHAIN_KEY_TYPE",
       [] {
         // A key of P-256 can sign over SHA-384; no certificate of ours does, so that the parsed chain is changed.
         const TestAuthority authority(kNow);
         const wire::UnverifiedDocument document = authority.unsigned_document(authority.claims());
         std::vector<wire::Certificate> chain;
         for (const Bytes& der : document.cabundle) chain.push_back(wire::parse_certificate(der).value());
         chain.push_back(wire::parse_certificate(document.certificate).value());
         chain[1].key_type = wire::KeyType::p256;
         return class_of(attest::walk_chain(chain, kNow));
       }},
      {"leaf_of_another_enclave", "MODULE_ID", [] { return with_claims([](auto& c) { c.module_id.back() = '0'; }); }},
      {"development_root_to_a_production_verifier", "UNTRUSTED_ROOT",
       [] {
         const TestAuthority authority(kNow);
         return judge(authority.document(authority.claims()), attest::production_root(), any_code());
       }},
  };
}

std::vector<Attack> contents() {
  return {
      {"document_too_long", "DOCUMENT_LENGTH",
       [] { return judge(Bytes(limits::kDocumentBytesMax + 1), attest::production_root(), any_code()); }},
      {"payload_too_long", "PAYLOAD_LENGTH", [] { return with_claims([](auto& c) { c.user_data = Bytes(17000); }); }},
      {"public_key_too_long", "PUBLIC_KEY_LENGTH", [] { return with_claims([](auto& c) { c.public_key = Bytes(1025); }); }},
      {"public_key_empty", "PUBLIC_KEY_LENGTH", [] { return with_claims([](auto& c) { c.public_key = Bytes(); }); }},
      {"nonce_too_long", "NONCE_LENGTH", [] { return with_claims([](auto& c) { c.nonce = Bytes(1025); }); }},
      {"public_key_is_text", "TYPE public_key", [] { return with_payload("public_keyBab", "public_keybab"); }},
      {"user_data_is_text", "TYPE user_data", [] { return with_payload("user_dataBab", "user_databab"); }},
      {"another_digest", "DIGEST", [] { return with_payload("SHA384", "SHA512"); }},
      {"debug", "DEBUG", [] { return with_claims([](auto& c) { c.pcrs[0] = c.pcrs[1] = c.pcrs[2] = Pcr{}; }); }},
  };
}

std::vector<Attack> relying() {
  const auto any = [](auto change) {
    return [change] {
      return under([change](AttestationPolicy& rules, const wire::DocumentClaims& claims) {
        rules.any_pcrs = true;
        change(rules, claims);
      });
    };
  };
  const auto strict = [](auto change) { return [change] { return under(change); }; };
  return {
      {"old", "TIMESTAMP_OLD", [] { return under([](auto& rules, auto&) { rules.any_pcrs = true; }, kNow + 901); }},
      {"another_key", "PUBLIC_KEY", any([](auto& rules, auto&) { rules.public_key = Bytes{1}; })},
      {"refused_image", "REFUSED_PCR0", any([](auto& rules, auto& claims) { rules.refused_pcr0 = {claims.pcrs.at(0)}; })},
      {"policy_ended", "NOT_AFTER", any([](auto& rules, auto&) { rules.not_after = kNow - 1; })},
      {"another_image", "PCR_MISMATCH",
       strict([](auto& rules, auto& claims) { rules.pcr_sets = {set_of({{0, claims.pcrs.at(1)}})}; })},
      {"register_left_out", "PCR_MISMATCH",
       strict([](auto& rules, auto& claims) { rules.pcr_sets = {set_of({{0, claims.pcrs.at(0)}, {16, claims.pcrs.at(1)}})}; })},
      {"older_version", "COUNTER",
       strict([](auto& rules, auto& claims) {
         rules.pcr_sets = {set_of({{0, claims.pcrs.at(0)}}, 3), set_of({{0, claims.pcrs.at(1)}}, 5)};
         rules.counter_min = 4;
       })},
      {"policy_without_code", "POLICY_EMPTY", strict([](auto&, auto&) {})},
      {"policy_names_the_runtime_alone", "POLICY_EMPTY",
       strict([](auto& rules, auto& claims) { rules.pcr_sets = {set_of({{1, claims.pcrs.at(1)}})}; })},
      {"policy_signer_without_signer", "POLICY_CONTRADICTION",
       strict([](auto& rules, auto& claims) {
         rules.signer_only = true;
         rules.pcr_sets = {set_of({{0, claims.pcrs.at(0)}})};
       })},
      {"policy_of_zeros", "POLICY_CONTRADICTION",
       strict([](auto& rules, auto& claims) { rules.pcr_sets = {set_of({{0, claims.pcrs.at(0)}, {3, Pcr{}}})}; })},
      {"policy_register_that_is_none", "POLICY_UNKNOWN",
       strict([](auto& rules, auto& claims) { rules.pcr_sets = {set_of({{0, claims.pcrs.at(0)}, {32, claims.pcrs.at(1)}})}; })},
      {"policy_counter_out_of_reach", "POLICY_CONTRADICTION",
       strict([](auto& rules, auto& claims) {
         rules.pcr_sets = {set_of({{0, claims.pcrs.at(0)}}, 3)};
         rules.counter_min = 4;
       })},
      {"policy_of_another_platform", "POLICY_UNKNOWN", any([](auto& rules, auto&) { rules.platform = "nitrotpm"; })},
      {"policy_any_and_some", "POLICY_CONTRADICTION",
       any([](auto& rules, auto& claims) { rules.pcr_sets = {set_of({{0, claims.pcrs.at(0)}})}; })},
  };
}

std::filesystem::path synthetic_folder() {
  const char* folder = std::getenv("CAGE_VECTORS");
  const std::filesystem::path base = folder != nullptr ? folder : CAGES_SOURCE_DIR "/../shared/vectors";
  return base / "attestation/synthetic";
}

AttestationPolicy rules_for(const Json& manifest, std::string_view id) {
  AttestationPolicy rules = any_code();
  const std::string_view number = id.substr(0, 3);
  if (number == "r91" || number == "r92") rules.nonce = parse_hex(manifest.text_or("expected_nonce", "")).value();
  if (number == "r93") rules.user_data = parse_hex(manifest.text_or("expected_user_data", "")).value();
  if (number == "s20") rules.skew_s = 0;
  return rules;
}

std::string judge_synthetic(const std::string& file, const AttestationPolicy& rules, std::int64_t now) {
  const Bytes root = read_file(synthetic_folder() / "root.der", 4096).value();
  const Bytes document = read_file(synthetic_folder() / file, 1 << 20).value();
  return judge(document, attest::TrustRoot::development(root).value(), rules, now);
}

// Every file of the synthetic suite that has to be refused; none where the suite is not there.
std::vector<Attack> synthetic() {
  std::vector<Attack> attacks;
  const auto text = read_file(synthetic_folder() / "manifest.json", 1 << 20);
  if (!text) return attacks;
  const Json manifest = parse_json(as_text(*text)).value();
  for (const Json& row : *manifest.find("cases")->as_array()) {
    if (row.text_or("expect", "") != "REJECT") continue;
    const std::string file = row.text_or("file", "");
    const std::string id = file.substr(0, file.find('.'));
    attacks.push_back({id, row.text_or("error", "?"), [file, rules = rules_for(manifest, id), now = row.int_or("time", 0)] {
                         return judge_synthetic(file, rules, now);
                       }});
  }
  return attacks;
}

TEST_P(Attempt, IsRefusedByOneCheck) { EXPECT_EQ(GetParam().attempt(), GetParam().refused_as); }
INSTANTIATE_TEST_SUITE_P(Chain, Attempt, testing::ValuesIn(chains()), attack_name);
INSTANTIATE_TEST_SUITE_P(Content, Attempt, testing::ValuesIn(contents()), attack_name);
INSTANTIATE_TEST_SUITE_P(Relying, Attempt, testing::ValuesIn(relying()), attack_name);
INSTANTIATE_TEST_SUITE_P(Synthetic, Attempt, testing::ValuesIn(synthetic()), attack_name);

}  // namespace
}  // namespace cages::attacks
