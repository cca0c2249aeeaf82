// SPDX-License-Identifier: Apache-2.0
#include "crypto/hpke.h"

#include <gtest/gtest.h>

#include "crypto/aead.h"

namespace cages::crypto {
namespace {

Bytes unhex(std::string_view text) { return parse_hex(text).value(); }
HpkePrivateKey key_of(std::string_view text) { return HpkePrivateKey::from_bytes(Secret(unhex(text))).value(); }

// RFC 9180 A.1.1 (DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-128-GCM, base mode), sequence number 0.
constexpr std::string_view kEphemeral = "52c4a758a802cd8b936eceea314432798d5baf2d7e9235dc084ab1b9cfa2f736";
constexpr std::string_view kRecipient = "4612c550263fc8ad58375df3f557aac531d26850903e55a9f23f21d8534e8ac8";
constexpr std::string_view kEnc = "37fda3567bdbd628e88668c3c8d7e97d1d1253b6d4ea6d44c150f741f1bf4431";
constexpr std::string_view kRecipientPublic = "3948cfe0ad1ddb695d780e59077195da6c56506b027329794ab02bca80815c4d";
constexpr std::string_view kInfo = "4f6465206f6e2061204772656369616e2055726e";
constexpr std::string_view kAad = "436f756e742d30";
constexpr std::string_view kPlain = "4265617574792069732074727574682c20747275746820626561757479";
constexpr std::string_view kSealed128 =
    "f938558b5d72f1a23810b4be2ab4f84331acc02fc97babc53a52ae8218a355a96d8770ac83d07bea87e13c512a";
// The same inputs with AES-256-GCM, by an independent implementation (Python, cryptography 38) that gives kSealed128 too.
constexpr std::string_view kSealed256 =
    "090b7dc225419f7da9e8b460becfbb96a26c7964d79b8010d397fa838530a32a397b14f5776db19ff5e57734e0";

TEST(Hpke, MatchesTheVectors) {
  const HpkePrivateKey ephemeral = key_of(kEphemeral);
  const HpkePrivateKey recipient = key_of(kRecipient);
  EXPECT_EQ(hex(ephemeral.public_key()), kEnc);
  EXPECT_EQ(hex(recipient.public_key()), kRecipientPublic);
  for (const auto& [aead, sealed] : {std::pair{HpkeAead::aes_128_gcm, kSealed128}, {HpkeAead::aes_256_gcm, kSealed256}}) {
    const auto made =
        hpke_seal_with(ephemeral, aead, recipient.public_key(), unhex(kInfo), unhex(kAad), unhex(kPlain)).value();
    EXPECT_EQ(hex(made.enc), kEnc);
    EXPECT_EQ(hex(made.ct), sealed);
    EXPECT_EQ(hex(hpke_open(recipient, made.enc, unhex(kInfo), unhex(kAad), made.ct, aead).value().reveal()), kPlain);
  }
}

TEST(Hpke, OpensOnlyWithEveryInputTheSame) {
  const HpkePrivateKey key = HpkePrivateKey::generate().value();
  const auto sealed = hpke_seal(key.public_key(), as_bytes("info"), as_bytes("aad"), as_bytes("plain")).value();
  EXPECT_EQ(as_text(hpke_open(key, sealed.enc, as_bytes("info"), as_bytes("aad"), sealed.ct).value().reveal()), "plain");
  EXPECT_EQ(hpke_open(key, sealed.enc, as_bytes("infO"), as_bytes("aad"), sealed.ct).error().code, Code::SEALED);
  EXPECT_EQ(hpke_open(key, sealed.enc, as_bytes("info"), as_bytes("aaD"), sealed.ct).error().code, Code::SEALED);
  const HpkePrivateKey other = HpkePrivateKey::generate().value();
  EXPECT_EQ(hpke_open(other, sealed.enc, as_bytes("info"), as_bytes("aad"), sealed.ct).error().code, Code::SEALED);
  for (std::size_t i = 0; i < sealed.ct.size(); ++i) {
    Bytes changed = sealed.ct;
    changed[i] ^= 1;
    EXPECT_EQ(hpke_open(key, sealed.enc, as_bytes("info"), as_bytes("aad"), changed).error().code, Code::SEALED);
  }
  EXPECT_EQ(hpke_open(key, sealed.enc, as_bytes("info"), as_bytes("aad"), Bytes(15)).error().code, Code::SEALED);
}

// RFC 9180 §7.1.4: an all-zero agreement is refused.
TEST(Hpke, RefusesKeysThatAgreeOnNothing) {
  const HpkePrivateKey key = HpkePrivateKey::generate().value();
  EXPECT_EQ(hpke_seal(Bytes(32), {}, {}, {}).error().code, Code::HPKE_KEY);
  EXPECT_EQ(hpke_seal(Bytes(31), {}, {}, {}).error().code, Code::HPKE_KEY);
  EXPECT_EQ(hpke_open(key, Bytes(32), {}, {}, Bytes(32)).error().code, Code::HPKE_KEY);
  EXPECT_EQ(HpkePrivateKey::from_bytes(Secret(31)).error().code, Code::HPKE_KEY);
}

TEST(Aead, BindsNonceAndAssociatedData) {
  const Secret key = Secret::copy_of(Bytes(32, 7));
  const Bytes nonce(12, 1);
  const Bytes sealed = aead_seal(key, nonce, as_bytes("a"), as_bytes("b")).value();
  EXPECT_EQ(as_text(aead_open(key, nonce, as_bytes("a"), sealed).value().reveal()), "b");
  EXPECT_EQ(aead_open(key, nonce, as_bytes("c"), sealed).error().code, Code::SEALED);
  EXPECT_EQ(aead_open(key, Bytes(12, 2), as_bytes("a"), sealed).error().code, Code::SEALED);
  EXPECT_EQ(aead_seal(Secret(31), nonce, {}, {}).error().code, Code::INTERNAL);
  EXPECT_EQ(aead_seal(key, Bytes(11), {}, {}).error().code, Code::INTERNAL);
}

}  // namespace
}  // namespace cages::crypto
