// SPDX-License-Identifier: Apache-2.0
// The cryptography of encrypted strings and files (docs/protocol.md, "Encrypted values"): ECDH with the app's key,
// AES-256-GCM. The formats are wire/ev_string.h and wire/ev_file.h. For the engine, and for a cage that was given the
// app's key.
#pragma once

#include <array>
#include <optional>

#include "base/bytes.h"
#include "base/result.h"
#include "base/secret.h"
#include "wire/ev_file.h"
#include "wire/ev_string.h"

namespace cages::crypto {

using EvPoint = std::array<Byte, wire::kEvPointBytes>;  // compressed, on the curve where it comes from here

// One of an app's keys, or an ephemeral one.
class EvPrivateKey {
 public:
  static Result<EvPrivateKey> generate(wire::EvCurve curve);
  // from_bytes takes the 32 bytes of a scalar, big-endian, from 1 to the group's order less 1; EV_KEY else.
  static Result<EvPrivateKey> from_bytes(wire::EvCurve curve, Secret scalar);
  // secret: the 32 bytes of the scalar.
  [[nodiscard]] const Secret& bytes() const { return scalar_; }
  [[nodiscard]] const EvPoint& public_point() const { return public_; }
  [[nodiscard]] wire::EvCurve curve() const { return curve_; }

 private:
  EvPrivateKey(wire::EvCurve curve, Secret scalar, const EvPoint& point)
      : curve_(curve), scalar_(std::move(scalar)), public_(point) {}
  wire::EvCurve curve_;
  Secret scalar_;
  EvPoint public_;
};

// uncompressed returns the 65 bytes 04‖x‖y of a compressed point. EV_KEY where it is none of the curve's.
Result<Bytes> uncompressed(wire::EvCurve curve, ByteView point);

// ev_spki returns the DER SubjectPublicKeyInfo of a point, with a named curve (RFC 5480 §2). EV_KEY as above.
Result<Bytes> ev_spki(wire::EvCurve curve, ByteView point);

// Derivation: from a shared X coordinate to a key. Versions without a role on secp256k1 take the coordinate itself.
enum class EvDerivation : std::uint8_t { raw, kdf };
EvDerivation derivation_of(wire::EvVersion version);

EvDerivation file_derivation(wire::EvCurve curve);

// untrusted: ev_content_key returns the key under which everything is that was sealed to `app` with this ephemeral key:
// one ECDH, worth keeping for a batch. EV_KEY where `ephemeral` is no point of the curve.
Result<Secret> ev_content_key(const EvPrivateKey& app, EvDerivation derivation, ByteView ephemeral);

struct EvOpened {
  Secret value;  // UTF-8 text of a string, JSON text of a number or boolean: the client's word, not looked at
  std::optional<wire::EvMetadata> metadata;
};
// untrusted: ev_open opens a string with the key of ev_content_key. SEALED where a byte, the type or the app's key is
// another; EV_FORMAT where what was sealed has no metadata and should.
Result<EvOpened> ev_open(const EvPoint& app, const Secret& content_key, const wire::EvString& sealed);
// untrusted: ev_open_file: the same for a file.
Result<Secret> ev_open_file(const EvPoint& app, const Secret& content_key, const wire::EvFile& file);

// Seals to one app's key with one ephemeral key; every value has a nonce of its own.
class EvSealer {
 public:
  // make: EV_KEY where `app` is no point of the curve.
  static Result<EvSealer> make(wire::EvCurve curve, const EvPoint& app);
  // with: the same with an ephemeral key of the caller's, for vectors.
  static Result<EvSealer> with(const EvPrivateKey& ephemeral, const EvPoint& app);
  // seal: with metadata the version that carries it, else the one that does not.
  [[nodiscard]] Result<wire::EvString> seal(wire::EvType type, ByteView value,
                                            const std::optional<wire::EvMetadata>& metadata) const;
  [[nodiscard]] Result<wire::EvString> seal_with(ByteView iv, wire::EvType type, ByteView value,
                                                 const std::optional<wire::EvMetadata>& metadata) const;
  [[nodiscard]] Result<Bytes> seal_file(ByteView content) const;
  [[nodiscard]] Result<Bytes> seal_file_with(ByteView iv, ByteView content) const;

 private:
  EvSealer(wire::EvCurve curve, const EvPoint& app, const EvPoint& ephemeral, Secret raw, Secret derived)
      : curve_(curve), app_(app), ephemeral_(ephemeral), raw_(std::move(raw)), derived_(std::move(derived)) {}
  [[nodiscard]] const Secret& key(EvDerivation derivation) const {
    return derivation == EvDerivation::raw ? raw_ : derived_;
  }
  wire::EvCurve curve_;
  EvPoint app_;
  EvPoint ephemeral_;
  Secret raw_;
  Secret derived_;
};

}  // namespace cages::crypto
