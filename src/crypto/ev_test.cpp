// SPDX-License-Identifier: Apache-2.0
#include "crypto/ev.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/file.h"
#include "base/json.h"

namespace cages::crypto {
namespace {

using wire::EvCurve;
using wire::EvType;

constexpr std::size_t kVectorBytesMax = 1 << 20;

// Made by python3-cryptography (tests/vectors/encrypted/make.py).
const Json& vectors() {
  static const Json json =
      parse_json(as_text(read_file(CAGES_SOURCE_DIR "/tests/vectors/encrypted/values.json", kVectorBytesMax).value()))
          .value();
  return json;
}

EvCurve curve_named(const std::string& name) { return name == "p256" ? EvCurve::p256 : EvCurve::secp256k1; }

EvPrivateKey private_key(EvCurve curve, const std::string& text) {
  return EvPrivateKey::from_bytes(curve, Secret(parse_hex(text).value())).value();
}

EvPrivateKey app_key(const std::string& curve) {
  const Json* app = vectors().find("apps")->find(curve);
  return private_key(curve_named(curve), app->text_or("private", ""));
}

EvType type_named(const std::string& name) {
  if (name == "number") return EvType::number;
  return name == "boolean" ? EvType::boolean : EvType::string;
}

std::optional<wire::EvMetadata> metadata_of(const Json& row) {
  if (row.int_or("time", 0) == 0) return {};
  wire::EvMetadata metadata{
      {}, static_cast<std::uint32_t>(row.int_or("origin", 0)), static_cast<std::uint32_t>(row.int_or("time", 0))};
  if (const std::string role = row.text_or("role", ""); !role.empty()) metadata.role = role;
  return metadata;
}

TEST(Ev, AppKeysHaveTheirPublicPoints) {
  for (const std::string curve : {"p256", "secp256k1"}) {
    EXPECT_EQ(hex(app_key(curve).public_point()), vectors().find("apps")->find(curve)->text_or("public", ""));
  }
}

TEST(Ev, OpensWhatAnotherImplementationSealed) {
  std::size_t count = 0;
  for (const Json& row : *vectors().find("values")->as_array()) {
    const EvPrivateKey app = app_key(row.text_or("curve", ""));
    const auto value = wire::parse_ev(row.text_or("text", ""));
    ASSERT_TRUE(value) << describe(value.error());
    const auto key = ev_content_key(app, derivation_of(value->version), value->ephemeral);
    ASSERT_TRUE(key);
    const auto opened = ev_open(app.public_point(), *key, *value);
    ASSERT_TRUE(opened) << row.text_or("text", "");
    EXPECT_EQ(as_text(opened->value.reveal()), row.text_or("plain", "?"));
    EXPECT_EQ(value->type, type_named(row.text_or("type", "")));
    EXPECT_EQ(opened->metadata, metadata_of(row));
    ++count;
  }
  EXPECT_EQ(count, 48U);
}

TEST(Ev, SealsTheSameBytesAsAnotherImplementation) {
  for (const Json& row : *vectors().find("values")->as_array()) {
    const EvPrivateKey app = app_key(row.text_or("curve", ""));
    const auto sealer =
        EvSealer::with(private_key(app.curve(), row.text_or("ephemeral_private", "")), app.public_point());
    ASSERT_TRUE(sealer);
    const auto sealed = sealer->seal_with(parse_hex(row.text_or("iv", "")).value(), type_named(row.text_or("type", "")),
                                          as_bytes(row.text_or("plain", "")), metadata_of(row));
    ASSERT_TRUE(sealed);
    EXPECT_EQ(wire::write_ev(*sealed), row.text_or("text", ""));
  }
}

TEST(Ev, FilesAreThoseOfAnotherImplementation) {
  for (const Json& row : *vectors().find("files")->as_array()) {
    const EvPrivateKey app = app_key(row.text_or("curve", ""));
    const Bytes bytes = parse_hex(row.text_or("file", "")).value();
    const auto file = wire::parse_ev_file(bytes);
    ASSERT_TRUE(file) << describe(file.error());
    const Secret key = ev_content_key(app, file_derivation(file->curve), file->ephemeral).value();
    EXPECT_EQ(hex(ev_open_file(app.public_point(), key, *file).value().reveal()), row.text_or("content", "?"));
    const auto sealer =
        EvSealer::with(private_key(app.curve(), row.text_or("ephemeral_private", "")), app.public_point());
    EXPECT_EQ(
        sealer->seal_file_with(parse_hex(row.text_or("iv", "")).value(), parse_hex(row.text_or("content", "")).value())
            .value(),
        bytes);
  }
}

struct Sealed {
  EvPrivateKey app;
  wire::EvString value;
  Secret key;
};

Sealed sealed_by(EvCurve curve, bool metadata) {
  EvPrivateKey app = EvPrivateKey::generate(curve).value();
  const auto sealer = EvSealer::make(curve, app.public_point()).value();
  const auto about = metadata ? std::optional<wire::EvMetadata>({"card", 1, 2}) : std::nullopt;
  wire::EvString value = sealer.seal(EvType::number, as_bytes("42"), about).value();
  Secret key = ev_content_key(app, derivation_of(value.version), value.ephemeral).value();
  return {std::move(app), std::move(value), std::move(key)};
}

TEST(Ev, NoBitOfASealedValueCanChange) {
  for (const EvCurve curve : {EvCurve::p256, EvCurve::secp256k1}) {
    for (const bool metadata : {false, true}) {
      const Sealed s = sealed_by(curve, metadata);
      ASSERT_TRUE(ev_open(s.app.public_point(), s.key, s.value));
      for (std::size_t i = 0; i < s.value.sealed.size(); ++i) {
        wire::EvString changed = s.value;
        changed.sealed[i] ^= 1U;
        EXPECT_EQ(ev_open(s.app.public_point(), s.key, changed).error().code, Code::SEALED) << i;
      }
      wire::EvString cut = s.value;
      cut.sealed.pop_back();
      EXPECT_EQ(ev_open(s.app.public_point(), s.key, cut).error().code, Code::SEALED);
    }
  }
}

// The type is bound by the versions with metadata alone: the older ones have no room for it.
TEST(Ev, ATypeCannotBeChangedWhereTheVersionBindsIt) {
  Sealed s = sealed_by(EvCurve::p256, true);
  s.value.type = EvType::string;
  EXPECT_EQ(ev_open(s.app.public_point(), s.key, s.value).error().code, Code::SEALED);
}

TEST(Ev, AnotherAppsKeyOpensNothing) {
  for (const EvCurve curve : {EvCurve::p256, EvCurve::secp256k1}) {
    const Sealed s = sealed_by(curve, true);
    const EvPrivateKey other = EvPrivateKey::generate(curve).value();
    const Secret key = ev_content_key(other, derivation_of(s.value.version), s.value.ephemeral).value();
    EXPECT_EQ(ev_open(other.public_point(), key, s.value).error().code, Code::SEALED);
    EXPECT_EQ(ev_open(other.public_point(), s.key, s.value).error().code, Code::SEALED);
  }
}

TEST(Ev, APointThatIsNoneOfTheCurvesIsRefused) {
  const EvPrivateKey app = EvPrivateKey::generate(EvCurve::p256).value();
  EvPoint bad{};
  for (const Byte head : std::array<Byte, 5>{0, 1, 4, 5, 255}) {
    bad[0] = head;
    EXPECT_EQ(ev_content_key(app, EvDerivation::kdf, bad).error().code, Code::EV_KEY) << int{head};
  }
  // About half of all x have no point.
  std::size_t refused = 0;
  bad[0] = 2;
  for (Byte x = 1; x < 100; ++x) {
    bad[32] = x;
    refused += ev_content_key(app, EvDerivation::kdf, bad) ? 0U : 1U;
  }
  EXPECT_GT(refused, 20U);
  EXPECT_LT(refused, 80U);
  EXPECT_FALSE(EvSealer::make(EvCurve::p256, EvPoint{}));
  EXPECT_FALSE(uncompressed(EvCurve::p256, Bytes(65, 4)));
}

TEST(Ev, AScalarOutsideTheGroupIsRefused) {
  EXPECT_EQ(EvPrivateKey::from_bytes(EvCurve::p256, Secret(32)).error().code, Code::EV_KEY);
  EXPECT_EQ(EvPrivateKey::from_bytes(EvCurve::p256, Secret(Bytes(32, 0xff))).error().code, Code::EV_KEY);
  EXPECT_EQ(EvPrivateKey::from_bytes(EvCurve::p256, Secret(Bytes(31, 1))).error().code, Code::EV_KEY);
}

}  // namespace
}  // namespace cages::crypto
