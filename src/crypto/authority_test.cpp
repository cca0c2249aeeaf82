// SPDX-License-Identifier: Apache-2.0
#include "crypto/authority.h"

#include <gtest/gtest.h>
#include <openssl/x509v3.h>

#include <memory>

#include "base/limits.h"

namespace cages::crypto {
namespace {

using namespace std::chrono_literals;
const WallTime kNow = from_unix_seconds(1'767'225'600);
constexpr std::string_view kName = "provisioner.cages";

class AuthorityTest : public testing::Test {
 protected:
  SystemRandom random;
  Authority root = make_authority("platform root", Curve::p384, 0, kNow, 24h * 365, random).value();
  PrivateKey key = PrivateKey::generate(Curve::p256).value();
  std::vector<KeyHash> roots{key_hash(root.certificate.public_key())};

  Certificate server() { return certify_server(root, kName, key.public_key(), kNow, 24h, random).value(); }
  Code refused(const Certificate& leaf, const Certificate& top, WallTime now = kNow) {
    const std::vector<Bytes> chain{leaf.der(), top.der()};
    const auto verdict = verify_server_chain(chain, roots, kName, now);
    return verdict ? Code::INTERNAL : verdict.error().code;
  }
};

TEST_F(AuthorityTest, TakesItsOwnServersAndNothingElse) {
  EXPECT_EQ(refused(server(), root.certificate), Code::INTERNAL);
  EXPECT_EQ(refused(server(), root.certificate, kNow + 24h + 1s), Code::PLATFORM_TIME);
  EXPECT_EQ(refused(server(), root.certificate, kNow - 1h), Code::PLATFORM_TIME);
  const auto other_name = certify_server(root, "engine.cages", key.public_key(), kNow, 24h, random).value();
  EXPECT_EQ(refused(other_name, root.certificate), Code::PLATFORM_NAME);
  const auto client = certify_client(root, kName, key.public_key(), kNow, 24h, random).value();
  EXPECT_EQ(refused(client, root.certificate), Code::PLATFORM_CHAIN);
  const std::vector<std::string> names{std::string(kName)};
  const auto cage = certify_cage(root, kName, names, key.public_key(), kNow, 24h, random).value();
  EXPECT_EQ(refused(cage, root.certificate), Code::PLATFORM_CHAIN);
  EXPECT_EQ(refused(root.certificate, root.certificate), Code::PLATFORM_CHAIN);
  const std::vector<Bytes> alone{server().der()};
  EXPECT_EQ(verify_server_chain(alone, roots, kName, kNow).error().code, Code::PLATFORM_CHAIN);
}

TEST_F(AuthorityTest, RefusesOtherRootsWithTheSameName) {
  const Authority other = make_authority("platform root", Curve::p384, 0, kNow, 24h, random).value();
  const auto theirs = certify_server(other, kName, key.public_key(), kNow, 1h, random).value();
  EXPECT_EQ(refused(theirs, other.certificate), Code::PLATFORM_ROOT);
  EXPECT_EQ(refused(theirs, root.certificate), Code::PLATFORM_CHAIN);
  roots.clear();
  EXPECT_EQ(refused(server(), root.certificate), Code::PLATFORM_ROOT);
}

// A certificate of the root's key that is no CA, or was signed by another.
TEST_F(AuthorityTest, RefusesRootsThatAreNone) {
  const auto end = certify_server(root, "platform root", root.key.public_key(), kNow, 1h, random).value();
  EXPECT_EQ(refused(server(), end), Code::PLATFORM_CHAIN);
}

TEST_F(AuthorityTest, BoundsWhatItIssues) {
  EXPECT_EQ(certify_server(root, kName, key.public_key(), kNow, limits::kOnlineLifeMax + 1s, random).error().code, Code::LIMIT);
  const std::vector<std::string> names{"a.localhost"};
  EXPECT_EQ(certify_cage(root, "x", names, key.public_key(), kNow, limits::kIntermediateLifeMax + 1s, random).error().code,
            Code::LIMIT);
  EXPECT_FALSE(certify_cage(root, "x", {}, key.public_key(), kNow, 1h, random));
}

TEST_F(AuthorityTest, TellsHostsFromServers) {
  const auto host = certify_client(root, "host", key.public_key(), kNow, 24h, random).value();
  EXPECT_EQ(verify_client(host.der(), root.certificate, kNow).value().subject_text(), "host");
  EXPECT_EQ(verify_client(server().der(), root.certificate, kNow).error().code, Code::PLATFORM_CHAIN);
  EXPECT_EQ(verify_client(host.der(), root.certificate, kNow + 25h).error().code, Code::PLATFORM_TIME);
  const Authority other = make_authority("platform root", Curve::p384, 0, kNow, 24h, random).value();
  EXPECT_EQ(verify_client(host.der(), other.certificate, kNow).error().code, Code::PLATFORM_CHAIN);
}

// What a TLS client makes of a leaf under a cage's intermediate (design §4.6), by OpenSSL's path validation.
class CageChain : public AuthorityTest {
 protected:
  Authority cages = make_authority("cages", Curve::p256, 1, kNow, 24h * 365, random).value();
  PrivateKey ca = PrivateKey::generate(Curve::p256).value();
  std::vector<std::string> names{"pay.app-1.localhost"};
  Certificate intermediate = certify_cage(cages, "pay", names, ca.public_key(), kNow, 24h, random).value();

  int verdict(const std::vector<Extension>& extensions, std::string_view subject = "leaf") {
    CertificateFields fields{{1}, intermediate.subject(), common_name(subject).value(), kNow, kNow + 1h, extensions};
    const Certificate leaf = issue(fields, key.public_key(), ca).value();
    return validate(leaf);
  }
  int validate(const Certificate& leaf) {
    std::unique_ptr<X509_STORE, decltype(&X509_STORE_free)> store(X509_STORE_new(), X509_STORE_free);
    X509_STORE_add_cert(store.get(), cages.certificate.handle());
    STACK_OF(X509)* extra = sk_X509_new_null();
    sk_X509_push(extra, intermediate.handle());
    std::unique_ptr<X509_STORE_CTX, decltype(&X509_STORE_CTX_free)> context(X509_STORE_CTX_new(), X509_STORE_CTX_free);
    X509_STORE_CTX_init(context.get(), store.get(), leaf.handle(), extra);
    X509_STORE_CTX_set_purpose(context.get(), X509_PURPOSE_SSL_SERVER);
    X509_VERIFY_PARAM_set_time(X509_STORE_CTX_get0_param(context.get()), unix_seconds(kNow));
    X509_verify_cert(context.get());
    sk_X509_free(extra);
    return X509_STORE_CTX_get_error(context.get());
  }
};

TEST_F(CageChain, CoversItsNamesAlone) {
  EXPECT_EQ(verdict({subject_alt_dns(names)}), X509_V_OK);
  const std::vector<std::string> others{"shop.app-1.localhost"};
  EXPECT_EQ(verdict({subject_alt_dns(others)}), X509_V_ERR_PERMITTED_VIOLATION);
  const std::vector<std::string> both{names[0], others[0]};
  EXPECT_EQ(verdict({subject_alt_dns(both)}), X509_V_ERR_PERMITTED_VIOLATION);
  const Extension ip4{std::string(oid::kSubjectAltName), false, {0x30, 0x06, 0x87, 0x04, 127, 0, 0, 1}};
  EXPECT_EQ(verdict({ip4}), X509_V_ERR_EXCLUDED_VIOLATION);
  Bytes ip6{0x30, 0x12, 0x87, 0x10};
  ip6.resize(20, 1);
  EXPECT_EQ(verdict({{std::string(oid::kSubjectAltName), false, ip6}}), X509_V_ERR_EXCLUDED_VIOLATION);
}

TEST_F(CageChain, CertifiesNoFurtherAuthority) {
  const PrivateKey sub = PrivateKey::generate(Curve::p256).value();
  CertificateFields fields{{2}, intermediate.subject(), common_name("sub").value(), kNow, kNow + 1h,
                           {basic_constraints(true), key_usage({KeyUsage::key_cert_sign})}};
  const Certificate below = issue(fields, sub.public_key(), ca).value();
  CertificateFields leaf_fields{{3}, below.subject(), common_name("leaf").value(), kNow, kNow + 1h, {subject_alt_dns(names)}};
  const Certificate leaf = issue(leaf_fields, key.public_key(), sub).value();
  std::unique_ptr<X509_STORE, decltype(&X509_STORE_free)> store(X509_STORE_new(), X509_STORE_free);
  X509_STORE_add_cert(store.get(), cages.certificate.handle());
  STACK_OF(X509)* extra = sk_X509_new_null();
  sk_X509_push(extra, below.handle());
  sk_X509_push(extra, intermediate.handle());
  std::unique_ptr<X509_STORE_CTX, decltype(&X509_STORE_CTX_free)> context(X509_STORE_CTX_new(), X509_STORE_CTX_free);
  X509_STORE_CTX_init(context.get(), store.get(), leaf.handle(), extra);
  X509_VERIFY_PARAM_set_time(X509_STORE_CTX_get0_param(context.get()), unix_seconds(kNow));
  X509_verify_cert(context.get());
  sk_X509_free(extra);
  EXPECT_EQ(X509_STORE_CTX_get_error(context.get()), X509_V_ERR_PATH_LENGTH_EXCEEDED);
}

TEST_F(CageChain, MarksItsExtensionsCritical) {
  for (const std::string_view oid : {oid::kBasicConstraints, oid::kNameConstraints, oid::kKeyUsage}) {
    EXPECT_TRUE(intermediate.extension(oid)->critical) << oid;
  }
  EXPECT_EQ(intermediate.extension(oid::kBasicConstraints)->value, basic_constraints(true, 0).value);
  EXPECT_TRUE(intermediate.extension(oid::kExtendedKeyUsage));
}

}  // namespace
}  // namespace cages::crypto
