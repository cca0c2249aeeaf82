// SPDX-License-Identifier: Apache-2.0
#include "crypto/ev.h"

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/obj_mac.h>

#include <algorithm>
#include <memory>

#include "crypto/aead.h"
#include "crypto/handles.h"
#include "crypto/hash.h"
#include "crypto/random.h"

namespace cages::crypto {
namespace {

using Group = std::unique_ptr<EC_GROUP, Free<EC_GROUP_free>>;
using Point = std::unique_ptr<EC_POINT, Free<EC_POINT_clear_free>>;
using Number = std::unique_ptr<BIGNUM, Free<BN_clear_free>>;
using Numbers = std::unique_ptr<BN_CTX, Free<BN_CTX_free>>;

constexpr std::size_t kScalarBytes = 32;
constexpr std::size_t kUncompressedBytes = 65;
constexpr std::size_t kDerivationBytesMax = 512;

// DER of a SubjectPublicKeyInfo with explicit parameters (RFC 3279 §2.3.5) up to the point: clients derive keys over
// it.
constexpr std::array<Byte, 270> kP256Prefix{
    0x30, 0x82, 0x01, 0x4b, 0x30, 0x82, 0x01, 0x03, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x30,
    0x81, 0xf7, 0x02, 0x01, 0x01, 0x30, 0x2c, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x01, 0x01, 0x02, 0x21,
    0x00, 0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x30, 0x5b, 0x04,
    0x20, 0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfc, 0x04, 0x20, 0x5a,
    0xc6, 0x35, 0xd8, 0xaa, 0x3a, 0x93, 0xe7, 0xb3, 0xeb, 0xbd, 0x55, 0x76, 0x98, 0x86, 0xbc, 0x65, 0x1d, 0x06,
    0xb0, 0xcc, 0x53, 0xb0, 0xf6, 0x3b, 0xce, 0x3c, 0x3e, 0x27, 0xd2, 0x60, 0x4b, 0x03, 0x15, 0x00, 0xc4, 0x9d,
    0x36, 0x08, 0x86, 0xe7, 0x04, 0x93, 0x6a, 0x66, 0x78, 0xe1, 0x13, 0x9d, 0x26, 0xb7, 0x81, 0x9f, 0x7e, 0x90,
    0x04, 0x41, 0x04, 0x6b, 0x17, 0xd1, 0xf2, 0xe1, 0x2c, 0x42, 0x47, 0xf8, 0xbc, 0xe6, 0xe5, 0x63, 0xa4, 0x40,
    0xf2, 0x77, 0x03, 0x7d, 0x81, 0x2d, 0xeb, 0x33, 0xa0, 0xf4, 0xa1, 0x39, 0x45, 0xd8, 0x98, 0xc2, 0x96, 0x4f,
    0xe3, 0x42, 0xe2, 0xfe, 0x1a, 0x7f, 0x9b, 0x8e, 0xe7, 0xeb, 0x4a, 0x7c, 0x0f, 0x9e, 0x16, 0x2b, 0xce, 0x33,
    0x57, 0x6b, 0x31, 0x5e, 0xce, 0xcb, 0xb6, 0x40, 0x68, 0x37, 0xbf, 0x51, 0xf5, 0x02, 0x21, 0x00, 0xff, 0xff,
    0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa, 0xad,
    0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51, 0x02, 0x01, 0x01, 0x03, 0x42, 0x00};
constexpr std::array<Byte, 246> kSecp256k1Prefix{
    0x30, 0x82, 0x01, 0x33, 0x30, 0x81, 0xec, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x30, 0x81, 0xe0,
    0x02, 0x01, 0x01, 0x30, 0x2c, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x01, 0x01, 0x02, 0x21, 0x00, 0xff, 0xff,
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe, 0xff, 0xff, 0xfc, 0x2f, 0x30, 0x44, 0x04, 0x20, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x04, 0x20, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x07, 0x04, 0x41, 0x04, 0x79, 0xbe, 0x66, 0x7e, 0xf9, 0xdc, 0xbb, 0xac, 0x55, 0xa0, 0x62,
    0x95, 0xce, 0x87, 0x0b, 0x07, 0x02, 0x9b, 0xfc, 0xdb, 0x2d, 0xce, 0x28, 0xd9, 0x59, 0xf2, 0x81, 0x5b, 0x16, 0xf8,
    0x17, 0x98, 0x48, 0x3a, 0xda, 0x77, 0x26, 0xa3, 0xc4, 0x65, 0x5d, 0xa4, 0xfb, 0xfc, 0x0e, 0x11, 0x08, 0xa8, 0xfd,
    0x17, 0xb4, 0x48, 0xa6, 0x85, 0x54, 0x19, 0x9c, 0x47, 0xd0, 0x8f, 0xfb, 0x10, 0xd4, 0xb8, 0x02, 0x21, 0x00, 0xff,
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe, 0xba, 0xae, 0xdc, 0xe6,
    0xaf, 0x48, 0xa0, 0x3b, 0xbf, 0xd2, 0x5e, 0x8c, 0xd0, 0x36, 0x41, 0x41, 0x02, 0x01, 0x01, 0x03, 0x42, 0x00};

ByteView spki_prefix(wire::EvCurve curve) {
  return curve == wire::EvCurve::p256 ? ByteView(kP256Prefix) : ByteView(kSecp256k1Prefix);
}

// Constants of the library's; made once, never changed.
const EC_GROUP* group_of(wire::EvCurve curve) {
  static const Group p256(EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1));
  static const Group secp256k1(EC_GROUP_new_by_curve_name(NID_secp256k1));
  return (curve == wire::EvCurve::p256 ? p256 : secp256k1).get();
}

Result<Point> read_point(wire::EvCurve curve, ByteView bytes, BN_CTX* numbers) {
  const EC_GROUP* group = group_of(curve);
  Point point(EC_POINT_new(group));
  // The library checks that it is on the curve; both curves have cofactor 1, so that is all there is to check.
  const bool on_curve = bytes.size() == wire::kEvPointBytes && (bytes[0] == 2 || bytes[0] == 3) && point &&
                        EC_POINT_oct2point(group, point.get(), bytes.data(), bytes.size(), numbers) == 1;
  if (!on_curve) return fail(Code::EV_KEY, "key", "a compressed point of the curve", "another");
  return point;
}

Bytes write_point(wire::EvCurve curve, const EC_POINT* point, point_conversion_form_t form, BN_CTX* numbers) {
  Bytes out(kUncompressedBytes);
  out.resize(EC_POINT_point2oct(group_of(curve), point, form, out.data(), out.size(), numbers));
  return out;
}

Numbers new_numbers() { return Numbers(BN_CTX_secure_new()); }

// ECDH (SEC 1 §3.3.1): the X coordinate. OpenSSL's ladder takes a time that does not depend on the scalar.
Result<Secret> shared_x(const EvPrivateKey& own, const EC_POINT* peer, BN_CTX* numbers) {
  const EC_GROUP* group = group_of(own.curve());
  const Number scalar(BN_bin2bn(own.bytes().reveal().data(), kScalarBytes, nullptr));
  const Number x(BN_new());
  const Point product(EC_POINT_new(group));
  Secret out(kScalarBytes);
  if (!scalar || !x || !product) return fail(Code::INTERNAL, "EC");
  BN_set_flags(scalar.get(), BN_FLG_CONSTTIME);
  const bool made = EC_POINT_mul(group, product.get(), nullptr, peer, scalar.get(), numbers) == 1 &&
                    EC_POINT_get_affine_coordinates(group, product.get(), x.get(), nullptr, numbers) == 1 &&
                    BN_bn2binpad(x.get(), out.reveal_mutable().data(), kScalarBytes) == kScalarBytes;
  if (!made) return fail(Code::EV_KEY, "key", "a point to agree with", "another");
  return out;
}

// SHA-256(X ‖ 00000001 ‖ SubjectPublicKeyInfo of the ephemeral key): one round of the KDF of SP 800-56A §5.8.1.
Secret derive(wire::EvCurve curve, const Secret& x, ByteView ephemeral_uncompressed) {
  Bytes input;
  input.reserve(kDerivationBytesMax);  // growing would leave copies of the coordinate behind
  append(input, x.reveal());
  append(input, std::array<Byte, 4>{0, 0, 0, 1});
  append(input, spki_prefix(curve));
  append(input, ephemeral_uncompressed);
  const Secret wiped(std::move(input));
  const auto digest = sha256(wiped.reveal());
  return Secret::copy_of(digest);
}

Bytes associated_data(const EvPoint& app, wire::EvVersion version, wire::EvType type, ByteView ephemeral) {
  switch (version) {
    case wire::EvVersion::dub: return {};
    case wire::EvVersion::noc: return to_bytes(ByteView(app));
    case wire::EvVersion::kir:
    case wire::EvVersion::p256_role: break;
  }
  const auto curve_bit = version == wire::EvVersion::p256_role ? 1U : 0U;
  Bytes out{static_cast<Byte>(static_cast<unsigned>(type) << 4U | curve_bit)};
  append(out, ephemeral);
  append(out, app);
  return out;
}

Bytes file_associated_data(const EvPoint& app, wire::EvCurve curve) {
  return curve == wire::EvCurve::p256 ? to_bytes(ByteView(app)) : Bytes();
}

wire::EvVersion version_for(wire::EvCurve curve, bool metadata) {
  if (curve == wire::EvCurve::p256) return metadata ? wire::EvVersion::p256_role : wire::EvVersion::noc;
  return metadata ? wire::EvVersion::kir : wire::EvVersion::dub;
}

}  // namespace

EvDerivation file_derivation(wire::EvCurve curve) {
  return curve == wire::EvCurve::p256 ? EvDerivation::kdf : EvDerivation::raw;
}

EvDerivation derivation_of(wire::EvVersion version) {
  return version == wire::EvVersion::dub ? EvDerivation::raw : EvDerivation::kdf;
}

Result<Bytes> uncompressed(wire::EvCurve curve, ByteView bytes) {
  const Numbers numbers = new_numbers();
  TRY_ASSIGN(const Point point, read_point(curve, bytes, numbers.get()));
  return write_point(curve, point.get(), POINT_CONVERSION_UNCOMPRESSED, numbers.get());
}

Result<Bytes> ev_spki(wire::EvCurve curve, ByteView point) {
  // SEQUENCE { SEQUENCE { id-ecPublicKey, prime256v1 | secp256k1 }, BIT STRING { point } }
  static constexpr std::array<Byte, 26> kP256Head{0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01,
                                                  0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00};
  static constexpr std::array<Byte, 23> kSecp256k1Head{0x30, 0x56, 0x30, 0x10, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02,
                                                       0x01, 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x0a, 0x03, 0x42, 0x00};
  TRY_ASSIGN(const Bytes whole, uncompressed(curve, point));
  Bytes out = to_bytes(curve == wire::EvCurve::p256 ? ByteView(kP256Head) : ByteView(kSecp256k1Head));
  append(out, whole);
  return out;
}

Result<EvPrivateKey> EvPrivateKey::from_bytes(wire::EvCurve curve, Secret scalar) {
  const EC_GROUP* group = group_of(curve);
  if (scalar.size() != kScalarBytes)
    return fail(Code::EV_KEY, "private key", "32 bytes", std::to_string(scalar.size()));
  const Numbers numbers = new_numbers();
  const Number number(BN_bin2bn(scalar.reveal().data(), kScalarBytes, nullptr));
  const Point point(EC_POINT_new(group));
  const bool in_range = number && BN_is_zero(number.get()) == 0 && BN_cmp(number.get(), EC_GROUP_get0_order(group)) < 0;
  if (!in_range) return fail(Code::EV_KEY, "private key", "from 1 to the order less 1", "another");
  BN_set_flags(number.get(), BN_FLG_CONSTTIME);
  if (!point || EC_POINT_mul(group, point.get(), number.get(), nullptr, nullptr, numbers.get()) != 1) {
    return fail(Code::INTERNAL, "EC_POINT_mul");
  }
  const Bytes compressed = write_point(curve, point.get(), POINT_CONVERSION_COMPRESSED, numbers.get());
  EvPoint own{};
  if (compressed.size() != own.size()) return fail(Code::INTERNAL, "EC_POINT_point2oct");
  std::ranges::copy(compressed, own.begin());
  return EvPrivateKey(curve, std::move(scalar), own);
}

Result<EvPrivateKey> EvPrivateKey::generate(wire::EvCurve curve) {
  const Number number(BN_secure_new());
  Secret scalar(kScalarBytes);
  do {
    if (!number || BN_priv_rand_range(number.get(), EC_GROUP_get0_order(group_of(curve))) != 1) {
      return fail(Code::INTERNAL, "BN_priv_rand_range");
    }
  } while (BN_is_zero(number.get()) != 0);
  if (BN_bn2binpad(number.get(), scalar.reveal_mutable().data(), kScalarBytes) != kScalarBytes) {
    return fail(Code::INTERNAL, "BN_bn2binpad");
  }
  return from_bytes(curve, std::move(scalar));
}

Result<Secret> ev_content_key(const EvPrivateKey& app, EvDerivation derivation, ByteView ephemeral) {
  const Numbers numbers = new_numbers();
  TRY_ASSIGN(const Point point, read_point(app.curve(), ephemeral, numbers.get()));
  TRY_ASSIGN(Secret x, shared_x(app, point.get(), numbers.get()));
  if (derivation == EvDerivation::raw) return x;
  return derive(app.curve(), x, write_point(app.curve(), point.get(), POINT_CONVERSION_UNCOMPRESSED, numbers.get()));
}

Result<EvOpened> ev_open(const EvPoint& app, const Secret& content_key, const wire::EvString& sealed) {
  const Bytes aad = associated_data(app, sealed.version, sealed.type, sealed.ephemeral);
  TRY_ASSIGN(Secret plain, aead_open(content_key, sealed.iv, aad, sealed.sealed));
  if (!wire::has_metadata(sealed.version)) return EvOpened{std::move(plain), {}};
  TRY_ASSIGN(auto metadata, wire::parse_ev_metadata(plain.reveal()));
  return EvOpened{Secret::copy_of(plain.reveal().subspan(metadata.second)), std::move(metadata.first)};
}

Result<Secret> ev_open_file(const EvPoint& app, const Secret& content_key, const wire::EvFile& file) {
  return aead_open(content_key, file.iv, file_associated_data(app, file.curve), file.sealed);
}

Result<EvSealer> EvSealer::make(wire::EvCurve curve, const EvPoint& app) {
  TRY_ASSIGN(const EvPrivateKey ephemeral, EvPrivateKey::generate(curve));
  return with(ephemeral, app);
}

Result<EvSealer> EvSealer::with(const EvPrivateKey& ephemeral, const EvPoint& app) {
  const Numbers numbers = new_numbers();
  TRY_ASSIGN(const Point point, read_point(ephemeral.curve(), app, numbers.get()));
  TRY_ASSIGN(Secret x, shared_x(ephemeral, point.get(), numbers.get()));
  TRY_ASSIGN(const Bytes whole, uncompressed(ephemeral.curve(), ephemeral.public_point()));
  Secret derived = derive(ephemeral.curve(), x, whole);
  return EvSealer(ephemeral.curve(), app, ephemeral.public_point(), std::move(x), std::move(derived));
}

Result<wire::EvString> EvSealer::seal(wire::EvType type, ByteView value,
                                      const std::optional<wire::EvMetadata>& metadata) const {
  SystemRandom random;
  return seal_with(random.array<wire::kEvIvBytes>(), type, value, metadata);
}

Result<wire::EvString> EvSealer::seal_with(ByteView iv, wire::EvType type, ByteView value,
                                           const std::optional<wire::EvMetadata>& metadata) const {
  wire::EvString out;
  if (iv.size() != out.iv.size()) return fail(Code::INTERNAL, "IV");
  out.version = version_for(curve_, metadata.has_value());
  out.type = type;
  std::ranges::copy(iv, out.iv.begin());
  out.ephemeral = ephemeral_;
  const Bytes head = metadata ? wire::write_ev_metadata(*metadata) : Bytes();
  Bytes plain;
  plain.reserve(head.size() + value.size());
  append(plain, head);
  append(plain, value);
  const Secret wiped(std::move(plain));
  const Bytes aad = associated_data(app_, out.version, type, ephemeral_);
  TRY_ASSIGN(out.sealed, aead_seal(key(derivation_of(out.version)), iv, aad, wiped.reveal()));
  return out;
}

Result<Bytes> EvSealer::seal_file(ByteView content) const {
  SystemRandom random;
  return seal_file_with(random.array<wire::kEvIvBytes>(), content);
}

Result<Bytes> EvSealer::seal_file_with(ByteView iv, ByteView content) const {
  wire::EvFile file;
  if (iv.size() != file.iv.size()) return fail(Code::INTERNAL, "IV");
  file.curve = curve_;
  file.ephemeral = ephemeral_;
  std::ranges::copy(iv, file.iv.begin());
  TRY_ASSIGN(const Bytes sealed,
             aead_seal(key(file_derivation(curve_)), iv, file_associated_data(app_, curve_), content));
  file.sealed = sealed;
  return wire::write_ev_file(file);
}

}  // namespace cages::crypto
