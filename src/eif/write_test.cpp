// SPDX-License-Identifier: Apache-2.0
#include "eif/write.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "eif/check.h"
#include "eif/cmdline.h"
#include "eif/measure.h"
#include "eif/signature.h"
#include "support/raw_eif.h"

namespace cages::eif {
namespace {

constexpr std::size_t kFileBytesMax = 16 * 1024 * 1024;

class EifWriterTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "eif.XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    path_ = folder_ / "a.eif";
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  Result<Measurements> write(const Signing* signing = nullptr) {
    TRY_ASSIGN(EifWriter writer, EifWriter::create(path_));
    TRY(writer.kernel(fill_from(as_bytes("kernel"))));
    TRY(writer.cmdline("console=ttyS0 panic=30"));
    TRY(writer.metadata("{}"));
    TRY(writer.ramdisk(fill_from(as_bytes("ramdisk 0"))));
    TRY(writer.ramdisk(fill_from(as_bytes("ramdisk 1"))));
    return writer.finish(signing);
  }

  std::size_t files() const {
    return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(folder_), {}));
  }

  std::filesystem::path folder_;
  std::filesystem::path path_;
};

crypto::Certificate self_signed(const crypto::PrivateKey& key) {
  const Bytes name = crypto::common_name("test").value();
  const crypto::CertificateFields fields{.serial = {1},
                                         .issuer = name,
                                         .subject = name,
                                         .not_before = from_unix_seconds(1'700'000'000),
                                         .not_after = from_unix_seconds(2'000'000'000),
                                         .extensions = {}};
  return crypto::issue(fields, key.public_key(), key).value();
}

TEST_F(EifWriterTest, WritesTheSameBytesAsAnIndependentBuilder) {
  const Measurements measured = write().value();
  EXPECT_EQ(read_file(path_, kFileBytesMax).value(), test::build(test::sample_eif()));
  EXPECT_EQ(check(open_eif(path_).value()).value().measurements, measured);
  EXPECT_EQ(files(), 1U);
}

TEST_F(EifWriterTest, TakesContentInPiecesOfAnySize) {
  Bytes content(1'000'003);
  for (std::size_t i = 0; i < content.size(); ++i) content[i] = static_cast<Byte>(i * 7 + i / 251);
  auto writer = EifWriter::create(path_).value();
  ASSERT_TRUE(writer.kernel([&](const Sink& sink) -> Result<void> {
    for (std::size_t at = 0, size = 1; at < content.size(); at += size, size = size * 3 + 1) {
      size = std::min(size, content.size() - at);
      TRY(sink(ByteView(content).subspan(at, size)));
    }
    return {};
  }));
  ASSERT_TRUE(writer.cmdline(kCmdline));
  ASSERT_TRUE(writer.metadata("{}"));
  ASSERT_TRUE(writer.ramdisk(fill_from({})));
  const Measurements measured = writer.finish().value();
  const EifFile file = open_eif(path_).value();
  EXPECT_EQ(file.read_whole(file.kernel(), kFileBytesMax).value(), content);
  EXPECT_EQ(check(file).value().measurements, measured);
}

TEST_F(EifWriterTest, SignsWithEachCurve) {
  for (const crypto::Curve curve : {crypto::Curve::p256, crypto::Curve::p384, crypto::Curve::p521}) {
    const auto key = crypto::PrivateKey::generate(curve).value();
    const auto certificate = self_signed(key);
    const crypto::RandomizedSigner signer(key);
    const Signing signing{certificate, signer};
    const Measurements measured = write(&signing).value();
    const Checked checked = check(open_eif(path_).value()).value();
    EXPECT_EQ(checked.measurements, measured);
    EXPECT_EQ(measured.pcr8, measure_certificate(certificate));
    EXPECT_EQ(checked.signer->der(), certificate.der());
  }
}

TEST_F(EifWriterTest, RefusesAKeyThatIsNotTheCertificates) {
  const auto key = crypto::PrivateKey::generate(crypto::Curve::p256).value();
  const auto other = crypto::PrivateKey::generate(crypto::Curve::p256).value();
  const auto certificate = self_signed(key);
  const crypto::RandomizedSigner signer(other);
  const Signing signing{certificate, signer};
  EXPECT_EQ(write(&signing).error().code, Code::EIF_KEY);
  EXPECT_EQ(files(), 0U);
}

TEST_F(EifWriterTest, RefusesACommandLineThatHidesSomething) {
  for (const std::string_view bad : {std::string_view("a\0b", 3), std::string_view("a\n"), std::string_view("a\rb")}) {
    auto writer = EifWriter::create(path_).value();
    ASSERT_TRUE(writer.kernel(fill_from(as_bytes("k"))));
    EXPECT_EQ(writer.cmdline(bad).error().code, Code::EIF_CMDLINE);
  }
}

TEST_F(EifWriterTest, RefusesSectionsOutOfOrderOrMissing) {
  auto writer = EifWriter::create(path_).value();
  EXPECT_EQ(writer.ramdisk(fill_from({})).error().code, Code::EIF_SECTIONS);
  EXPECT_EQ(writer.finish().error().code, Code::EIF_SECTIONS);
}

TEST_F(EifWriterTest, LeavesNothingBehindWhenContentFails) {
  {
    auto writer = EifWriter::create(path_).value();
    EXPECT_FALSE(writer.kernel([](const Sink&) -> Result<void> { return fail(Code::IO, "disk"); }));
  }
  EXPECT_EQ(files(), 0U);
}

TEST_F(EifWriterTest, SignsAnExistingImageAgainWithoutTouchingTheRest) {
  const auto key = crypto::PrivateKey::generate(crypto::Curve::p521).value();
  const auto certificate = self_signed(key);
  const crypto::RandomizedSigner signer(key);
  const Signing signing{certificate, signer};
  const Measurements before = write(&signing).value();
  const Bytes signed_once = read_file(path_, kFileBytesMax).value();

  const auto small_key = crypto::PrivateKey::generate(crypto::Curve::p256).value();
  const auto small_certificate = self_signed(small_key);
  const crypto::RandomizedSigner small_signer(small_key);
  const Signing small{small_certificate, small_signer};
  const EifFile file = open_eif(path_).value();
  auto writer = EifWriter::create(path_, file.header()).value();
  ASSERT_TRUE(writer.copy(file));
  const Measurements after = writer.finish(&small).value();
  EXPECT_EQ(after.pcr0, before.pcr0);
  EXPECT_NE(after.pcr8, before.pcr8);
  EXPECT_LT(std::filesystem::file_size(path_), signed_once.size());
  EXPECT_EQ(check(open_eif(path_).value()).value().measurements, after);  // the section table is right too
}

}  // namespace
}  // namespace cages::eif
