// SPDX-License-Identifier: Apache-2.0
// What a hostile host, enclave or network presents to the provisioner (design §4.5), and certificates that are not the
// platform's.
#include "attacks/attack.h"
#include "crypto/authority.h"
#include "server/api/access.h"
#include "server/registry/registry.h"
#include "support/platform.h"

namespace cages::attacks {
namespace {

using test::TestEnclave;
using test::TestPlatform;

std::string replayed_token() {
  TestPlatform p;
  const TestEnclave enclave;
  const std::string token = p.token();
  const auto first = p.outcome(p.hello_of(enclave, token));
  return first.empty() ? p.outcome(p.hello_of(enclave, token)) : "first: " + first;
}

std::string replayed_document() {
  TestPlatform p;
  const TestEnclave enclave;
  const auto hello = p.hello_of(enclave, p.token());
  const auto first = p.outcome(hello);
  return first.empty() ? p.outcome(hello) : "first: " + first;
}

std::string token_of_another_host() {
  TestPlatform p;
  const server::Host other = p.add_host(2, "h2");
  const TestEnclave enclave;
  const std::string token = p.token();
  (void)p.store.set_host(p.deployment.id, other.id);
  return p.outcome(p.hello_of(enclave, token), {other, "192.0.2.1"});
}

std::string token_from_another_address() {
  TestPlatform p;
  return p.outcome(p.hello_of(TestEnclave(), p.token()), {p.host, "192.0.2.2"});
}

std::string csr_swapped() {
  TestPlatform p;
  const TestEnclave enclave;
  const TestEnclave attacker;
  auto hello = p.hello_of(enclave, p.token());
  hello.csr = attacker.csr();
  return p.outcome(hello);
}

// The attacker's request is inside the nonce, but the CA key that the document names is another.
std::string csr_of_another_key() {
  TestPlatform p;
  const TestEnclave enclave;
  const Bytes csr = TestEnclave().csr();
  auto claims = enclave.claims(p.authority.claims(), p.token(), csr, p.exporter);
  return p.outcome({p.authority.document(claims), csr, p.exporter});
}

std::string document_of_another_connection() {
  TestPlatform p;
  auto hello = p.hello_of(TestEnclave(), p.token());
  hello.exporter = Bytes(32, 43);
  return p.outcome(hello);
}

std::string with_claims(const std::function<void(wire::DocumentClaims&)>& change) {
  TestPlatform p;
  return p.outcome(p.hello_of(TestEnclave(), p.token(), change));
}

// The host asks for a token for one cage and gives it to another.
std::string token_of_another_cage() {
  TestPlatform p;
  server::Deployment other = p.deployment;
  other.id.fill(9);
  other.pcr2.fill(9);
  other.version = p.store.add_deployment(other).value();
  return p.outcome(p.hello_of(TestEnclave(), p.token(other, p.carrier())));
}

// What one enclave sent, passed on as the other's, with the other's request.
std::string document_of_another_enclave() {
  TestPlatform p;
  const auto hello = p.hello_of(TestEnclave(), p.token());
  return p.outcome({hello.document, TestEnclave().csr(), hello.exporter});
}

std::string older_document() {
  TestPlatform p;
  // Just issued a token; the document is from before.
  return p.outcome(p.hello_of(TestEnclave(), p.token(), [](auto& claims) { claims.timestamp_ms -= 61'000; }));
}

std::string document_under_another_root() {
  TestPlatform p;
  const test::TestAuthority other(unix_seconds(p.clock.wall()));
  const TestEnclave enclave;
  const Bytes csr = enclave.csr();
  const auto claims = enclave.claims(other.claims(), p.token(), csr, p.exporter);
  return p.outcome({other.document(claims), csr, p.exporter});
}

// Both roots are known to this caged, and each class has its own.
std::string document_of_another_class() {
  const test::TestAuthority other(1'767'225'600);
  TestPlatform p({}, true, {other.root()});
  const TestEnclave enclave;
  const Bytes csr = enclave.csr();
  const auto claims = enclave.claims(other.claims(), p.token(), csr, p.exporter);
  return p.outcome({other.document(claims), csr, p.exporter});
}

std::string signer_changed() {
  TestPlatform p;
  return p.outcome(p.hello_of(TestEnclave(), p.token(), [](auto& claims) { claims.pcrs[8].fill(0x99); }));
}

std::string signer_not_of_the_app() {
  TestPlatform p;
  server::Digest384 other;
  other.fill(0x77);
  (void)p.store.set_signers(p.deployment.app, {other});
  return p.outcome(p.hello_of(TestEnclave(), p.token()));
}

std::string revoked() {
  TestPlatform p;
  const std::string token = p.token();
  (void)p.store.set_state(p.deployment.id, server::DeploymentState::revoked);
  return p.outcome(p.hello_of(TestEnclave(), token));
}

std::string below_the_floor() {
  TestPlatform p;
  const std::string token = p.token();
  (void)p.store.set_floor(p.deployment.app, p.deployment.version + 1);
  return p.outcome(p.hello_of(TestEnclave(), token));
}

std::vector<Attack> provisioning() {
  return {
      {"token_replayed", "TOKEN_REPLAYED", replayed_token},
      {"document_replayed", "TOKEN_REPLAYED", replayed_document},
      {"token_of_another_host", "TOKEN_HOST", token_of_another_host},
      {"token_from_another_address", "TOKEN_ADDRESS", token_from_another_address},
      {"csr_swapped", "PROV_NONCE", csr_swapped},
      {"csr_of_another_key", "PROV_KEYS", csr_of_another_key},
      {"document_of_another_connection", "PROV_NONCE", document_of_another_connection},
      {"token_of_another_cage", "PROV_PCRS", token_of_another_cage},
      {"document_of_another_enclave", "PROV_NONCE", document_of_another_enclave},
      {"document_older", "TIMESTAMP_OLD", older_document},
      {"document_under_another_root", "UNTRUSTED_ROOT", document_under_another_root},
      {"document_of_another_class", "UNTRUSTED_ROOT", document_of_another_class},
      {"rebuilt_with_one_byte_changed", "PROV_PCRS", [] { return with_claims([](auto& c) { c.pcrs[2][0] ^= 1; }); }},
      {"another_operators_image", "PROV_PCRS", [] { return with_claims([](auto& c) { c.pcrs[0].fill(0xee); }); }},
      {"signer_changed", "PROV_SIGNER", signer_changed},
      {"signer_not_of_the_app", "PROV_SIGNER", signer_not_of_the_app},
      {"version_revoked", "PROV_STATE", revoked},
      {"version_below_the_floor", "PROV_STATE", below_the_floor},
  };
}

// Who pretends to be the provisioner, or a host.
const WallTime kNow = from_unix_seconds(1'767'225'600);
constexpr std::chrono::hours kDay{24};

std::string server_chain(bool own_root, std::string_view name, WallTime at, bool swap_leaf = false) {
  crypto::SystemRandom random;
  const auto root = crypto::make_authority("platform", crypto::Curve::p384, 0, kNow, kDay, random).value();
  const auto other = crypto::make_authority("platform", crypto::Curve::p384, 0, kNow, kDay, random).value();
  const auto key = crypto::PrivateKey::generate(crypto::Curve::p256).value();
  const auto& signer = own_root && !swap_leaf ? root : other;
  const auto leaf = crypto::certify_server(signer, name, key.public_key(), kNow, kDay, random).value();
  const std::vector<Bytes> chain{leaf.der(), (own_root ? root : other).certificate.der()};
  const crypto::KeyHash hash = crypto::key_hash(root.certificate.public_key());
  return class_of(crypto::verify_server_chain(chain, {&hash, 1}, "provisioner.cages", at));
}

std::string host_certificate(bool own_root, WallTime at) {
  crypto::SystemRandom random;
  const auto root = crypto::make_authority("hosts", crypto::Curve::p256, 0, kNow, kDay, random).value();
  const auto other = crypto::make_authority("hosts", crypto::Curve::p256, 0, kNow, kDay, random).value();
  const auto key = crypto::PrivateKey::generate(crypto::Curve::p256).value();
  const auto leaf = crypto::certify_client(own_root ? root : other, "h1", key.public_key(), kNow, kDay, random).value();
  return class_of(crypto::verify_client(leaf.der(), root.certificate, at));
}

std::string enrol_with(const std::function<void(std::string&, TestPlatform&)>& change) {
  TestPlatform p;
  auto blobs = server::Blobs::open(std::filesystem::temp_directory_path() / "cages-attacks-blobs").value();
  server::Registry registry({}, p.store, blobs, p.random);
  const auto key = crypto::PrivateKey::generate(crypto::Curve::p256).value();
  std::string code = registry.enrol_code("h9", {}, {}, key.public_key()).value();
  change(code, p);
  return class_of(registry.enrol(code, key.public_key()));
}

std::vector<Attack> impostors() {
  return {
      {"provisioner_under_another_root", "PLATFORM_ROOT", [] { return server_chain(false, "provisioner.cages", kNow); }},
      {"provisioner_signed_by_another", "PLATFORM_CHAIN", [] { return server_chain(true, "provisioner.cages", kNow, true); }},
      {"provisioner_by_another_name", "PLATFORM_NAME", [] { return server_chain(true, "engine.cages", kNow); }},
      {"provisioner_long_gone", "PLATFORM_TIME",
       [] { return server_chain(true, "provisioner.cages", kNow + 2 * kDay); }},
      {"host_of_another_platform", "PLATFORM_CHAIN", [] { return host_certificate(false, kNow); }},
      {"host_certificate_expired", "PLATFORM_TIME", [] { return host_certificate(true, kNow + 2 * kDay); }},
      {"enrolment_code_guessed", "ENROL_CODE",
       [] { return enrol_with([](std::string& code, auto&) { code[24] = code[24] == 'A' ? 'B' : 'A'; }); }},
      {"enrolment_code_late", "ENROL_CODE",
       [] { return enrol_with([](std::string&, auto& p) { p.clock.advance(std::chrono::hours(2)); }); }},
  };
}

// What the registry and the API take.
std::string set_secret(std::string_view name) {
  TestPlatform p;
  const std::string evidence_class = p.deployment.evidence_class;
  auto blobs = server::Blobs::open(std::filesystem::temp_directory_path() / "cages-attacks-blobs").value();
  server::Registry registry({.domain = "localhost", .development = true, .default_class = evidence_class,
                             .classes = {evidence_class}}, p.store, blobs, p.random);
  const auto app = registry.find_app("pay").value();
  return class_of(registry.set_secret(app, evidence_class, name, Secret::copy_of(as_bytes("x"))));
}

std::string deploy_asking_for(std::string_view name) {
  wire::Manifest manifest;
  manifest.secrets = {{std::string(name), wire::Delivery::environment}};
  return class_of(server::check_secret_names(manifest));
}

std::string api_key(bool right_secret) {
  TestPlatform p;
  const Secret key = server::new_api_key(p.store, p.random, "test").value();
  std::string text(as_text(key.reveal()));
  if (!right_secret) text.back() = text.back() == 'A' ? 'E' : 'A';
  return class_of(server::authorise(p.store, "Bearer " + text));
}

std::string revoked_host() {
  TestPlatform p;
  auto blobs = server::Blobs::open(std::filesystem::temp_directory_path() / "cages-attacks-blobs").value();
  server::Registry registry({}, p.store, blobs, p.random);
  const auto key = crypto::PrivateKey::generate(crypto::Curve::p256).value();
  const auto code = registry.enrol_code("h9", {}, {}, key.public_key()).value();
  const server::Host host = registry.enrol(code, key.public_key()).value();
  if (!registry.known_host(key.public_key())) return "unknown before";
  (void)p.store.revoke_host(host.id);
  return class_of(registry.known_host(key.public_key()));
}

std::vector<Attack> registry_attacks() {
  return {
      {"host_revoked", "HOST_REVOKED", revoked_host},
      {"secret_named_like_a_loader_variable", "SECRET_NAME", [] { return set_secret("LD_PRELOAD"); }},
      {"image_asks_for_a_loader_variable", "SECRET_NAME", [] { return deploy_asking_for("LD_PRELOAD"); }},
      {"api_key_guessed", "UNAUTHORISED", [] { return api_key(false); }},
  };
}

TEST(Honest, KeysAndSecretsAreTaken) {
  EXPECT_EQ(set_secret("STRIPE_KEY"), "");
  EXPECT_EQ(deploy_asking_for("STRIPE_KEY"), "");
  EXPECT_EQ(api_key(true), "");
}

TEST_P(Attempt, IsRefusedByOneCheck) { EXPECT_EQ(GetParam().attempt(), GetParam().refused_as); }
INSTANTIATE_TEST_SUITE_P(Provision, Attempt, testing::ValuesIn(provisioning()), attack_name);
INSTANTIATE_TEST_SUITE_P(Registry, Attempt, testing::ValuesIn(registry_attacks()), attack_name);
INSTANTIATE_TEST_SUITE_P(Impostor, Attempt, testing::ValuesIn(impostors()), attack_name);

// The honest enclave, so that a refusal above is the lie's.
TEST(Honest, IsGrantedItsOwnAndNothingElse) {
  TestPlatform p;
  const TestEnclave enclave;
  const std::string token = p.token();
  const auto hello = p.hello_of(enclave, token);
  const auto answer = p.provisioner->answer(hello, p.carrier());
  const auto* grant = std::get_if<wire::ProvisionGrant>(&answer);
  ASSERT_NE(grant, nullptr) << std::get<wire::ProvisionRefused>(answer).code;
  const auto chain = crypto::Certificate::from_der(grant->chain[0]).value();
  EXPECT_EQ(chain.public_key().spki(), enclave.ca.public_key().spki());
  EXPECT_EQ(chain.extension(crypto::oid::kNameConstraints)->value, crypto::name_constraints(p.deployment.names).value);
  const auto token_id = wire::parse_token(token).value().claims.id;
  const auto secrets = enclave.open(*grant, p.deployment.id, token_id, hello.document).value();
  ASSERT_EQ(secrets.secrets.size(), 1U);
  EXPECT_EQ(as_text(secrets.secrets[0].value.reveal()), "value of " + p.deployment.evidence_class);
  const auto engine = wire::parse_engine_token(secrets.engine_token).value();
  EXPECT_EQ(crypto::verify_engine_token(engine, p.keyring->engine_token_key().public_key(), p.clock.wall()).value().session_key,
            crypto::sha256(enclave.session.public_key().spki()));
  // No other enclave opens it, nor does it open as the answer to another document.
  EXPECT_FALSE(TestEnclave().open(*grant, p.deployment.id, token_id, hello.document));
  EXPECT_FALSE(enclave.open(*grant, p.deployment.id, token_id, p.hello_of(enclave, token).document));
  EXPECT_EQ(p.store.audit_log(0, 1).value()[0].code, "ok");
}

// Two cages of one image, their tokens swapped by the host: each token's grant names its own deployment's host name alone, so a
// client that checks the name finds the other cage out; and neither enclave opens what was sealed to the other.
TEST(Swapped, TwoCagesOfOneImageStayWhoTheTokenSays) {
  TestPlatform p;
  const server::Deployment other = p.add_deployment(2, p.deployment.evidence_class);
  const TestEnclave one;
  const TestEnclave two;
  const std::string for_two = p.token(other, p.carrier());
  const auto hello = p.hello_of(one, for_two);
  const auto answer = p.provisioner->answer(hello, p.carrier());
  const auto& grant = std::get<wire::ProvisionGrant>(answer);
  const auto intermediate = crypto::Certificate::from_der(grant.chain[0]).value();
  EXPECT_EQ(intermediate.extension(crypto::oid::kNameConstraints)->value, crypto::name_constraints(other.names).value);
  const auto id = wire::parse_token(for_two).value().claims.id;
  EXPECT_FALSE(one.open(grant, p.deployment.id, id, hello.document)) << "as the first deployment";
  EXPECT_FALSE(two.open(grant, other.id, id, hello.document)) << "by the other enclave";
  EXPECT_TRUE(one.open(grant, other.id, id, hello.document));
}

// Every refusal is one line with its reason; the enclave gets the code alone.
TEST(Audit, HoldsOneReasonForEachRefusal) {
  TestPlatform p;
  EXPECT_EQ(p.outcome(p.hello_of(TestEnclave(), p.token(), [](auto& c) { c.pcrs[0].fill(0xee); })), "PROV_PCRS");
  const auto log = p.store.audit_log(0, 10).value();
  ASSERT_EQ(log.size(), 1U);
  EXPECT_EQ(log[0].code, "PROV_PCRS");
  EXPECT_EQ(log[0].actor, "host:h1");
  EXPECT_NE(log[0].detail.find(hex(p.deployment.pcr0).substr(0, 16)), std::string::npos);
}

TEST(Unreadable, BytesAreRefusedByTheirOwnClasses) {
  TestPlatform p;
  EXPECT_FALSE(p.outcome({{}, {}, {}}).empty());
  EXPECT_FALSE(p.outcome({Bytes(100, 0xff), {}, {}}).empty());
  auto hello = p.hello_of(TestEnclave(), p.token(), [](auto& c) { c.public_key = Bytes(3, 1); });
  EXPECT_EQ(p.outcome(hello), "PROV_KEYS");
}

}  // namespace
}  // namespace cages::attacks
