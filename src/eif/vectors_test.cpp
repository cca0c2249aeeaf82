// SPDX-License-Identifier: Apache-2.0
// The synthetic images of the shared test data: every row of its manifest, and the accepted ones written again byte for
// byte.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "base/file.h"
#include "base/json.h"
#include "eif/check.h"
#include "eif/read.h"
#include "eif/signature.h"
#include "eif/write.h"

namespace cages::eif {
namespace {

namespace fs = std::filesystem;

fs::path vectors() {
  const char* given = std::getenv("CAGE_VECTORS");
  return (given != nullptr ? fs::path(given) : fs::path(CAGES_SOURCE_DIR) / ".." / "shared" / "vectors") / "eif" /
         "synthetic";
}

class EifVectors : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!fs::exists(vectors() / "manifest.json")) GTEST_SKIP() << "no shared vectors at " << vectors();
    const Bytes text = read_file(vectors() / "manifest.json", 1 << 20).value();
    manifest_ = parse_json(as_text(text)).value();
  }
  [[nodiscard]] const Json::Array& cases() const { return *manifest_.find("cases")->as_array(); }
  Json manifest_;
};

// Gives back a signature that was made elsewhere, so that files with one can be written again.
class Replay final : public crypto::Signer {
 public:
  Replay(const crypto::PublicKey& key, Bytes signature) : key_(key), signature_(std::move(signature)) {}
  [[nodiscard]] const crypto::PublicKey& public_key() const override { return key_; }
  [[nodiscard]] Result<Bytes> sign(ByteView message) const override {
    return key_.verify(message, signature_) ? Result<Bytes>(signature_) : fail(Code::INTERNAL, "other message");
  }

 private:
  const crypto::PublicKey& key_;
  Bytes signature_;
};

Result<void> write_again(const EifFile& file, const fs::path& to) {
  TRY_ASSIGN(EifWriter writer, EifWriter::create(to, file.header()));
  const auto fill = [&](const Section& section) {
    return [&file, section](const Sink& sink) { return file.read(section, sink); };
  };
  TRY(writer.kernel(fill(file.kernel())));
  TRY(writer.cmdline(file.cmdline()));
  TRY_ASSIGN(const Bytes metadata, file.read_whole(*file.find(SectionType::metadata), 1 << 20));
  TRY(writer.metadata(as_text(metadata)));
  for (const Section& ramdisk : file.ramdisks()) TRY(writer.ramdisk(fill(ramdisk)));
  if (file.find(SectionType::signature) == nullptr) {
    TRY(writer.finish());
    return {};
  }
  TRY_ASSIGN(const Signature signature, read_signature(file));
  TRY_ASSIGN(const crypto::Certificate certificate, signing_certificate(signature));
  const std::size_t width = 2 * crypto::field_bytes(certificate.public_key().curve());
  const Replay replay(certificate.public_key(), to_bytes(ByteView(signature.cose).last(width)));
  const Signing signing{certificate, replay};
  TRY(writer.finish(&signing));
  return {};
}

TEST_F(EifVectors, AreAcceptedAndRefusedAsTheManifestSays) {
  for (const Json& row : cases()) {
    const std::string name = row.text_or("file", "");
    const std::string expect = row.text_or("expect", "");
    const auto file = open_eif(vectors() / name);
    const auto checked = file ? check(*file) : Result<Checked>(fail(file.error()));
    const std::string got = checked ? "accepted" : describe(checked.error());
    if (!expect.starts_with("ACCEPT")) {
      EXPECT_FALSE(checked) << name << " (" << row.text_or("why", "") << ")";
      continue;
    }
    ASSERT_TRUE(checked) << name << ": " << got;
    const Json& pcrs = *row.find("pcrs");
    EXPECT_EQ(hex(checked->measurements.pcr0), pcrs.text_or("PCR0", "")) << name;
    EXPECT_EQ(hex(checked->measurements.pcr1), pcrs.text_or("PCR1", "")) << name;
    EXPECT_EQ(hex(checked->measurements.pcr2), pcrs.text_or("PCR2", "")) << name;
    EXPECT_EQ(checked->measurements.pcr8 ? hex(*checked->measurements.pcr8) : "", pcrs.text_or("PCR8", "")) << name;
  }
}

TEST_F(EifVectors, AreWrittenAgainByteForByte) {
  const fs::path copy = fs::temp_directory_path() / ("eif-again." + std::to_string(::getpid()));
  for (const Json& row : cases()) {
    if (!row.text_or("expect", "").starts_with("ACCEPT")) continue;
    const std::string name = row.text_or("file", "");
    const EifFile file = open_eif(vectors() / name).value();
    const auto written = write_again(file, copy);
    ASSERT_TRUE(written) << name << ": " << describe(written.error());
    EXPECT_EQ(read_file(copy, 1 << 20).value(), read_file(vectors() / name, 1 << 20).value()) << name;
  }
  fs::remove(copy);
}

}  // namespace
}  // namespace cages::eif
