// SPDX-License-Identifier: Apache-2.0
// Each kind of document before each of those that accept one (design §5): who takes documents of one purpose takes no other's.
#include "attacks/attack.h"
#include "attest/evidence.h"
#include "support/platform.h"

namespace cages::attacks {
namespace {

constexpr std::int64_t kNow = 1'767'225'600;  // where a ManualClock begins

// One enclave before one platform, which may ask its NSM for any document.
struct World {
  test::TestPlatform platform;
  test::TestEnclave enclave;
  crypto::PrivateKey tls = crypto::PrivateKey::generate(crypto::Curve::p256).value();
  std::string token = platform.token();
  Bytes challenge = to_bytes("a relying party's challenge");

  // What the enclave would present to the provisioner; every acceptor gets its document.
  [[nodiscard]] server::Presented with(const Bytes& user_data) {
    return platform.hello_of(enclave, token, [&](auto& claims) { claims.user_data = user_data; });
  }
};

struct Made {
  std::string_view purpose;
  Bytes (*user_data)(World&);
};

// An app chooses its challenge: here it is what another document's user_data would be.
constexpr Made kMade[] = {
    {"tls", [](World& w) { return w.tls.public_key().spki(); }},
    {"provisioning", [](World& w) { return to_bytes(w.token); }},
    {"app", [](World& w) { return attest::app_user_data(w.challenge).value(); }},
    {"app_with_a_tls_key", [](World& w) { return attest::app_user_data(w.tls.public_key().spki()).value(); }},
    {"app_with_a_token", [](World& w) { return attest::app_user_data(as_bytes(w.token).first(400)).value(); }},
};

struct Acceptor {
  std::string_view name;
  std::string_view takes;
  std::string_view refuses_as;
  std::string (*judge)(World&, const server::Presented&);
};

policy::AttestationPolicy any_code() {
  policy::AttestationPolicy rules;
  rules.any_pcrs = true;
  return rules;
}

// A client is shown a leaf with the document in it.
std::string client(World& w, const server::Presented& made) {
  crypto::CertificateFields fields;
  fields.serial = {1};
  fields.issuer = fields.subject = crypto::common_name("a cage").value();
  fields.not_before = from_unix_seconds(kNow - 10);
  fields.not_after = from_unix_seconds(kNow + 300);
  fields.extensions = {attest::evidence_extension(made.document)};
  const Bytes leaf = crypto::issue(fields, w.tls.public_key(), w.tls).value().der();
  const attest::TrustRoot root = w.platform.authority.root();
  return class_of(attest::verify_tls_evidence(leaf, {&root, 1}, kNow, policy::admit(any_code()).value()));
}

std::string provisioner(World& w, const server::Presented& made) { return w.platform.outcome(made); }

// A relying party asked the app to have its challenge signed.
std::string relying_party(World& w, const server::Presented& made) {
  policy::AttestationPolicy rules = any_code();
  rules.user_data = attest::app_user_data(w.challenge).value();
  const attest::TrustRoot root = w.platform.authority.root();
  return class_of(attest::verify(made.document, {&root, 1}, kNow, policy::admit(std::move(rules)).value()));
}

constexpr Acceptor kAcceptors[] = {{"client", "tls", "PURPOSE", client},
                                   {"provisioner", "provisioning", "PURPOSE", provisioner},
                                   {"relying_party", "app", "USER_DATA", relying_party}};

std::vector<Attack> crossings() {
  std::vector<Attack> out;
  for (const Made& made : kMade) {
    for (const Acceptor& acceptor : kAcceptors) {
      const std::string refused_as(made.purpose == acceptor.takes ? "" : acceptor.refuses_as);
      out.push_back({std::string(made.purpose) + "_to_" + std::string(acceptor.name), refused_as, [&made, &acceptor] {
                       World world;
                       return acceptor.judge(world, world.with(made.user_data(world)));
                     }});
    }
  }
  return out;
}

TEST_P(Attempt, IsRefusedByOneCheck) { EXPECT_EQ(GetParam().attempt(), GetParam().refused_as); }
INSTANTIATE_TEST_SUITE_P(Purpose, Attempt, testing::ValuesIn(crossings()), attack_name);

}  // namespace
}  // namespace cages::attacks
