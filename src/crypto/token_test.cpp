// SPDX-License-Identifier: Apache-2.0
#include "crypto/token.h"

#include <gtest/gtest.h>

#include "base/limits.h"

namespace cages::crypto {
namespace {

constexpr std::int64_t kNow = 1'767'225'600;

wire::TokenClaims claims() {
  wire::TokenClaims c;
  c.deployment.fill(0xff);
  c.host.fill(0xfe);
  c.id.fill(0xfd);
  c.host_key.fill(0xfc);
  c.address = "192.0.2.1";
  c.issued_at = kNow;
  c.expires_at = kNow + 60;
  return c;
}

class Token : public testing::Test {
 protected:
  PrivateKey key = PrivateKey::generate(Curve::p256).value();
  Code refused(std::string_view text, std::int64_t now = kNow, std::string_view audience = wire::kTokenAudience) {
    const auto parsed = wire::parse_token(text);
    if (!parsed) return parsed.error().code;
    const auto verified = verify_token(*parsed, key.public_key(), audience, from_unix_seconds(now));
    return verified ? Code::INTERNAL : verified.error().code;
  }
  std::string with_header(std::string_view header) {
    const std::string good = issue_token(claims(), key).value();
    const std::string head = base64url(as_bytes(header)) + good.substr(good.find('.'), good.rfind('.') - good.find('.'));
    return wire::write_token(head, key.sign(as_bytes(head)).value());
  }
  std::string with_payload(std::string_view payload) {
    const std::string good = issue_token(claims(), key).value();
    const std::string head = good.substr(0, good.find('.') + 1) + base64url(as_bytes(payload));
    return wire::write_token(head, key.sign(as_bytes(head)).value());
  }
};

TEST_F(Token, RoundTrips) {
  const std::string text = issue_token(claims(), key).value();
  const auto parsed = wire::parse_token(text).value();
  EXPECT_EQ(parsed.claims, claims());
  EXPECT_EQ(parsed.key_id, token_key_id(key.public_key()));
  EXPECT_EQ(verify_token(parsed, key.public_key(), wire::kTokenAudience, from_unix_seconds(kNow)).value().claims(), claims());
}

// It must fit a user_data of 512 bytes, of which AWS's oldest documents allow no more.
TEST_F(Token, TheLongestFits) {
  wire::TokenClaims longest = claims();
  longest.address = "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff";
  longest.issued_at = 9'999'999'939;
  longest.expires_at = 9'999'999'999;
  const std::string text = issue_token(longest, key).value();
  EXPECT_LE(text.size(), limits::kTokenBytesMax);
  EXPECT_EQ(wire::parse_token(text).value().claims, longest);
  longest.address += "ffffffff";
  EXPECT_EQ(issue_token(longest, key).error().code, Code::LIMIT);
}

TEST_F(Token, IssuesNoneThatLivesTooLong) {
  wire::TokenClaims c = claims();
  c.expires_at = kNow + 61;
  EXPECT_EQ(issue_token(c, key).error().code, Code::LIMIT);
}

TEST_F(Token, RefusesEveryOtherHeaderUnread) {
  const std::string kid = token_key_id(key.public_key());
  for (const std::string& header : {
           std::string(R"({"alg":"none","typ":"cage+jwt","kid":")") + kid + "\"}",
           std::string(R"({"alg":"HS256","typ":"cage+jwt","kid":")") + kid + "\"}",
           std::string(R"({"alg":"ES384","typ":"cage+jwt","kid":")") + kid + "\"}",
           std::string(R"({"alg":"es256","typ":"cage+jwt","kid":")") + kid + "\"}",
           std::string(R"({"alg":"ES256","typ":"JWT","kid":")") + kid + "\"}",
           std::string(R"({"typ":"cage+jwt","alg":"ES256","kid":")") + kid + "\"}",
           std::string(R"({"alg": "ES256","typ":"cage+jwt","kid":")") + kid + "\"}",
           std::string(R"({"alg":"ES256","typ":"cage+jwt","kid":")") + kid + "x\"}",
           std::string(R"({"alg":"ES256","typ":"cage+jwt","kid":"a\"b\"cdef"})"),
           std::string(R"({"alg":"ES256","typ":"cage+jwt","kid":")") + kid + R"(","jwk":{}})",
           std::string(R"({"alg":"ES256","typ":"cage+jwt","kid":")") + kid + R"(","x5u":"http://a"})",
           std::string(R"({"alg":"ES256","typ":"cage+jwt","kid":")") + kid + R"(","alg":"none"})",
           std::string("{}"),
           std::string(),
       }) {
    EXPECT_EQ(refused(with_header(header)), Code::TOKEN_HEADER) << header;
  }
}

TEST_F(Token, RefusesClaimsInAnotherForm) {
  const std::string id = wire::write_id(claims().id);
  const std::string good = R"({"aud":"prov","dep":")" + wire::write_id(claims().deployment) + R"(","host":")" +
                           wire::write_id(claims().host) + R"(","ip":"192.0.2.1","key":")" + base64url(claims().host_key) +
                           R"(","jti":")" + id + R"(","iat":1767225600,"exp":1767225660})";
  EXPECT_EQ(refused(with_payload(good)), Code::INTERNAL);  // the form that is taken
  for (std::string bad : {std::string("{}"), std::string("[]"), std::string("x"), good + " ",
                          good.substr(0, good.size() - 1) + R"(,"x":1})",
                          std::string(good).replace(good.find("1767225660"), 10, "1767225660.0"),
                          std::string(good).replace(good.find("prov"), 4, "\\u0070rov"),
                          std::string(good).replace(good.find(id), 22, "AAAA")}) {
    EXPECT_EQ(refused(with_payload(bad)), Code::TOKEN_FORMAT) << bad;
  }
  const std::string token = issue_token(claims(), key).value();
  EXPECT_EQ(refused(token.substr(0, token.rfind('.'))), Code::TOKEN_FORMAT);
  EXPECT_EQ(refused(token.substr(0, token.rfind('.') + 1)), Code::TOKEN_FORMAT);
  EXPECT_EQ(refused(token + ".x"), Code::TOKEN_FORMAT);
  EXPECT_EQ(refused(std::string(limits::kTokenBytesMax + 1, 'a')), Code::LIMIT);
}

TEST_F(Token, RefusesForeignSignatures) {
  const PrivateKey other = PrivateKey::generate(Curve::p256).value();
  EXPECT_EQ(refused(issue_token(claims(), other).value()), Code::TOKEN_SIGNATURE);
  // Our key id over another's signature.
  const std::string head = wire::write_token_head(token_key_id(key.public_key()), claims());
  EXPECT_EQ(refused(wire::write_token(head, other.sign(as_bytes(head)).value())), Code::TOKEN_SIGNATURE);
  EXPECT_EQ(refused(wire::write_token(head, Bytes(64))), Code::TOKEN_SIGNATURE);
}

TEST_F(Token, IsGoodForItsMinuteAndItsPurposeAlone) {
  const std::string token = issue_token(claims(), key).value();
  EXPECT_EQ(refused(token, kNow + 60), Code::INTERNAL);
  EXPECT_EQ(refused(token, kNow + 61), Code::TOKEN_EXPIRED);
  EXPECT_EQ(refused(token, kNow - 5), Code::INTERNAL);
  EXPECT_EQ(refused(token, kNow - 6), Code::TOKEN_EXPIRED);
  EXPECT_EQ(refused(token, kNow, "engine"), Code::TOKEN_AUDIENCE);
  wire::TokenClaims odd = claims();
  odd.expires_at = kNow - 1;
  EXPECT_EQ(refused(issue_token(odd, key).value()), Code::TOKEN_EXPIRED);
  // Signed by us and yet too long: no caged issues such, and none takes it.
  odd.expires_at = kNow + 61;
  const std::string head = wire::write_token_head(token_key_id(key.public_key()), odd);
  EXPECT_EQ(refused(wire::write_token(head, key.sign(as_bytes(head)).value())), Code::TOKEN_EXPIRED);
}

}  // namespace
}  // namespace cages::crypto
