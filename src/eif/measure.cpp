// SPDX-License-Identifier: Apache-2.0
#include "eif/measure.h"

#include <algorithm>

#include "eif/crc.h"
#include "eif/layout.h"

namespace cages::eif {

crypto::Digest384 measure_content(ByteView digest) {
  Bytes extended(48);
  append(extended, digest);
  return crypto::sha384(extended);
}

namespace {

crypto::Digest384 pcr(crypto::Hasher& hasher) { return measure_content(hasher.finish()); }

}  // namespace

Measurer::Measurer()
    : all_(crypto::Hasher::Algorithm::sha384),
      boot_(crypto::Hasher::Algorithm::sha384),
      other_(crypto::Hasher::Algorithm::sha384) {}

void Measurer::begin(SectionType type) {
  type_ = type;
  if (type == SectionType::ramdisk) ++ramdisks_;
}

void Measurer::update(ByteView data) {
  if (type_ == SectionType::metadata || type_ == SectionType::signature) return;
  all_.update(data);
  (type_ == SectionType::ramdisk && ramdisks_ > 1 ? other_ : boot_).update(data);
}

Measurements Measurer::finish() { return {pcr(all_), pcr(boot_), pcr(other_), std::nullopt}; }

Result<Measured> measure(const EifFile& file) {
  Measurer measurer;
  Crc crc;
  crc.update(ByteView(file.raw_header()).first(kCrcOffset));
  for (const Section& section : file.sections()) {
    crc.update(write_section_header(section.type, section.bytes));  // equal to what was read: layout.cpp checked it
    measurer.begin(section.type);
    TRY(file.read(section, [&](ByteView piece) -> Result<void> {
      crc.update(piece);
      measurer.update(piece);
      return {};
    }));
  }
  return Measured{measurer.finish(), crc.value()};
}

}  // namespace cages::eif
