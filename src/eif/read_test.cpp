// SPDX-License-Identifier: Apache-2.0
#include "eif/read.h"

#include <gtest/gtest.h>

#include <functional>

#include "base/limits.h"
#include "eif/check.h"
#include "eif/measure.h"
#include "support/raw_eif.h"

namespace cages::eif {
namespace {

using test::RawEif;
using test::sample_eif;

std::string refusal(ByteView bytes) {
  const auto file = EifFile::open(memory_source(bytes));
  return file ? "accepted" : error_class(file.error());
}

Measurements measured(const RawEif& eif) {
  const Bytes bytes = test::build(eif);
  return measure(EifFile::open(memory_source(bytes)).value()).value().pcrs;
}

TEST(EifFile, ReadsWhatTheFormatHas) {
  const Bytes bytes = test::build(sample_eif());
  const EifFile file = EifFile::open(memory_source(bytes)).value();
  EXPECT_EQ(file.header().version, 4);
  EXPECT_EQ(file.header().arch, Arch::x86_64);
  EXPECT_EQ(file.cmdline(), "console=ttyS0 panic=30");
  EXPECT_EQ(file.ramdisks().size(), 2U);
  EXPECT_TRUE(file.has_kernel());
  EXPECT_EQ(as_text(file.read_whole(file.ramdisks()[1], 100).value()), "ramdisk 1");
  EXPECT_EQ(error_class(file.read_whole(file.ramdisks()[1], 8).error()), "LIMIT");
  Bytes part(4);
  EXPECT_TRUE(file.read_at(file.ramdisks()[0], 5, part));
  EXPECT_EQ(as_text(part), "sk 0");
  EXPECT_EQ(error_class(file.read_at(file.ramdisks()[0], 6, part).error()), "EIF_TRUNCATED");
  EXPECT_TRUE(check(file));
}

TEST(EifFile, AcceptsVersions2To4AndBothArchitectures) {
  RawEif old = sample_eif();
  old.sections.erase(old.sections.begin() + 2);  // no metadata before version 4
  for (const std::uint16_t version : {std::uint16_t{2}, std::uint16_t{3}}) {
    old.version = version;
    EXPECT_EQ(refusal(test::build(old)), "accepted") << version;
  }
  RawEif arm = sample_eif();
  arm.flags = 1;
  const Bytes bytes = test::build(arm);
  EXPECT_EQ(EifFile::open(memory_source(bytes)).value().header().arch, Arch::aarch64);
}

TEST(EifFile, KnowsAnImageWithoutAKernel) {
  RawEif eif = sample_eif();
  eif.sections[0].data = to_bytes(kNoKernel);
  const Bytes bytes = test::build(eif);
  EXPECT_FALSE(EifFile::open(memory_source(bytes)).value().has_kernel());
}

struct Invalid {
  const char* error;
  const char* why;
  std::function<void(RawEif&)> change;
};

TEST(EifFile, RefusesEachThingThatTheFormatForbids) {
  const std::vector<Invalid> table{
      {"EIF_MAGIC", "another magic", [](RawEif& e) { e.magic = '/'; }},
      {"EIF_VERSION", "version 0", [](RawEif& e) { e.version = 0; }},
      {"EIF_VERSION", "version 1", [](RawEif& e) { e.version = 1; }},
      {"EIF_VERSION", "version 5", [](RawEif& e) { e.version = 5; }},
      {"EIF_FLAGS", "flag bit 1", [](RawEif& e) { e.flags = 2; }},
      {"EIF_FLAGS", "flag bit 15", [](RawEif& e) { e.flags = 0x8001; }},
      {"EIF_RESERVED", "reserved", [](RawEif& e) { e.reserved = 1; }},
      {"EIF_RESERVED", "unused", [](RawEif& e) { e.unused = 1; }},
      {"EIF_SECTION_COUNT", "no sections", [](RawEif& e) { e.sections.clear(); }},
      {"EIF_SECTION_COUNT", "one section", [](RawEif& e) { e.sections.resize(1); }},
      {"EIF_SECTION_COUNT", "33 sections", [](RawEif& e) { e.sections.resize(33, {3, {}}); }},
      {"EIF_SECTION_TYPE", "type 0", [](RawEif& e) { e.sections[4].type = 0; }},
      {"EIF_SECTION_TYPE", "type 6", [](RawEif& e) { e.sections[4].type = 6; }},
      {"EIF_SECTION_FLAGS", "section flags", [](RawEif& e) { e.sections[0].flags = 1; }},
      {"EIF_SECTIONS kernel", "no kernel", [](RawEif& e) { e.sections.erase(e.sections.begin()); }},
      {"EIF_SECTIONS kernel", "two kernels", [](RawEif& e) { e.sections.push_back({1, {}}); }},
      {"EIF_SECTIONS cmdline", "no cmdline", [](RawEif& e) { e.sections.erase(e.sections.begin() + 1); }},
      {"EIF_SECTIONS cmdline", "two cmdlines", [](RawEif& e) { e.sections.push_back({2, {}}); }},
      {"EIF_SECTIONS ramdisk", "no ramdisk", [](RawEif& e) { e.sections.resize(3); }},
      {"EIF_SECTIONS metadata", "v4 without metadata", [](RawEif& e) { e.sections.erase(e.sections.begin() + 2); }},
      {"EIF_SECTIONS metadata", "two metadata", [](RawEif& e) { e.sections.push_back({5, {}}); }},
      {"EIF_SECTIONS signature", "two signatures", [](RawEif& e) { e.sections.resize(7, {4, {}}); }},
      {"EIF_SECTIONS ramdisk", "ramdisk first", [](RawEif& e) { std::swap(e.sections[0], e.sections[3]); }},
      {"EIF_SIGNATURE_SIZE", "long signature", [](RawEif& e) { e.sections.push_back({4, Bytes(32769)}); }},
      {"EIF_GAP", "gap before the first", [](RawEif& e) { e.sections[0].gap_before = 1; }},
      {"EIF_GAP", "gap between", [](RawEif& e) { e.sections[3].gap_before = 512; }},
      {"EIF_CMDLINE", "NUL in the cmdline", [](RawEif& e) { e.sections[1].data[3] = 0; }},
      {"LIMIT cmdline", "endless cmdline", [](RawEif& e) { e.sections[1].data = Bytes(4097, 'a'); }},
  };
  for (const Invalid& row : table) {
    RawEif eif = sample_eif();
    row.change(eif);
    const Bytes bytes = test::build(eif);
    const auto file = EifFile::open(memory_source(bytes));
    ASSERT_FALSE(file) << row.why;
    const std::string got =
        error_class(file.error()) + (file.error().subject.empty() ? "" : " " + file.error().subject);
    EXPECT_TRUE(got.starts_with(row.error)) << row.why << ": " << got;
  }
}

TEST(EifFile, RefusesEveryLieOfTheSectionTable) {
  const Bytes good = test::build(sample_eif());
  const auto with = [&](std::size_t at, std::uint64_t value, std::size_t width) {
    Bytes bytes = good;
    test::put(bytes, at, value, width);
    return refusal(bytes);
  };
  EXPECT_EQ(with(0x1c, 547, 8), "EIF_OVERLAP");                      // inside the file header
  EXPECT_EQ(with(0x1c + 8, 548, 8), "EIF_OVERLAP");                  // on top of the first
  EXPECT_EQ(with(0x1c + 32, UINT64_MAX, 8), "EIF_TRUNCATED");        // no sum may overflow
  EXPECT_EQ(with(0x1c + 32, good.size() - 11, 8), "EIF_TRUNCATED");  // no room for a section header
  EXPECT_EQ(with(0x11c + 32, UINT64_MAX, 8), "EIF_TRUNCATED");
  EXPECT_EQ(with(0x11c + 32, UINT64_MAX - 12, 8), "EIF_TRUNCATED");
  EXPECT_EQ(with(0x11c + 32, 10, 8), "EIF_TRUNCATED");
  EXPECT_EQ(with(0x11c + 32, 8, 8), "EIF_TRAILING");
  EXPECT_EQ(with(0x11c, 5, 8), "EIF_SECTION_SIZE");  // table and section header disagree
}

TEST(EifFile, RefusesBytesAfterTheEndAndEveryCut) {
  const Bytes good = test::build(sample_eif());
  Bytes longer = good;
  longer.push_back(0);
  EXPECT_EQ(refusal(longer), "EIF_TRAILING");
  for (std::size_t size = 0; size < good.size(); ++size) {
    EXPECT_EQ(refusal(ByteView(good).first(size)), "EIF_TRUNCATED") << size;
  }
}

TEST(EifFile, ReportsGapsWhereAskedAndStillMeasures) {
  RawEif eif = sample_eif();
  eif.sections[3].gap_before = 100;
  const Bytes bytes = test::build(eif);
  const EifFile file = EifFile::open(memory_source(bytes), Gaps::report).value();
  EXPECT_EQ(file.gap_bytes(), 100U);
  EXPECT_EQ(measure(file).value().pcrs, measured(sample_eif()));
}

TEST(EifFile, RefusesWhatIsNoRegularFile) {
  EXPECT_EQ(error_class(open_eif("/dev/zero").error()), "IO");
  EXPECT_EQ(error_class(open_eif("/nonexistent").error()), "IO");
}

TEST(Measurements, AreOfTheDataAlone) {
  const Measurements base = measured(sample_eif());
  RawEif other = sample_eif();
  other.flags = 1;
  other.sections[2].data = to_bytes("{\"ImageName\":\"x\"}");
  EXPECT_EQ(measured(other), base);
  // Boundaries between sections are not measured: equal PCRs do not mean equal files.
  other = sample_eif();
  other.sections[0].data = to_bytes("kernelcons");
  other.sections[1].data = to_bytes("ole=ttyS0 panic=30");
  EXPECT_EQ(measured(other), base);
  other = sample_eif();
  other.sections[3].data[0] ^= 1;
  EXPECT_NE(measured(other).pcr1, base.pcr1);
  EXPECT_EQ(measured(other).pcr2, base.pcr2);
  other = sample_eif();
  other.sections[4].data[0] ^= 1;
  EXPECT_EQ(measured(other).pcr1, base.pcr1);
  EXPECT_NE(measured(other).pcr2, base.pcr2);
  EXPECT_NE(measured(other).pcr0, base.pcr0);
}

TEST(Measurements, OfOneRamdiskHaveAnEmptyPcr2) {
  RawEif eif = sample_eif();
  eif.sections.resize(4);
  const Measurements m = measured(eif);
  EXPECT_EQ(m.pcr0, m.pcr1);
  EXPECT_EQ(hex(m.pcr2),
            "21b9efbc184807662e966d34f390821309eeac6802309798826296bf3e8bec7c10edb30948c90ba67310f7b964fc500a");
}

TEST(Check, RefusesAWrongChecksum) {
  Bytes bytes = test::build(sample_eif());
  bytes.back() ^= 1;
  const auto checked = check(EifFile::open(memory_source(bytes)).value());
  ASSERT_FALSE(checked);
  EXPECT_EQ(error_class(checked.error()), "EIF_CRC");
}

TEST(Check, RefusesASignatureSectionThatIsNone) {
  RawEif eif = sample_eif();
  eif.sections.push_back({4, to_bytes("junk")});
  const Bytes bytes = test::build(eif);
  const auto checked = check(EifFile::open(memory_source(bytes)).value());
  ASSERT_FALSE(checked);
  EXPECT_EQ(error_class(checked.error()), "EIF_SIGNATURE_FORMAT");
}

}  // namespace
}  // namespace cages::eif
