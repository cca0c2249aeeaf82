// SPDX-License-Identifier: Apache-2.0
// Boot chaos: a whole boot in one process, over memory streams and a clock that jumps, with a fault done to one of its
// messages. However it goes, the cage is ready or says by name what failed, in time, and ends; nothing leaks or hangs
// (the loop aborts where everything waits for ever). The plan is by the seed: CAGES_CHAOS_FIRST runs one again.
#include <gtest/gtest.h>

#include <cstdlib>
#include <iostream>
#include <map>
#include <set>

#include "base/limits.h"
#include "flows/chaos/faults.h"
#include "flows/chaos/world.h"
#include "runtime/boot/entropy.h"
#include "runtime/cage/cage.h"

namespace cages::chaos {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t kTurns = 2;  // through all pairs; `./run test-full kills` boots 10,000 times
constexpr std::uint64_t kBootsOfOneWorld = 500;
constexpr std::uint64_t kParts = 8;  // ctest runs them side by side
// The longest that a cage was left ready, and what the operator then takes to be heard.
constexpr Nanoseconds kHoldMax{15s};
constexpr Nanoseconds kAsking{30s};

// From the first word to the exit: each wait of a boot at its longest.
Nanoseconds deadline() {
  const Nanoseconds one_try = limits::kTokenTime + limits::kTlsHandshakeTime + limits::kProvisionTryTime;
  return limits::kHeartbeatTime + limits::kProvisionTime + one_try + limits::kAppHealthyTime + limits::kAppStopTime +
         limits::kAppOutputDrainTime + limits::kControlFlushTime + 4 * limits::kNsmAnswerTimeout + kHoldMax + kAsking;
}

struct Outcome {
  int exit = -1;
  bool ready = false;
  std::string failure;  // the last one's stage and code
  Nanoseconds took{0};
  std::uint64_t struck = 0;
  unsigned starts = 0;
  bool secrets_were_right = true;
};

// Whether errors.def has it; two codes take a word with them.
bool is_code(const std::string& text) {
  static const std::set<std::string> kNames{
#define CAGES_ERROR(name, audience, kind, sentence, next) #name,
#include "base/errors.def"
#undef CAGES_ERROR
  };
  return kNames.contains(text.substr(0, text.find(' ')));
}

Outcome boot(World& world, std::uint64_t seed, Tally& tally) {
  Chaos chaos(plan_of(seed), tally);
  Outcome outcome;
  net::EventLoop loop(world.clock());
  net::Event changed;
  const Nanoseconds began = world.clock().monotonic();
  runtime::Journal journal(world.clock());
  journal.observe([&](const wire::JournalEntry& entry, bool) {
    if (entry.stage == runtime::stage::kReady) outcome.ready = true;
    if (entry.code != "ok") {
      EXPECT_TRUE(is_code(entry.code)) << entry.stage << ": " << entry.code;
      outcome.failure = entry.stage + " " + entry.code;
    }
    changed.notify();
  });
  attest::Nsm nsm(std::make_unique<ChaosNsm>(world, chaos));
  const auto seeded = runtime::seed(nsm);
  const bool ground =
      journal.record(runtime::stage::kEntropy, seeded ? Result<std::string>(std::string()) : fail(seeded.error()));
  runtime::TrustedClock clock(world.clock());
  crypto::SystemRandom random;
  // Long enough for a sample of metrics, where the plan is about those.
  const Nanoseconds hold = chaos.about(Message::metrics) ? kHoldMax : chaos.pick_time(kHoldMax);
  ChaosHost host(loop, world, chaos);
  ChaosApp app(loop, world, chaos);
  {
    runtime::Cage cage({loop, host, host, nsm, clock, journal, random, app, app}, world.manifest());
    host.serve();
    loop.spawn("operator", host.operate(changed, outcome.ready, hold, [&] { cage.stop(1s); }));
    outcome.exit = loop.run(cage.run(ground)).value_or(-1);
  }
  outcome.took = world.clock().monotonic() - began;
  outcome.struck = chaos.struck();
  outcome.starts = app.starts();
  outcome.secrets_were_right = app.secrets_were_right();
  return outcome;
}

bool breaks(Fault fault) {
  switch (fault) {
    case Fault::close:
    case Fault::lose:
    case Fault::stall:
    case Fault::garbage:
    case Fault::oversize:
    case Fault::wrong_type:
    case Fault::truncate: return true;
    default: return false;
  }
}

// Without these there is no cage: where every one of them is broken, it must not call itself ready.
bool essential(Message message) {
  switch (message) {
    case Message::heartbeat:
    case Message::heartbeat_answer:
    case Message::token_request:
    case Message::token_answer:
    case Message::client_hello:
    case Message::server_flight:
    case Message::client_finished:
    case Message::hello:
    case Message::grant:
    case Message::nsm_random:
    case Message::nsm_describe:
    case Message::nsm_attest_provision:
    case Message::nsm_attest_leaf:
    case Message::app_started:
    case Message::app_health: return true;
    default: return false;
  }
}

// What the cage asks for again by itself, or does without: one fault to these it must get over. (A stream that is
// stalled for ever is not one fault: the host may always be silent.)
bool gets_over(const Plan& plan) {
  if (plan.always || plan.fault == Fault::stall) return false;
  switch (plan.message) {
    case Message::journal_entry:
    case Message::health_report:
    case Message::log_line:
    case Message::metrics:
    case Message::token_request:
    case Message::token_answer:
    case Message::token_refused:
    case Message::clock_hint:
    case Message::client_hello:
    case Message::server_flight:
    case Message::client_finished:
    case Message::client_records:
    case Message::server_records:
    case Message::grant:
    case Message::state_query:
    case Message::drain:
    case Message::state_answer:
    case Message::app_output:
    case Message::app_health: return true;
    default: return false;
  }
}

void judge(const Plan& plan, const Outcome& outcome) {
  EXPECT_NE(outcome.exit, -1) << "the loop was stopped";
  EXPECT_LE(outcome.took, deadline());
  EXPECT_TRUE(outcome.ready || !outcome.failure.empty()) << "neither ready nor a named failure";
  EXPECT_TRUE(outcome.secrets_were_right) << "the app got what the platform did not grant";
  if (outcome.ready) {
    EXPECT_GT(outcome.starts, 0U);
  } else {
    EXPECT_EQ(outcome.exit, 1);
  }
  const bool broken = plan.always && breaks(plan.fault) && essential(plan.message);
  EXPECT_FALSE(broken && outcome.ready) << "ready without what it cannot do without";
  EXPECT_FALSE(gets_over(plan) && !outcome.ready) << "did not get over it: " << outcome.failure;
  if (plan.message == Message::refused && plan.fault == Fault::split) {
    EXPECT_EQ(outcome.failure, "provision PROVISION_REFUSED");
  }
}

std::uint64_t number_from(const char* variable, std::uint64_t otherwise) {
  const char* text = std::getenv(variable);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

class BootChaos : public testing::TestWithParam<std::uint64_t> {};

// Each part takes every kParts-th seed, and answers for the pairs that come with those in the first turn.
TEST_P(BootChaos, EndsReadyOrByANamedFailureInTime) {
  const std::uint64_t turn = pair_count();
  const std::uint64_t seeds = number_from("CAGES_CHAOS_SEEDS", kTurns * turn);
  const std::uint64_t first = number_from("CAGES_CHAOS_FIRST", 0);
  Tally tally{};
  std::map<std::string, std::uint64_t> outcomes;
  std::unique_ptr<World> world;
  std::uint64_t booted = 0;
  for (std::uint64_t seed = first; seed < first + seeds; ++seed) {
    if (seed % kParts != GetParam()) continue;
    if (booted++ % kBootsOfOneWorld == 0) world = std::make_unique<World>();
    const Plan plan = plan_of(seed);
    SCOPED_TRACE("seed " + std::to_string(seed) + ": " + std::string(name_of(plan.fault)) + " " +
                 std::string(name_of(plan.message)) + (plan.always ? ", always" : ""));
    const Outcome outcome = boot(*world, seed, tally);
    judge(plan, outcome);
    ++outcomes[outcome.ready ? "ready" : outcome.failure];
    if (HasFailure()) break;
  }
  std::cout << booted << " boots:";
  for (const auto& [what, count] : outcomes) std::cout << " " << count << " " << what << ",";
  std::cout << "\n";
  if (seeds < turn) return;  // some seeds, run again
  for (std::uint64_t i = GetParam(); i < turn; i += kParts) {
    const auto [fault, message] = pair_of(i);
    EXPECT_GT(tally.at(static_cast<std::size_t>(fault)).at(static_cast<std::size_t>(message)), 0U)
        << name_of(fault) << " " << name_of(message);
  }
}
INSTANTIATE_TEST_SUITE_P(Part, BootChaos, testing::Range<std::uint64_t>(0, kParts));

// The plan's other half: nothing wrong, and the boot is ready. Else the test above would show nothing.
TEST(BootWithoutChaos, IsReadyAndDrains) {
  World world;
  Tally tally{};
  // A lie about a token that is never refused: struck never.
  std::uint64_t quiet = 0;
  while (plan_of(quiet).fault != Fault::split || plan_of(quiet).message != Message::metrics) ++quiet;
  const Outcome outcome = boot(world, quiet, tally);
  EXPECT_TRUE(outcome.ready);
  EXPECT_EQ(outcome.exit, 0);
  EXPECT_EQ(outcome.failure, "");
  EXPECT_EQ(outcome.starts, 1U);
}

}  // namespace
}  // namespace cages::chaos
