// SPDX-License-Identifier: Apache-2.0
#include "eif/describe.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "base/file.h"
#include "eif/measure.h"
#include "eif/signature.h"
#include "support/raw_eif.h"

namespace cages::eif {
namespace {

namespace fs = std::filesystem;

const WallTime kNow = from_unix_seconds(1'800'000'000);

class DescribeTest : public ::testing::Test {
 protected:
  void SetUp() override { path_ = fs::temp_directory_path() / ("describe." + std::to_string(::getpid()) + ".eif"); }
  void TearDown() override { fs::remove(path_); }
  Result<Description> describe_bytes(ByteView bytes) {
    TRY(write_file(path_, bytes));
    return describe_image(path_, kNow);
  }
  fs::path path_;
};

RuntimeReleases releases_with(const crypto::Digest384& pcr1) {
  return {{RuntimeRelease{.version = "0.1.0",
                          .build = "networked",
                          .arch = Arch::x86_64,
                          .sha256 = std::string(64, 'a'),
                          .ramdisk = hex(crypto::sha384(as_bytes("ramdisk 0"))),
                          .kernels = {{"none", "none", pcr1}},
                          .record = Json::object({{"compiler", "clang 19"}})}}};
}

TEST_F(DescribeTest, PrintsMeasurementsAsNitroCliDoes) {
  const Description description = describe_bytes(test::build(test::sample_eif())).value();
  const std::string text = write_json(description_json(description, {}));
  EXPECT_TRUE(text.starts_with(R"({"EifVersion":4,"Measurements":{"HashAlgorithm":"Sha384 { ... }","PCR0":")")) << text;
  EXPECT_NE(text.find(R"("IsSigned":false,"CheckCRC":true,"ImageName":"")"), std::string::npos) << text;
  EXPECT_NE(text.find(R"("RuntimeRelease":"unknown")"), std::string::npos);
  EXPECT_EQ(text.find("SignatureCheck"), std::string::npos);
  EXPECT_FALSE(description.refused);
}

TEST_F(DescribeTest, NamesTheRuntimeRelease) {
  const Description description = describe_bytes(test::build(test::sample_eif())).value();
  const Json json = description_json(description, releases_with(description.measurements.pcr1));
  const Json& release = *json.find("RuntimeRelease");
  EXPECT_EQ(release.text_or("Version", ""), "0.1.0");
  EXPECT_EQ(release.find("BuildRecord")->text_or("compiler", ""), "clang 19");
}

TEST_F(DescribeTest, KnowsARuntimeBesideAnotherKernel) {
  const Description description = describe_bytes(test::build(test::sample_eif())).value();
  const Json json = description_json(description, releases_with(crypto::Digest384{}));
  EXPECT_EQ(json.find("RuntimeRelease")->text_or("Version", ""), "0.1.0");
  EXPECT_EQ(json.find("RuntimeRelease")->text_or("Kernel", ""), "unknown");
}

TEST_F(DescribeTest, ReportsGapsWithoutRefusing) {
  test::RawEif eif = test::sample_eif();
  eif.sections[4].gap_before = 8;
  Bytes bytes = test::build(eif);
  // The checksum is over the sections, not over what lies between them (nitro.md §1.3).
  const Description description = describe_bytes(bytes).value();
  EXPECT_EQ(description.gap_bytes, 8U);
  ASSERT_FALSE(description.notes.empty());
  EXPECT_NE(description.notes[0].find("gaps"), std::string::npos);
  EXPECT_EQ(*description_json(description, {}).find("Contiguous")->as_bool(), false);
}

TEST_F(DescribeTest, ShowsABadChecksumAndSaysWhy) {
  Bytes bytes = test::build(test::sample_eif());
  bytes.back() ^= 1;
  const Description description = describe_bytes(bytes).value();
  ASSERT_TRUE(description.refused);
  EXPECT_EQ(description.refused->code, Code::EIF_CRC);
  EXPECT_EQ(*description_json(description, {}).find("CheckCRC")->as_bool(), false);
}

TEST_F(DescribeTest, ShowsASignatureThatIsNone) {
  test::RawEif eif = test::sample_eif();
  eif.sections.push_back({4, to_bytes("junk")});
  const Description description = describe_bytes(test::build(eif)).value();
  ASSERT_TRUE(description.refused);
  EXPECT_EQ(description.refused->code, Code::EIF_SIGNATURE_FORMAT);
  EXPECT_EQ(*description_json(description, {}).find("SignatureCheck")->as_bool(), false);
}

TEST_F(DescribeTest, ShowsASignerAndAnExpiredOneWithANote) {
  const auto key = crypto::PrivateKey::generate(crypto::Curve::p384).value();
  const Bytes name = crypto::common_name("some \x1b[31msigner").value();
  const crypto::CertificateFields fields{.serial = {1},
                                         .issuer = name,
                                         .subject = name,
                                         .not_before = kNow - std::chrono::hours(2),
                                         .not_after = kNow - std::chrono::hours(1),
                                         .extensions = {}};
  const auto certificate = crypto::issue(fields, key.public_key(), key).value();
  test::RawEif eif = test::sample_eif();
  const Bytes plain = test::build(eif);
  const Measurements measured = measure(EifFile::open(memory_source(plain)).value()).value().pcrs;
  const crypto::RandomizedSigner signer(key);
  eif.sections.push_back({4, make_signature(certificate, signer, measured.pcr0).value()});
  const Description description = describe_bytes(test::build(eif)).value();
  EXPECT_FALSE(description.refused);
  EXPECT_TRUE(description.signature_right);
  ASSERT_EQ(description.notes.size(), 1U);
  EXPECT_NE(description.notes[0].find("validity"), std::string::npos);
  const Json json = description_json(description, {});
  const Json& shown = *json.find("SigningCertificate");
  EXPECT_EQ(shown.find("IssuerName")->text_or("commonName", ""), "some \\x1b[31msigner");
  EXPECT_EQ(shown.text_or("Algorithm", ""), "ecdsa-with-SHA384");
  EXPECT_EQ(shown.text_or("NotBefore", ""), "Jan 15 06:00:00 2027 GMT");
  EXPECT_EQ(json.find("Measurements")->text_or("PCR8", ""), hex(measure_certificate(certificate)));
}

TEST(RuntimeReleases, RoundTripAndAreVerified) {
  const RuntimeReleases releases = releases_with(crypto::sha384(as_bytes("x")));
  const auto key = crypto::PrivateKey::generate(crypto::Curve::p384).value();
  const auto other = crypto::PrivateKey::generate(crypto::Curve::p384).value();
  const crypto::RandomizedSigner signer(key);
  const std::string text = write_runtime_releases(releases, &signer).value();
  EXPECT_TRUE(find_release(parse_runtime_releases(text).value(), crypto::sha384(as_bytes("x"))));
  EXPECT_FALSE(find_release(parse_runtime_releases(text).value(), crypto::sha384(as_bytes("y"))));
  EXPECT_TRUE(verify_runtime_releases(text, key.public_key()));
  EXPECT_EQ(verify_runtime_releases(text, other.public_key()).error().code, Code::RELEASE_STATEMENT);
  std::string changed = text;
  changed.replace(changed.find("clang 19"), 8, "clang 18");
  EXPECT_EQ(verify_runtime_releases(changed, key.public_key()).error().code, Code::RELEASE_STATEMENT);
  EXPECT_FALSE(verify_runtime_releases(write_runtime_releases(releases, nullptr).value(), key.public_key()));
}

TEST(RuntimeReleases, OfAnotherShapeAreRefused) {
  for (const char* bad : {"", "[]", "{}", R"({"v":2,"releases":[]})", R"({"v":1,"releases":[{}]})",
                          R"({"v":1,"releases":[{"version":"1","build":"b","arch":"x","sha256":"","kernels":[]}]})"}) {
    EXPECT_FALSE(parse_runtime_releases(bad)) << bad;
  }
  EXPECT_TRUE(parse_runtime_releases(R"({"v":1,"releases":[]})"));
}

}  // namespace
}  // namespace cages::eif
