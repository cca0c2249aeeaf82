// SPDX-License-Identifier: Apache-2.0
#include "crypto/key.h"

#include <gtest/gtest.h>

#include "crypto/hash.h"

namespace cages::crypto {
namespace {

// FIPS 180-4 example "abc".
TEST(Hash, MatchesTheStandardsExamples) {
  EXPECT_EQ(hex(sha256(as_bytes("abc"))), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(hex(sha384(as_bytes("abc"))),
            "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7");
  Hasher hasher(Hasher::Algorithm::sha384);
  hasher.update(as_bytes("a"));
  hasher.update(as_bytes("bc"));
  EXPECT_EQ(hex(hasher.finish()), hex(sha384(as_bytes("abc"))));
}

class KeyTest : public testing::TestWithParam<Curve> {};

TEST_P(KeyTest, SignsWhatItVerifiesAndNothingElse) {
  const PrivateKey key = PrivateKey::generate(GetParam()).value();
  const Bytes signature = key.sign(as_bytes("message")).value();
  EXPECT_EQ(signature.size(), 2 * field_bytes(GetParam()));
  EXPECT_TRUE(key.public_key().verify(as_bytes("message"), signature));
  EXPECT_FALSE(key.public_key().verify(as_bytes("massage"), signature));
  Bytes other = signature;
  other.back() ^= 1;
  EXPECT_FALSE(key.public_key().verify(as_bytes("message"), other));
  other.pop_back();
  EXPECT_FALSE(key.public_key().verify(as_bytes("message"), other));
  EXPECT_FALSE(key.public_key().verify(as_bytes("message"), Bytes(signature.size())));
}

TEST_P(KeyTest, RoundTripsThroughPemAndSpki) {
  const PrivateKey key = PrivateKey::generate(GetParam()).value();
  const PrivateKey again = PrivateKey::from_pem(key.to_pem()).value();
  EXPECT_EQ(again.public_key().spki(), key.public_key().spki());
  EXPECT_EQ(PublicKey::from_pem(key.public_key().pem()).value().spki(), key.public_key().spki());
  Bytes spki = key.public_key().spki();
  EXPECT_TRUE(PublicKey::from_spki(spki));
  const std::size_t point = 1 + 2 * field_bytes(GetParam());
  EXPECT_EQ(PublicKey::from_point(GetParam(), ByteView(spki).last(point)).value().spki(), spki);
  spki.push_back(0);
  EXPECT_FALSE(PublicKey::from_spki(spki));
}

INSTANTIATE_TEST_SUITE_P(Curves, KeyTest, testing::Values(Curve::p256, Curve::p384, Curve::p521));

TEST(Key, RefusesTextThatIsNoKey) {
  EXPECT_EQ(PrivateKey::from_pem(Secret::copy_of(as_bytes("nothing"))).error().code, Code::PEM);
  EXPECT_EQ(PublicKey::from_pem("nothing").error().code, Code::PEM);
  EXPECT_EQ(PublicKey::from_spki({}).error().code, Code::PEM);
}

}  // namespace
}  // namespace cages::crypto
