// SPDX-License-Identifier: Apache-2.0
#include "server/engine/engine.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "base/file.h"

namespace cages::server {
namespace {

using wire::EvCurve;
using wire::EvType;

const std::string kApp = "app_000000000001";
const std::string kOther = "app_000000000002";
const policy::DecryptCaller kCage{policy::CallerKind::cage, Pcr{1}};
const policy::DecryptCaller kKey{policy::CallerKind::api_key, {}};

class EngineTest : public testing::Test {
 protected:
  EngineTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "caged-engine-XXXXXX").string();
    folder = ::mkdtemp(pattern.data());
    store.emplace(Store::open(folder, clock, random).value());
    EXPECT_TRUE(store->add_app({kApp, "one", 0, {}}));
    EXPECT_TRUE(store->add_app({kOther, "two", 0, {}}));
    wrapper = wrapper_in_file(folder / "engine.key", random).value();
    engine.emplace(*store, *wrapper, clock);
  }
  ~EngineTest() override { std::filesystem::remove_all(folder); }

  // What a client of `app` seals now.
  std::string seal(const std::string& app, std::string_view value, const std::string& role = "",
                   EvCurve curve = EvCurve::p256) {
    const PublicKeys keys = engine->public_keys(app).value();
    const auto sealer = crypto::EvSealer::make(curve, curve == EvCurve::p256 ? keys.p256 : keys.secp256k1).value();
    std::optional<wire::EvMetadata> metadata;
    if (!role.empty()) metadata = wire::EvMetadata{role, 1, 2};
    return wire::write_ev(sealer.seal(EvType::string, as_bytes(value), metadata).value());
  }
  OpenedValues open(const std::string& app, const policy::DecryptCaller& caller,
                    const std::vector<std::string>& values) {
    const std::vector<std::string_view> views(values.begin(), values.end());
    return engine->open(app, caller, "test", views).value();
  }
  void allow(std::string_view role, std::string_view caller) {
    EXPECT_TRUE(engine->set_policy(kApp, parse_json(R"({"rules":[{"name":"r","role":")" + std::string(role) +
                                                    R"(","callers":[")" + std::string(caller) + "\"]}]}")
                                             .value()));
  }

  std::filesystem::path folder;
  ManualClock clock;
  crypto::SystemRandom random;
  std::optional<Store> store;
  std::unique_ptr<KeyWrapper> wrapper;
  std::optional<Engine> engine;
};

TEST_F(EngineTest, OpensWhatClientsSeal) {
  for (const EvCurve curve : {EvCurve::p256, EvCurve::secp256k1}) {
    const auto opened = open(kApp, kCage, {seal(kApp, "4242", "", curve), seal(kApp, "", "", curve)});
    ASSERT_TRUE(opened[0] && opened[1]);
    EXPECT_EQ(as_text(opened[0]->value.reveal()), "4242");
    EXPECT_TRUE(opened[1]->value.empty());
  }
}

TEST_F(EngineTest, OldKeysOpenAndTheNewestSeals) {
  const PublicKeys before = engine->public_keys(kApp).value();
  const std::string old_value = seal(kApp, "old");
  const PublicKeys after = engine->rotate(kApp).value();
  EXPECT_NE(before.p256, after.p256);
  EXPECT_NE(before.secp256k1, after.secp256k1);
  const auto opened = open(kApp, kCage, {old_value, seal(kApp, "new")});
  EXPECT_EQ(as_text(opened[0]->value.reveal()), "old");
  EXPECT_EQ(as_text(opened[1]->value.reveal()), "new");
  EXPECT_EQ(engine->list_keys(kApp).value().size(), 4U);
}

TEST_F(EngineTest, KeysSurviveARestartAndLieWrapped) {
  const std::string value = seal(kApp, "kept");
  engine.emplace(*store, *wrapper, clock);
  EXPECT_EQ(as_text(open(kApp, kCage, {value})[0]->value.reveal()), "kept");
  struct stat status{};
  ASSERT_EQ(::stat((folder / "engine.key").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600U);
}

TEST_F(EngineTest, AnotherMasterKeyOpensNothing) {
  const std::string value = seal(kApp, "x");
  const auto other = wrapper_in_file(folder / "other.key", random).value();
  Engine stranger(*store, *other, clock);
  EXPECT_EQ(stranger.open(kApp, kCage, "test", {value}).error().code, Code::SEALED);
}

// A wrapped key that was moved to another app in the database is none of that app's.
TEST_F(EngineTest, AKeyIsItsAppsAlone) {
  const std::string value = seal(kApp, "x");
  EXPECT_TRUE(engine->public_keys(kOther));
  EXPECT_EQ(open(kOther, kCage, {value})[0].error().code, Code::SEALED);
  EngineKey moved = engine->list_keys(kApp).value().front();
  moved.app = kOther;
  ASSERT_TRUE(store->add_engine_key(moved));
  Engine fresh(*store, *wrapper, clock);
  EXPECT_EQ(fresh.open(kOther, kCage, "test", {value}).error().code, Code::SEALED);
}

TEST_F(EngineTest, OneBadValueSpoilsNoOther) {
  const std::string good = seal(kApp, "good");
  std::string broken = good;
  broken[broken.size() - 5] = broken[broken.size() - 5] == 'A' ? 'B' : 'A';
  const auto opened = open(kApp, kCage, {broken, "ev:123", good, "ev:QQQQ:a:b:c:$"});
  EXPECT_EQ(opened[0].error().code, Code::SEALED);
  EXPECT_EQ(opened[1].error().code, Code::EV_FORMAT);
  EXPECT_EQ(as_text(opened[2]->value.reveal()), "good");
  EXPECT_EQ(opened[3].error().code, Code::EV_VERSION);
}

TEST_F(EngineTest, RolesAreRefusedUntilARuleAllowsThem) {
  const std::string value = seal(kApp, "4242", "card");
  EXPECT_EQ(open(kApp, kCage, {value})[0].error().code, Code::ENGINE_POLICY);
  ASSERT_TRUE(engine->new_role(kApp, "card"));
  EXPECT_EQ(open(kApp, kCage, {value})[0].error().code, Code::ENGINE_POLICY);
  allow("card", "cage");
  EXPECT_TRUE(open(kApp, kCage, {value})[0]);
  EXPECT_EQ(open(kApp, kKey, {value})[0].error().code, Code::ENGINE_POLICY);
  allow("card", "api_key");
  EXPECT_TRUE(open(kApp, kKey, {value})[0]);
  EXPECT_EQ(open(kApp, kCage, {value})[0].error().code, Code::ENGINE_POLICY);
}

TEST_F(EngineTest, AnApiKeyGetsNothingByItself) {
  EXPECT_EQ(open(kApp, kKey, {seal(kApp, "4242")})[0].error().code, Code::ENGINE_POLICY);
}

TEST_F(EngineTest, ARoleThatIsNoneIsNotMade) {
  for (const char* name : {"", "Card", "card number", "123456789012345678901"}) {
    EXPECT_EQ(engine->new_role(kApp, name).error().code, Code::USAGE) << name;
  }
  ASSERT_TRUE(engine->new_role(kApp, "card"));
  EXPECT_EQ(engine->new_role(kApp, "card").error().code, Code::EXISTS);
}

TEST_F(EngineTest, TheAuditLogSaysWhoAndHowManyNeverWhat) {
  const std::string secret = "4242424242424242";
  ASSERT_TRUE(engine->new_role(kApp, "card"));
  open(kApp, kCage, {seal(kApp, secret), seal(kApp, secret, "card"), "ev:1"});
  const AuditEntry line = store->audit_log(0, 1).value().at(0);
  EXPECT_EQ(line.actor, "test");
  EXPECT_EQ(line.action, "decrypt");
  EXPECT_EQ(line.code, "ENGINE_POLICY");
  EXPECT_NE(line.detail.find("no role: 1 opened, 0 refused; role card: 0 opened, 1 refused; 1 not readable"),
            std::string::npos)
      << line.detail;
  EXPECT_EQ(line.detail.find(secret), std::string::npos);
}

TEST_F(EngineTest, ABatchHasABound) {
  EXPECT_TRUE(engine->public_keys(kApp));
  const std::vector<std::string_view> values(10'001, "ev:1");
  EXPECT_EQ(engine->open(kApp, kCage, "test", values).error().code, Code::LIMIT);
}

TEST_F(EngineTest, KeyVersionsHaveABound) {
  Result<PublicKeys> made = engine->public_keys(kApp);
  for (int i = 0; made && i < 100; ++i) made = engine->rotate(kApp);
  EXPECT_EQ(made.error().code, Code::LIMIT);
}

}  // namespace
}  // namespace cages::server
