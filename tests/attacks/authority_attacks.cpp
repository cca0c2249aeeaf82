// SPDX-License-Identifier: Apache-2.0
// Servers and hosts that pass themselves off as the platform's (design §4).
#include "attacks/attack.h"
#include "crypto/authority.h"

namespace cages::attacks {
namespace {

using namespace std::chrono_literals;
using crypto::Authority;
using crypto::Curve;

const WallTime kNow = from_unix_seconds(1'767'225'600);
constexpr std::string_view kName = "provisioner.cages";

// A platform, and what it would issue to somebody.
struct Platform {
  crypto::SystemRandom random;
  Authority root = crypto::make_authority("platform root", Curve::p384, 0, kNow, 24h * 365, random).value();
  crypto::PrivateKey key = crypto::PrivateKey::generate(Curve::p256).value();

  crypto::Certificate server(std::string_view name = kName) {
    return crypto::certify_server(root, name, key.public_key(), kNow, 24h, random).value();
  }
  crypto::Certificate client() { return crypto::certify_client(root, "host", key.public_key(), kNow, 24h, random).value(); }
  // What a cage that was built for this platform says.
  [[nodiscard]] std::string dial(const crypto::Certificate& server, const crypto::Certificate& top, WallTime now = kNow) const {
    const std::vector<Bytes> chain{server.der(), top.der()};
    const crypto::KeyHash known = crypto::key_hash(root.certificate.public_key());
    return class_of(crypto::verify_server_chain(chain, std::span(&known, 1), kName, now));
  }
  // What its caged says of a host.
  [[nodiscard]] std::string admit(const crypto::Certificate& client, WallTime now = kNow) const {
    return class_of(crypto::verify_client(client.der(), root.certificate, now));
  }
};

std::vector<Attack> servers() {
  return {
      {"of_another_platform", "PLATFORM_ROOT",
       [] { Platform ours, theirs; return ours.dial(theirs.server(), theirs.root.certificate); }},
      {"with_a_hosts_certificate", "PLATFORM_CHAIN",
       [] {
         Platform ours;
         const auto host = crypto::certify_client(ours.root, kName, ours.key.public_key(), kNow, 24h, ours.random).value();
         return ours.dial(host, ours.root.certificate);
       }},
      {"signed_by_another", "PLATFORM_CHAIN", [] { Platform ours, theirs; return ours.dial(theirs.server(), ours.root.certificate); }},
      {"of_another_name", "PLATFORM_NAME",
       [] { Platform ours; return ours.dial(ours.server("engine.cages"), ours.root.certificate); }},
      {"expired", "PLATFORM_TIME",
       [] { Platform ours; return ours.dial(ours.server(), ours.root.certificate, kNow + 25h); }},
  };
}

std::vector<Attack> hosts() {
  return {
      {"of_another_platform", "PLATFORM_CHAIN", [] { Platform ours, theirs; return ours.admit(theirs.client()); }},
      {"with_a_servers_certificate", "PLATFORM_CHAIN", [] { Platform ours; return ours.admit(ours.server()); }},
      {"expired", "PLATFORM_TIME", [] { Platform ours; return ours.admit(ours.client(), kNow + 25h); }},
  };
}

TEST_P(Attempt, IsRefusedByOneCheck) { EXPECT_EQ(GetParam().attempt(), GetParam().refused_as); }
INSTANTIATE_TEST_SUITE_P(Server, Attempt, testing::ValuesIn(servers()), attack_name);
INSTANTIATE_TEST_SUITE_P(Host, Attempt, testing::ValuesIn(hosts()), attack_name);

}  // namespace
}  // namespace cages::attacks
