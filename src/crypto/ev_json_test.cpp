// SPDX-License-Identifier: Apache-2.0
#include "crypto/ev_json.h"

#include <gtest/gtest.h>

namespace cages::crypto {
namespace {

constexpr std::size_t kLeaves = 100;

struct Pair {
  EvPrivateKey app = EvPrivateKey::generate(wire::EvCurve::p256).value();
  EvSealer sealer = EvSealer::make(wire::EvCurve::p256, app.public_point()).value();
};

Result<void> open_all(const Pair& pair, Json& json) {
  TRY_ASSIGN(const auto leaves, sealed_leaves(json, kLeaves));
  for (const auto& [leaf, path] : leaves) {
    TRY_ASSIGN(const auto value, wire::parse_ev(*leaf->as_string()));
    TRY_ASSIGN(const Secret key, ev_content_key(pair.app, derivation_of(value.version), value.ephemeral));
    TRY_ASSIGN(const EvOpened opened, ev_open(pair.app.public_point(), key, value));
    TRY(put_opened(*leaf, value.type, opened.value));
  }
  return {};
}

TEST(EvJson, KeepsTheShapeAndTheTypes) {
  const Pair pair;
  const std::string text = R"({"card":{"number":"4242","cvc":123,"live":true},"tags":["a",null,1.5,[]],"empty":{}})";
  Json json = parse_json(text).value();
  ASSERT_TRUE(seal_leaves(json, pair.sealer, wire::EvMetadata{"card", 1, 2}, kLeaves));
  EXPECT_EQ(write_json(json).find("4242"), std::string::npos);
  EXPECT_TRUE(json.find("card")->find("cvc")->as_string()->starts_with("ev:QkTC:number:"));
  EXPECT_TRUE(json.find("tags")->as_array()->at(1).is_null());
  ASSERT_TRUE(open_all(pair, json));
  EXPECT_EQ(write_json(json), text);
}

TEST(EvJson, NamesALeafByItsPath) {
  const Pair pair;
  Json json = parse_json(R"({"a/b":[{"~":"x"}]})").value();
  ASSERT_TRUE(seal_leaves(json, pair.sealer, {}, kLeaves));
  EXPECT_EQ(sealed_leaves(json, kLeaves).value().at(0).path, "/a~1b/0/~0");
}

TEST(EvJson, LeavesWhatOnlyLooksAlike) {
  Json json = parse_json(R"(["ev:123","ev:$"])").value();
  EXPECT_TRUE(sealed_leaves(json, kLeaves).value().empty());
}

TEST(EvJson, HasABound) {
  const Pair pair;
  Json json(Json::Array(kLeaves + 1, Json(1)));
  EXPECT_EQ(seal_leaves(json, pair.sealer, {}, kLeaves).error().code, Code::LIMIT);
  EXPECT_EQ(sealed_leaves(json, kLeaves).error().code, Code::LIMIT);
}

TEST(EvJson, AValueThatIsNotOfItsTypeIsRefused) {
  Json leaf;
  for (const char* text : {"", "x", "true", "\"1\"", "[1]", "1,2"}) {
    EXPECT_EQ(put_opened(leaf, wire::EvType::number, Secret(to_bytes(text))).error().code, Code::EV_FORMAT) << text;
  }
  EXPECT_FALSE(put_opened(leaf, wire::EvType::boolean, Secret(to_bytes("1"))));
  EXPECT_TRUE(put_opened(leaf, wire::EvType::string, Secret(to_bytes("\"quoted\""))));
  EXPECT_EQ(*leaf.as_string(), "\"quoted\"");
}

TEST(EvJson, IsWiped) {
  Json json = parse_json(R"({"a":["secret"]})").value();
  wipe_texts(json);
  EXPECT_EQ(write_json(json).find("secret"), std::string::npos);
}

}  // namespace
}  // namespace cages::crypto
