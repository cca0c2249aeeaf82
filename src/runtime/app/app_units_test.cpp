// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "base/limits.h"
#include "runtime/app/listening.h"
#include "runtime/app/output.h"
#include "runtime/app/restart.h"

namespace cages::runtime {
namespace {

using namespace std::chrono_literals;

std::vector<std::string> cut(std::size_t most, std::initializer_list<std::string_view> pieces) {
  std::vector<std::string> lines;
  LineCutter cutter(most, [&](ByteView line) { lines.emplace_back(as_text(line)); });
  for (const std::string_view piece : pieces) cutter.feed(as_bytes(piece));
  cutter.finish();
  return lines;
}

TEST(LineCutter, CutsAtLineEndsWhateverThePieces) {
  using Lines = std::vector<std::string>;
  EXPECT_EQ(cut(80, {"one\ntwo\n"}), (Lines{"one", "two"}));
  EXPECT_EQ(cut(80, {"o", "ne\r", "\n", "\n", "tail"}), (Lines{"one", "", "tail"}));
  EXPECT_EQ(cut(80, {}), (Lines{}));
  EXPECT_EQ(cut(4, {"abcdefghij\nk\n"}), (Lines{"abcd", "efgh", "ij", "k"}));
  EXPECT_EQ(cut(4, {"abcd\nefgh\n"}), (Lines{"abcd", "efgh"}));
  EXPECT_EQ(cut(4, {"abcdefghijkl"}), (Lines{"abcd", "efgh", "ijkl"}));
}

constexpr std::string_view kTable =
    "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
    "   0: 0100007F:1F40 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 35 1 0 100 0 0 10 0\n"
    "   1: 00000000:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 36 1 0 100 0 0 10 0\n"
    "   2: 0100007F:270F 0100007F:C350 01 00000000:00000000 00:00000000 00000000     0        0 37 1 0 100 0 0 10 0\n"
    "   3: garbage\n   4: 0100007F:XX 0:0 0A 0 0 0 0 0\n";

TEST(Listening, ReadsTheKernelsTableAndLeavesOutTheRest) {
  const auto ports = parse_listening(kTable);
  EXPECT_EQ(ports, (std::vector<ListeningPort>{{"127.0.0.1", 8000, 1000}, {"0.0.0.0", 80, 0}}));
  const auto six = parse_listening(
      "   0: 00000000000000000000000000000000:1F90 00000000000000000000000000000000:0000 0A 0:0 00:0 0 33 0 1\n"
      "   1: 00000000000000000000000001000000:1F91 00000000000000000000000000000000:0000 0A 0:0 00:0 0 33 0 1\n");
  EXPECT_EQ(six, (std::vector<ListeningPort>{{"::", 8080, 33}, {"::1", 8081, 33}}));
  EXPECT_EQ(describe_listening(ports, 8080, {80}), "port 8080 does not answer; the app listens on 127.0.0.1:8000");
  EXPECT_EQ(describe_listening(six, 1, {}), "port 1 does not answer; the app listens on [::]:8080, [::1]:8081");
  EXPECT_EQ(describe_listening({}, 1, {}), "port 1 does not answer; the app listens on nothing");
}

TEST(Listening, IsBounded) {
  std::string many;
  for (int i = 0; i < 5000; ++i) many += "   1: 00000000:0050 00000000:0000 0A 0:0 00:0 0 0 0 36\n";
  EXPECT_EQ(parse_listening(many).size(), limits::kListeningPortsMax);
}

TEST(Restart, FollowsThePolicyAndBacksOff) {
  const Ending clean{0, 0};
  const Ending crashed{0, 11};
  EXPECT_FALSE(Restart(wire::Restart::never).after_ending(crashed, 1s).has_value());
  EXPECT_FALSE(Restart(wire::Restart::on_failure).after_ending(clean, 1s).has_value());
  EXPECT_TRUE(Restart(wire::Restart::always).after_ending(clean, 1s).has_value());
  Restart restart(wire::Restart::on_failure);
  Nanoseconds last{0};
  for (int i = 0; i < 20; ++i) {
    const auto wait = restart.after_ending(crashed, 1ms);
    ASSERT_TRUE(wait.has_value());
    EXPECT_GE(*wait, last);
    last = *wait;
  }
  EXPECT_EQ(last, Nanoseconds(limits::kRestartDelayMax));
  EXPECT_EQ(restart.after_ending(crashed, Nanoseconds(limits::kRestartCalm)), Nanoseconds(limits::kRestartDelayMin));
  EXPECT_EQ(restart.restarts(), 21U);
}

}  // namespace
}  // namespace cages::runtime
