// SPDX-License-Identifier: Apache-2.0
// The production path under a root of the test's: this file defines what attest/production_root.cpp defines in what ships, and
// everything else is the same object code. What is not production's is refused.
#include "attacks/attack.h"
#include "server/registry/registry.h"
#include "support/platform.h"

namespace cages::attacks {
namespace {

constexpr std::int64_t kStart = 1'767'225'600;  // where a ManualClock begins

std::shared_ptr<const test::TestAuthority> hypervisor() {
  static const auto authority = std::make_shared<const test::TestAuthority>(kStart);
  return authority;
}

}  // namespace
}  // namespace cages::attacks

namespace cages::attest {

const TrustRoot& production_root() {
  static const TrustRoot root(attacks::hypervisor()->root().der(), std::string(TrustRoot::kNitro));
  return root;
}

}  // namespace cages::attest

namespace cages::attacks {
namespace {

using test::TestEnclave;
using test::TestPlatform;

// A caged of a fleet: no development, the production root alone.
TestPlatform fleet(const std::string& evidence_class = "nitro") {
  return TestPlatform(evidence_class, false, {attest::production_root()}, hypervisor());
}

std::string with_claims(const std::function<void(wire::DocumentClaims&)>& change) {
  TestPlatform p = fleet();
  return p.outcome(p.hello_of(TestEnclave(), p.token(), change));
}

std::string development_document() {
  TestPlatform p = fleet();
  const test::TestAuthority developer(kStart);
  const TestEnclave enclave;
  const Bytes csr = enclave.csr();
  const auto claims = enclave.claims(developer.claims(), p.token(), csr, p.exporter);
  return p.outcome({developer.document(claims), csr, p.exporter});
}

void make_debug(wire::DocumentClaims& claims) {
  for (std::uint8_t index = 0; index < 3; ++index) claims.pcrs[index].fill(0);
}

// A record of another class got into a fleet's database, and even its root is known: it is given nothing.
std::string development_class(const std::string& evidence_class) {
  const auto developer = std::make_shared<const test::TestAuthority>(kStart);
  TestPlatform p(evidence_class.empty() ? developer->root().evidence_class() : evidence_class, false,
                 {attest::production_root(), developer->root()}, evidence_class.empty() ? developer : hypervisor());
  return p.outcome(p.hello_of(TestEnclave(), p.token(), [&](auto& claims) {
    if (!evidence_class.empty()) make_debug(claims);
  }));
}

std::string host_without_pcr4() {
  TestPlatform p = fleet();
  server::Carrier carrier = p.carrier();
  const std::string token = p.token();
  carrier.host.pcr4.reset();
  return p.outcome(p.hello_of(TestEnclave(), token), carrier);
}

std::string wrong_pcr3() {
  TestPlatform p = fleet();
  server::Carrier carrier = p.carrier();
  carrier.host.pcr3 = server::Digest384{};
  carrier.host.pcr3->fill(3);
  return p.outcome(p.hello_of(TestEnclave(), p.token(), [](auto& claims) { claims.pcrs[3].fill(4); }), carrier);
}

// A process host of a fleet is assigned no deployment of its class.
std::string process_host() {
  const auto developer = std::make_shared<const test::TestAuthority>(kStart);
  const std::string evidence_class = developer->root().evidence_class();
  TestPlatform p(evidence_class, false, {attest::production_root()}, developer);
  auto blobs = server::Blobs::open(std::filesystem::temp_directory_path() / "cages-attacks-blobs").value();
  server::Registry registry({.domain = "localhost", .development = false, .default_class = "nitro",
                             .classes = {"nitro", evidence_class}}, p.store, blobs, p.random);
  return registry.assignments(p.host).value().all.empty() ? "ASSIGN_CLASS" : "";
}

std::vector<Attack> production() {
  return {
      {"development_document", "UNTRUSTED_ROOT", development_document},
      {"debug_document", "DEBUG", [] { return with_claims(make_debug); }},
      {"development_class", "PROV_CLASS", [] { return development_class({}); }},
      {"debug_class", "PROV_CLASS", [] { return development_class("nitro-debug"); }},
      {"wrong_pcr4", "PROV_INSTANCE", [] { return with_claims([](auto& claims) { claims.pcrs[4].fill(0xee); }); }},
      {"wrong_pcr3", "PROV_INSTANCE", wrong_pcr3},
      {"host_without_pcr4", "PROV_INSTANCE", host_without_pcr4},
      {"process_host", "ASSIGN_CLASS", process_host},
  };
}

TEST_P(Attempt, IsRefusedByOneCheck) { EXPECT_EQ(GetParam().attempt(), GetParam().refused_as); }
INSTANTIATE_TEST_SUITE_P(Production, Attempt, testing::ValuesIn(production()), attack_name);

TEST(Production, GrantsAGenuineEnclave) {
  TestPlatform p = fleet();
  EXPECT_EQ(p.outcome(p.hello_of(TestEnclave(), p.token())), "");
}

TEST(Production, KeepsTheSecretsOfClassesApart) {
  TestPlatform p = fleet();
  const TestEnclave enclave;
  const std::string token = p.token();
  const auto hello = p.hello_of(enclave, token);
  const auto answer = p.provisioner->answer(hello, p.carrier());
  const auto id = wire::parse_token(token).value().claims.id;
  const auto secrets = enclave.open(std::get<wire::ProvisionGrant>(answer), p.deployment.id, id, hello.document).value();
  EXPECT_EQ(as_text(secrets.secrets.at(0).value.reveal()), "value of nitro");
  EXPECT_NE(p.keyring->cages_root("nitro").value()->certificate.public_key().spki(),
            p.keyring->cages_root("nitro-debug").value()->certificate.public_key().spki());
}

}  // namespace
}  // namespace cages::attacks
