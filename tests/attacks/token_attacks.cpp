// SPDX-License-Identifier: Apache-2.0
// Tokens that somebody else made, changed, kept, or took from another purpose (design §4.2).
#include "attacks/attack.h"
#include "base/limits.h"
#include "crypto/token.h"

namespace cages::attacks {
namespace {

constexpr std::int64_t kNow = 1'767'225'600;

wire::TokenClaims claims() {
  wire::TokenClaims c;
  c.deployment.fill(1);
  c.host.fill(2);
  c.id.fill(3);
  c.host_key.fill(4);
  c.address = "192.0.2.1";
  c.issued_at = kNow;
  c.expires_at = kNow + 60;
  return c;
}

crypto::PrivateKey key() { return crypto::PrivateKey::generate(crypto::Curve::p256).value(); }

std::string present(std::string_view token, const crypto::PrivateKey& issuer, std::int64_t now = kNow,
                    std::string_view audience = wire::kTokenAudience) {
  const auto parsed = wire::parse_token(token);
  if (!parsed) return class_of(parsed);
  return class_of(crypto::verify_token(*parsed, issuer.public_key(), audience, from_unix_seconds(now)));
}

// A token whose header is `before` + key id + `after`, signed by the issuer all the same.
std::string with_header(std::string_view before, std::string_view after) {
  const crypto::PrivateKey issuer = key();
  const std::string good = crypto::issue_token(claims(), issuer).value();
  const std::string header = std::string(before) + crypto::token_key_id(issuer.public_key()) + std::string(after);
  const std::string head = base64url(as_bytes(header)) + good.substr(good.find('.'), good.rfind('.') - good.find('.'));
  return present(wire::write_token(head, issuer.sign(as_bytes(head)).value()), issuer);
}

std::string with_claims(const std::function<void(wire::TokenClaims&)>& change, std::int64_t now = kNow) {
  const crypto::PrivateKey issuer = key();
  wire::TokenClaims c = claims();
  change(c);
  const std::string head = wire::write_token_head(crypto::token_key_id(issuer.public_key()), c);
  return present(wire::write_token(head, issuer.sign(as_bytes(head)).value()), issuer, now);
}

std::vector<Attack> tokens() {
  return {
      {"alg_none", "TOKEN_HEADER", [] { return with_header(R"({"alg":"none","typ":"cage+jwt","kid":")", "\"}"); }},
      {"alg_hmac", "TOKEN_HEADER", [] { return with_header(R"({"alg":"HS256","typ":"cage+jwt","kid":")", "\"}"); }},
      {"another_type", "TOKEN_HEADER", [] { return with_header(R"({"alg":"ES256","typ":"JWT","kid":")", "\"}"); }},
      {"brings_a_key", "TOKEN_HEADER", [] { return with_header(R"({"alg":"ES256","typ":"cage+jwt","kid":")", R"(","jwk":{}})"); }},
      {"names_a_key_to_fetch", "TOKEN_HEADER",
       [] { return with_header(R"({"alg":"ES256","typ":"cage+jwt","kid":")", R"(","x5u":"http://a"})"); }},
      {"signed_by_another", "TOKEN_SIGNATURE",
       [] {
         const crypto::PrivateKey issuer = key();
         const std::string head = wire::write_token_head(crypto::token_key_id(issuer.public_key()), claims());
         return present(wire::write_token(head, key().sign(as_bytes(head)).value()), issuer);
       }},
      {"not_signed", "TOKEN_SIGNATURE",
       [] {
         const crypto::PrivateKey issuer = key();
         const std::string head = wire::write_token_head(crypto::token_key_id(issuer.public_key()), claims());
         return present(wire::write_token(head, Bytes(64)), issuer);
       }},
      {"expired", "TOKEN_EXPIRED", [] { return with_claims([](auto&) {}, kNow + 61); }},
      {"not_yet", "TOKEN_EXPIRED", [] { return with_claims([](auto&) {}, kNow - 61); }},
      {"lives_too_long", "TOKEN_EXPIRED", [] { return with_claims([](auto& c) { c.expires_at = kNow + 86400; }); }},
      {"of_another_purpose", "TOKEN_AUDIENCE", [] { return with_claims([](auto& c) { c.audience = "engine"; }); }},
  };
}

TEST_P(Attempt, IsRefusedByOneCheck) { EXPECT_EQ(GetParam().attempt(), GetParam().refused_as); }
INSTANTIATE_TEST_SUITE_P(Token, Attempt, testing::ValuesIn(tokens()), attack_name);

}  // namespace
}  // namespace cages::attacks
