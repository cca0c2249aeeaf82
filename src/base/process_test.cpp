// SPDX-License-Identifier: Apache-2.0
#include "base/process.h"

#include <gtest/gtest.h>
#include <signal.h>

#include <thread>

namespace cages {
namespace {

using namespace std::chrono_literals;

TEST(Run, ReturnsWhatTheProgramWroteAndHowItEnded) {
  const Outcome outcome = run({{"sh", "-c", "echo out; echo err >&2; exit 3"}, {}, {}}, 100, 10s).value();
  EXPECT_EQ(outcome.status, 3);
  EXPECT_EQ(as_text(outcome.out), "out\n");
  EXPECT_EQ(as_text(outcome.err), "err\n");
}

TEST(Run, ReplacesVariablesAndTheFolder) {
  const Outcome outcome = run({{"sh", "-c", "echo $CAGES_T; pwd"}, {"CAGES_T=x y"}, "/"}, 100, 10s).value();
  EXPECT_EQ(as_text(outcome.out), "x y\n/\n");
}

TEST(Run, KeepsNoMoreThanTheBoundAndStopsAtTheDeadline) {
  EXPECT_EQ(run({{"sh", "-c", "yes | head -c 1000000"}, {}, {}}, 10, 10s).value().out.size(), 10U);
  EXPECT_EQ(run({{"sleep", "60"}, {}, {}}, 10, 50ms).error().code, Code::TIMEOUT);
  EXPECT_EQ(run({{"no-such-program-here"}, {}, {}}, 10, 1s).error().code, Code::NOT_FOUND);
}

TEST(Child, IsStoppedPolitelyThenFirmly) {
  Child polite = Child::start({{"sleep", "60"}, {}, {}}, -1, -1).value();
  EXPECT_FALSE(polite.ended());
  EXPECT_EQ(polite.stop(5s), 128 + SIGTERM);
  Child stubborn = Child::start({{"sh", "-c", "trap '' TERM; while :; do sleep 1; done"}, {}, {}}, -1, -1).value();
  std::this_thread::sleep_for(100ms);
  EXPECT_EQ(stubborn.stop(100ms), 128 + SIGKILL);
}

}  // namespace
}  // namespace cages
