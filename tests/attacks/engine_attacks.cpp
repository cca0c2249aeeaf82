// SPDX-License-Identifier: Apache-2.0
// Callers who want encrypted values opened that no rule of the app's policy lets them have
// (docs/guide/encrypted-values.md).
#include <filesystem>

#include "attacks/attack.h"
#include "server/engine/engine.h"

namespace cages::attacks {
namespace {

using policy::CallerKind;
using policy::DecryptCaller;

const std::string kApp = "app_000000000001";
constexpr std::int64_t kNow = 1'767'225'600;

Pcr image(Byte fill) {
  Pcr pcr{};
  pcr.fill(fill);
  return pcr;
}

// One value of the role "card" and one without, and a policy: a certain image may have cards for a certain time.
class Bench {
 public:
  Bench() {
    std::string pattern = (std::filesystem::temp_directory_path() / "cages-engine-XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
    store_.emplace(server::Store::open(folder_, clock_, random_).value());
    std::ignore = store_->add_app({kApp, "one", 0, {}});
    wrapper_ = server::wrapper_in_file(folder_ / "engine.key", random_).value();
    engine_.emplace(*store_, *wrapper_, clock_);
    std::ignore = engine_->new_role(kApp, "card");
    std::ignore =
        engine_->set_policy(kApp, parse_json(R"({"rules":[{"name":"cards","role":"card","callers":["cage"],"pcr0":[")" +
                                             hex(image(7)) + R"("],"not_before":1767225500,"not_after":1767225700}]})")
                                      .value());
  }
  ~Bench() { std::filesystem::remove_all(folder_); }

  std::string ask(const DecryptCaller& caller, const std::optional<std::string>& role, std::int64_t now = kNow) {
    clock_.advance(std::chrono::seconds(now - kNow));
    const auto keys = engine_->public_keys(kApp).value();
    const auto sealer = crypto::EvSealer::make(wire::EvCurve::p256, keys.p256).value();
    const auto metadata = role ? std::optional<wire::EvMetadata>({*role, 1, 2}) : std::nullopt;
    const std::string value = wire::write_ev(sealer.seal(wire::EvType::string, as_bytes("4242"), metadata).value());
    return class_of(engine_->open(kApp, caller, "attacker", {value}).value().at(0));
  }

 private:
  std::filesystem::path folder_;
  ManualClock clock_{from_unix_seconds(kNow)};
  crypto::SystemRandom random_;
  std::optional<server::Store> store_;
  std::unique_ptr<server::KeyWrapper> wrapper_;
  std::optional<server::Engine> engine_;
};

std::vector<Attack> callers() {
  const DecryptCaller cage{CallerKind::cage, image(7)};
  const auto by = [](DecryptCaller caller, std::optional<std::string> role, std::int64_t now = kNow) {
    return [=] { return Bench().ask(caller, role, now); };
  };
  return {
      {"an_api_key", "ENGINE_POLICY", by({CallerKind::api_key, {}}, "card")},
      {"another_image", "ENGINE_POLICY", by({CallerKind::cage, image(8)}, "card")},
      {"an_image_that_nobody_measured", "ENGINE_POLICY", by({CallerKind::cage, {}}, "card")},
      {"a_role_that_no_rule_names", "ENGINE_POLICY", by(cage, "iban")},
      {"a_value_without_a_role", "ENGINE_POLICY", by(cage, {})},
      {"before_its_time", "ENGINE_POLICY", by(cage, "card", kNow - 3600)},
      {"after_its_time", "ENGINE_POLICY", by(cage, "card", kNow + 3600)},
  };
}

TEST_P(Attempt, IsRefusedByOneCheck) { EXPECT_EQ(GetParam().attempt(), GetParam().refused_as); }

INSTANTIATE_TEST_SUITE_P(Engine, Attempt, ::testing::ValuesIn(callers()), attack_name);

// The bench itself: who may, can.
TEST(EngineBench, OpensForWhomTheRuleNames) { EXPECT_EQ(Bench().ask({CallerKind::cage, image(7)}, "card"), ""); }

}  // namespace
}  // namespace cages::attacks
