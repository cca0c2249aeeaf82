// SPDX-License-Identifier: Apache-2.0
#include "crypto/deterministic/signer.h"

#include <gtest/gtest.h>

#include "crypto/certificate.h"
#include "wire/der.h"

namespace cages::crypto {
namespace {

std::string_view curve_oid(Curve curve) {
  switch (curve) {
    case Curve::p256: return "1.2.840.10045.3.1.7";
    case Curve::p384: return "1.3.132.0.34";
    case Curve::p521: return "1.3.132.0.35";
  }
  return "";
}

// A SEC 1 ECPrivateKey (RFC 5915) of the given scalar.
PrivateKey key_of(Curve curve, std::string_view scalar_hex) {
  Bytes scalar = parse_hex(scalar_hex).value();
  const Bytes version = wire::write_der(wire::der_tag::kInteger, Bytes{1});
  const Bytes key = wire::write_der(wire::der_tag::kOctetString, scalar);
  const Bytes parameters = wire::write_der(wire::der_tag::explicit_context(0), encode_oid(curve_oid(curve)).value());
  const std::string body = base64(wire::write_der_sequence({version, key, parameters}));
  std::string pem = "-----BEGIN EC PRIVATE KEY-----\n";
  for (std::size_t at = 0; at < body.size(); at += 64) pem += body.substr(at, 64) + "\n";
  pem += "-----END EC PRIVATE KEY-----\n";
  auto parsed = PrivateKey::from_pem(Secret::copy_of(as_bytes(pem)));
  EXPECT_TRUE(parsed) << describe(parsed.error());
  return std::move(parsed).value();
}

struct Vector {
  Curve curve;
  const char* key;
  const char* message;
  const char* signature;  // r, then s
};

// RFC 6979 A.2.5, A.2.6, A.2.7: each curve with its own hash.
constexpr const char* kKey256 = "C9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721";
constexpr const char* kKey384 =
    "6B9D3DAD2E1B8C1C05B19875B6659F4DE23C3B667BF297BA9AA47740787137D896D5724E4C70A825F872C9EA60D2EDF5";
constexpr const char* kKey521 =
    "00FAD06DAA62BA3B25D2FB40133DA757205DE67F5BB0018FEE8C86E1B68C7E75CAA896EB32F1F47C70855836A6D16FCC1466F6D8FBEC67DB89"
    "EC0C08B0"
    "E996B83538";

const Vector kVectors[] = {
    {Curve::p256, kKey256, "sample",
     "EFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716"
     "F7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8"},
    {Curve::p256, kKey256, "test",
     "F1ABB023518351CD71D881567B1EA663ED3EFCF6C5132B354F28D3B0B7D38367"
     "019F4113742A2B14BD25926B49C649155F267E60D3814B4C0CC84250E46F0083"},
    {Curve::p384, kKey384, "sample",
     "94EDBB92A5ECB8AAD4736E56C691916B3F88140666CE9FA73D64C4EA95AD133C81A648152E44ACF96E36DD1E80FABE46"
     "99EF4AEB15F178CEA1FE40DB2603138F130E740A19624526203B6351D0A3A94FA329C145786E679E7B82C71A38628AC8"},
    {Curve::p384, kKey384, "test",
     "8203B63D3C853E8D77227FB377BCF7B7B772E97892A80F36AB775D509D7A5FEB0542A7F0812998DA8F1DD3CA3CF023DB"
     "DDD0760448D42D8A43AF45AF836FCE4DE8BE06B485E9B61B827C2F13173923E06A739F040649A667BF3B828246BAA5A5"},
    {Curve::p521, kKey521, "sample",
     "00C328FAFCBD79DD77850370C46325D987CB525569FB63C5D3BC53950E6D4C5F174E25A1EE9017B5D450606ADD152B534931D7D4E8455CC91"
     "F9B15BF05"
     "EC36E377FA"
     "00617CCE7CF5064806C467F678D3B4080D6F1CC50AF26CA209417308281B68AF282623EAA63E5B5C0723D8B8C37FF0777B1A20F8CCB1DCCC4"
     "3997F1EE0"
     "E44DA4A67A"},
    {Curve::p521, kKey521, "test",
     "013E99020ABF5CEE7525D16B69B229652AB6BDF2AFFCAEF38773B4B7D08725F10CDB93482FDCC54EDCEE91ECA4166B2A7C6265EF0CE2BD705"
     "1B7CEF945"
     "BABD47EE6D"
     "01FBD0013C674AA79CB39849527916CE301C66EA7CE8B80682786AD60F98F7E78A19CA69EFF5C57400E3B3A0AD66CE0978214D13BAF4E9AC6"
     "0752F7B15"
     "5E2DE4DCE3"},
};

TEST(DeterministicSigner, SignsAsRfc6979Says) {
  for (const Vector& vector : kVectors) {
    const PrivateKey key = key_of(vector.curve, vector.key);
    const auto made = sign_deterministic(key, as_bytes(vector.message));
    ASSERT_TRUE(made) << describe(made.error());
    const Bytes& signature = *made;
    EXPECT_EQ(hex(signature), hex(parse_hex(vector.signature).value())) << vector.message;
    EXPECT_TRUE(key.public_key().verify(as_bytes(vector.message), signature));
  }
}

TEST(DeterministicSigner, GivesTheSameSignatureTwice) {
  for (const Curve curve : {Curve::p256, Curve::p384, Curve::p521}) {
    const PrivateKey key = PrivateKey::generate(curve).value();
    const DeterministicSigner signer(key);
    EXPECT_EQ(signer.sign(as_bytes("message")).value(), signer.sign(as_bytes("message")).value());
    EXPECT_NE(signer.sign(as_bytes("message")).value(), signer.sign(as_bytes("another")).value());
  }
}

}  // namespace
}  // namespace cages::crypto
