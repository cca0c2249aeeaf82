// SPDX-License-Identifier: Apache-2.0
#include "nsm/authority.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

namespace cages::nsm {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view kModule = "i-0123456789abcdef0-enc019b8596b1a9dad6";

struct Chain {
  std::vector<crypto::Certificate> certificates;  // root first, leaf last
  [[nodiscard]] const crypto::Certificate& leaf() const { return certificates.back(); }
};

class AuthorityTest : public ::testing::Test {
 protected:
  AuthorityTest()
      : authority_(DevelopmentRoot::create(clock_, random_).value(), ModuleId::parse(kModule).value(), clock_, random_) {}

  Chain chain() {
    const Signer signer = authority_.signer().value();
    Chain out;
    for (const ByteView der : signer.cabundle) out.certificates.push_back(crypto::Certificate::from_der(der).value());
    out.certificates.push_back(crypto::Certificate::from_der(signer.certificate).value());
    EXPECT_EQ(out.leaf().public_key().spki(), signer.key.public_key().spki());
    return out;
  }

  ManualClock clock_;
  crypto::SystemRandom random_;
  Authority authority_;
};

std::string extension(const crypto::Certificate& certificate, std::string_view oid) {
  const auto found = certificate.extension(oid);
  return found ? (found->critical ? "critical " : "") + hex(found->value) : "none";
}

TEST_F(AuthorityTest, MakesFiveCertificatesInTheHardwaresShape) {
  const Chain five = chain();
  ASSERT_EQ(five.certificates.size(), 5U);
  const std::vector<std::string> constraints{"critical 30030101ff", "critical 30060101ff020102", "critical 30060101ff020101",
                                             "critical 30060101ff020100", "critical 3000"};
  const std::vector<std::string> usages{"critical 03020186", "critical 03020186", "critical 03020186", "critical 03020204",
                                        "030206c0"};
  for (std::size_t i = 0; i < 5; ++i) {
    const auto& certificate = five.certificates[i];
    const auto& issuer = five.certificates[i == 0 ? 0 : i - 1];
    EXPECT_EQ(certificate.public_key().curve(), crypto::Curve::p384) << i;
    EXPECT_TRUE(certificate.signed_by(issuer.public_key())) << i;
    EXPECT_EQ(certificate.issuer(), issuer.subject()) << i;
    EXPECT_LE(certificate.der().size(), 1024U) << i;
    EXPECT_EQ(extension(certificate, crypto::oid::kBasicConstraints), constraints[i]) << i;
    EXPECT_EQ(extension(certificate, crypto::oid::kKeyUsage), usages[i]) << i;
    EXPECT_EQ(extension(certificate, crypto::oid::kSubjectKeyId) == "none", i == 4) << i;
    EXPECT_EQ(extension(certificate, crypto::oid::kAuthorityKeyId) == "none", i == 0 || i == 4) << i;
    EXPECT_NE(certificate.subject_text()->find("development"), std::string::npos) << i;
    EXPECT_EQ(certificate.subject_text(crypto::oid::kUnit), "development") << i;
  }
  EXPECT_EQ(five.leaf().subject_text(), std::string(kModule) + ".development.cages");
  EXPECT_EQ(five.leaf().not_after() - five.leaf().not_before(), 10803s);
  EXPECT_EQ(five.leaf().not_before(), clock_.wall() - 3s);
}

TEST_F(AuthorityTest, PutsSlotAndTimeIntoTheLeafsSerial) {
  const std::string serial = hex(chain().leaf().serial());
  const auto issued = static_cast<unsigned>(unix_seconds(clock_.wall()));
  EXPECT_EQ(serial.substr(serial.size() - 24),
            "b1a9dad600000000" + hex(Bytes{static_cast<Byte>(issued >> 24), static_cast<Byte>(issued >> 16),
                                           static_cast<Byte>(issued >> 8), static_cast<Byte>(issued)}));
}

TEST_F(AuthorityTest, RenewsTheLeafAQuarterOfAnHourEarly) {
  const Bytes first = chain().leaf().der();
  clock_.advance(2h + 45min);
  EXPECT_EQ(chain().leaf().der(), first);
  clock_.advance(1s);
  EXPECT_NE(chain().leaf().der(), first);
}

TEST_F(AuthorityTest, HoldsForWeeksAndNoCertificateOutlivesItsIssuer) {
  for (int step = 0; step < 24 * 25; ++step) {
    const Chain five = chain();
    for (std::size_t i = 0; i < 5; ++i) {
      ASSERT_LE(five.certificates[i].not_before(), clock_.wall()) << step << " " << i;
      ASSERT_GE(five.certificates[i].not_after(), clock_.wall() + 15min) << step << " " << i;
      if (i > 0) {
        ASSERT_LE(five.certificates[i].not_after(), five.certificates[i - 1].not_after()) << step << " " << i;
      }
    }
    clock_.advance(1h);
  }
}

TEST_F(AuthorityTest, RenewsWhenTheClockStepsBack) {
  const Bytes first = chain().leaf().der();
  clock_.advance(-10s);
  const Chain five = chain();
  EXPECT_NE(five.leaf().der(), first);
  EXPECT_LE(five.leaf().not_before(), clock_.wall());
}

TEST_F(AuthorityTest, RefusesATimeOutsideItsRoot) {
  clock_.advance(-24h * 365);
  EXPECT_EQ(authority_.signer().error().code, Code::MACHINE);
}

TEST(ModuleId, TakesOneFormOnly) {
  EXPECT_EQ(ModuleId::parse(kModule).value().instance(), "i-0123456789abcdef0");
  for (const char* bad : {"", "i-0123456789abcdef0", "i-0123456789abcdef-enc019b8596b1a9dad6", "i-0123456789ABCDEF0-enc019b8596b1a9dad6",
                          "i-0123456789abcdef0-tpm0000000000000000", "i-0123456789abcdef0-enc019b8596b1a9dad6 ",
                          "x-0123456789abcdef0-enc019b8596b1a9dad6", "i-0123456789abcdefg-enc019b8596b1a9dad6"}) {
    EXPECT_FALSE(ModuleId::parse(bad)) << bad;
  }
}

TEST(DevelopmentRoot, IsMadeOnceAndKept) {
  std::string name = (std::filesystem::temp_directory_path() / "cages-root.XXXXXX").string();
  const std::filesystem::path scratch = ::mkdtemp(name.data());
  const ManualClock clock;
  crypto::SystemRandom random;
  const auto first = DevelopmentRoot::open_or_create(scratch / "nsm", clock, random).value();
  const auto second = DevelopmentRoot::open_or_create(scratch / "nsm", clock, random).value();
  EXPECT_EQ(first.fingerprint(), second.fingerprint());
  EXPECT_NE(first.fingerprint(), DevelopmentRoot::create(clock, random).value().fingerprint());
  ASSERT_EQ(::chmod((scratch / "nsm/root.pem").c_str(), 0644), 0);
  EXPECT_EQ(DevelopmentRoot::open_or_create(scratch / "nsm", clock, random).error().code, Code::UNSAFE_FILE);
  std::filesystem::remove_all(scratch);
}

}  // namespace
}  // namespace cages::nsm
