// SPDX-License-Identifier: Apache-2.0
#include "image/compare.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <functional>

#include "eif/cmdline.h"
#include "eif/write.h"
#include "image/cpio.h"
#include "image/ramdisk.h"

namespace cages::image {
namespace {

namespace fs = std::filesystem;

struct Item {
  std::string path;
  std::string content;  // or a symlink's target
  std::uint32_t mode = 0644;
  std::uint32_t uid = 0;
  bool symlink = false;
};

// Everything that an image is made of.
struct Parts {
  std::string kernel = "kernel";
  std::string cmdline{eif::kCmdline};
  std::string runtime = "runtime 1";
  std::vector<Item> files{
      {"rootfs/app", "program", 0755}, {"rootfs/etc", "text"}, {"rootfs/link", "app", 0777, 0, true}};
  wire::Manifest manifest;
  std::string metadata = "{}";
  const crypto::Certificate* certificate = nullptr;
  const crypto::PrivateKey* key = nullptr;
};

Parts sample() {
  Parts parts;
  parts.manifest.name = "payments";
  parts.manifest.command = {"/app"};
  parts.manifest.port = 8080;
  parts.manifest.egress = {"api.example.com:443"};
  parts.manifest.platform_roots = {wire::RootHash{1}};
  return parts;
}

Result<void> put_file(CpioWriter& writer, const Item& item) {
  if (item.symlink) return writer.symlink(item.path, item.content, item.uid, 0);
  return writer.file(item.path, item.mode, item.uid, 0, item.content.size(), source_of(as_bytes(item.content)));
}

Result<void> write_boot(const Parts& parts, const Sink& sink) {
  CpioWriter writer(sink);
  TRY(put_file(writer, {"cmdline", parts.cmdline, 0444}));
  TRY(put_file(writer, {"init", parts.runtime, 0755}));
  return writer.finish();
}

Result<void> write_app(const Parts& parts, const Sink& sink) {
  TRY_ASSIGN(const Bytes manifest, wire::write_manifest(parts.manifest));
  CpioWriter writer(sink);
  TRY(writer.directory("cage", 0755, 0, 0));
  TRY(put_file(writer, {"cage/manifest", std::string(as_text(manifest)), 0444}));
  TRY(writer.directory("rootfs", 0755, 0, 0));
  for (const Item& item : parts.files) TRY(put_file(writer, item));
  return writer.finish();
}

Result<Snapshot> snapshot_of(const Parts& parts) {
  const fs::path path = fs::temp_directory_path() / ("compare." + std::to_string(::getpid()) + ".eif");
  TRY_ASSIGN(eif::EifWriter writer, eif::EifWriter::create(path));
  TRY(writer.kernel(eif::fill_from(as_bytes(parts.kernel))));
  TRY(writer.cmdline(parts.cmdline));
  TRY(writer.metadata(parts.metadata));
  TRY(writer.ramdisk([&](const Sink& sink) { return write_boot(parts, sink); }));
  TRY(writer.ramdisk([&](const Sink& sink) { return write_app(parts, sink); }));
  if (parts.key != nullptr) {
    const crypto::RandomizedSigner signer(*parts.key);
    const eif::Signing signing{*parts.certificate, signer};
    TRY(writer.finish(&signing));
  } else {
    TRY(writer.finish());
  }
  TRY_ASSIGN(const eif::EifFile file, eif::open_eif(path));
  auto out = take_snapshot(file);
  fs::remove(path);
  return out;
}

std::string runtime_name(const crypto::Digest384&) { return "some release"; }

std::string pcr_text(const std::vector<int>& pcrs) {
  std::string out;
  for (const int pcr : pcrs) out += std::to_string(pcr);
  return out;
}

const crypto::PrivateKey& signing_key() {
  static const auto key = crypto::PrivateKey::generate(crypto::Curve::p384).value();
  return key;
}

const crypto::Certificate& signing_certificate() {
  static const auto certificate = [] {
    const Bytes name = crypto::common_name("release team").value();
    const crypto::CertificateFields fields{.serial = {1},
                                           .issuer = name,
                                           .subject = name,
                                           .not_before = from_unix_seconds(1'700'000'000),
                                           .not_after = from_unix_seconds(2'000'000'000),
                                           .extensions = {}};
    return crypto::issue(fields, signing_key().public_key(), signing_key()).value();
  }();
  return certificate;
}

struct Edit {
  std::string sentence;  // of which this must be a part
  std::string pcrs;
  std::function<void(Parts&)> change;
};

TEST(Compare, NamesWhatAnEditChangedAndWhichPcr) {
  const std::vector<Edit> edits{
      {"file /app: content differs (7 bytes as before)", "02", [](Parts& p) { p.files[0].content = "Program"; }},
      {"file /etc: content differs (4 -> 5 bytes)", "02", [](Parts& p) { p.files[1].content = "text2"; }},
      {"file /app: mode 0755 -> 4755", "02", [](Parts& p) { p.files[0].mode = 04755; }},
      {"file /app: owner 0:0 -> 1000:0", "02", [](Parts& p) { p.files[0].uid = 1000; }},
      {"symlink /link: points to app -> etc", "02", [](Parts& p) { p.files[2].content = "etc"; }},
      {"/link was a symlink and is now a file", "02", [](Parts& p) { p.files[2].symlink = false; }},
      {"file /zz is new (0644, 0:0, 1 bytes)", "02", [](Parts& p) { p.files.push_back({"rootfs/zz", "z"}); }},
      {"symlink /link is gone", "02", [](Parts& p) { p.files.pop_back(); }},
      {"setting port: 8080 -> 8081", "02", [](Parts& p) { p.manifest.port = 8081; }},
      {"setting command: \"/app\" -> \"/app\" \"-v\"", "02", [](Parts& p) { p.manifest.command.push_back("-v"); }},
      {"setting egress: -\"api.example.com:443\" +\"evil.example:443\"", "02",
       [](Parts& p) { p.manifest.egress = {"evil.example:443"}; }},
      {"setting environment: +\"DEBUG=1\"", "02", [](Parts& p) { p.manifest.environment = {{"DEBUG", "1"}}; }},
      {"setting tls: terminate -> passthrough", "02", [](Parts& p) { p.manifest.tls = wire::TlsMode::passthrough; }},
      {"setting logs.app: off -> on", "02", [](Parts& p) { p.manifest.log_app = true; }},
      {"operator (platform root) differs: 0100000000000000... -> 0200000000000000...", "02",
       [](Parts& p) { p.manifest.platform_roots = {wire::RootHash{2}}; }},
      {"kernel differs: ", "01", [](Parts& p) { p.kernel = "kernel 2"; }},
      {"kernel differs: ", "01", [](Parts& p) { p.kernel = eif::kNoKernel; }},
      {"kernel command line differs: ", "01", [](Parts& p) { p.cmdline += " quiet"; }},
      {"runtime differs: some release, SHA-256 ", "01", [](Parts& p) { p.runtime = "runtime 2"; }},
      {"signer differs: unsigned -> release team (SHA-256 ", "8",
       [](Parts& p) { p.key = &signing_key(), p.certificate = &signing_certificate(); }},
      {"metadata differ", "", [](Parts& p) { p.metadata = "{\"ImageName\":\"x\"}"; }},
  };
  const Snapshot before = snapshot_of(sample()).value();
  EXPECT_TRUE(compare(before, before, runtime_name).empty());
  for (const Edit& edit : edits) {
    Parts parts = sample();
    edit.change(parts);
    const auto after = snapshot_of(parts);
    ASSERT_TRUE(after) << edit.sentence << ": " << describe(after.error());
    const auto changes = compare(before, *after, runtime_name);
    ASSERT_FALSE(changes.empty()) << edit.sentence;
    EXPECT_NE(changes[0].sentence.find(edit.sentence), std::string::npos)
        << edit.sentence << " | " << changes[0].sentence;
    EXPECT_EQ(pcr_text(changes[0].pcrs), edit.pcrs) << edit.sentence;
    // The command line is copied into ramdisk 0, so that edit shows twice; every other shows once.
    EXPECT_LE(changes.size(), edit.sentence.starts_with("kernel command") ? 2U : 1U) << changes.back().sentence;
  }
}

TEST(Compare, NeverPassesOverADifferenceInSilence) {
  Snapshot before = snapshot_of(sample()).value();
  Snapshot after = before;
  after.measurements.pcr2[0] ^= 1;
  const auto unseen = compare(before, after, runtime_name);
  ASSERT_EQ(unseen.size(), 1U);
  EXPECT_EQ(pcr_text(unseen[0].pcrs), "2");

  after = before;
  after.measurements.pcr0[0] ^= 1;
  after.measurements.pcr2[0] ^= 1;
  after.ramdisks[1].digest[0] ^= 1;
  const auto packed = compare(before, after, runtime_name);
  ASSERT_EQ(packed.size(), 1U);
  EXPECT_NE(packed[0].sentence.find("packed differently"), std::string::npos);
}

TEST(Compare, SaysWhenBytesMovedAcrossABoundaryThatIsNotMeasured) {
  Parts moved = sample();
  moved.kernel += "console";
  moved.cmdline = "x";
  Snapshot after = snapshot_of(moved).value();
  const Snapshot before = snapshot_of(sample()).value();
  after.measurements = before.measurements;  // as if the bytes joined to the same
  const auto changes = compare(before, after, runtime_name);
  ASSERT_FALSE(changes.empty());
  EXPECT_TRUE(changes[0].pcrs.empty());
  EXPECT_NE(changes[0].sentence.find("moved from one section to another"), std::string::npos);
}

TEST(Compare, SaysWhereARamdiskCannotBeListed) {
  Snapshot before = snapshot_of(sample()).value();
  Snapshot after = before;
  after.measurements.pcr0[0] ^= 1;
  after.measurements.pcr2[0] ^= 1;
  after.ramdisks[1].digest[0] ^= 1;
  after.ramdisks[1].files.reset();
  after.ramdisks[1].unreadable = "compressed";
  const auto changes = compare(before, after, runtime_name);
  ASSERT_EQ(changes.size(), 1U);
  EXPECT_NE(changes[0].sentence.find("cannot be listed (compressed)"), std::string::npos);
}

TEST(Compare, EscapesNamesThatWouldHurtATerminal) {
  Parts parts = sample();
  parts.files.push_back({"rootfs/z\x1b[31m", ""});
  const auto changes = compare(snapshot_of(sample()).value(), snapshot_of(parts).value(), runtime_name);
  ASSERT_EQ(changes.size(), 1U);
  EXPECT_NE(changes[0].sentence.find("/z\\x1b[31m"), std::string::npos);
}

}  // namespace
}  // namespace cages::image
