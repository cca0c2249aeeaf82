// SPDX-License-Identifier: Apache-2.0
// What a client meets between itself and the cage that it asked for (design §5).
#include "attacks/attack.h"
#include "support/meeting.h"

namespace cages::attacks {
namespace {

std::string meet(const std::function<void(test::Meeting&)>& change) {
  test::Meeting meeting;
  change(meeting);
  return meeting.outcome();
}

std::vector<Attack> meetings() {
  return {
      // A certificate that the client trusts, and nothing that says what code holds its key.
      {"plain_tls_in_the_middle", "NO_EVIDENCE", [] { return meet([](auto& m) { m.cage.carry_evidence = false; }); }},
      // The host leads a client to another cage of the same image, under the same authority.
      {"cages_swapped_by_the_host", "TLS_NAME",
       [] { return meet([](auto& m) { m.target.host = "other.app-0123456789ab.localhost"; }); }},
      {"proof_in_an_error", "SESSION_ANSWER", [] { return meet([](auto& m) { m.cage.status = 404; }); }},
      {"proof_as_a_page", "SESSION_ANSWER", [] { return meet([](auto& m) { m.cage.type = "text/html"; }); }},
  };
}

TEST(Honest, ReachesTheApp) { EXPECT_EQ(meet([](auto&) {}), ""); }

TEST_P(Attempt, IsRefusedByOneCheck) { EXPECT_EQ(GetParam().attempt(), GetParam().refused_as); }
INSTANTIATE_TEST_SUITE_P(Client, Attempt, testing::ValuesIn(meetings()), attack_name);

}  // namespace
}  // namespace cages::attacks
