// SPDX-License-Identifier: Apache-2.0
// Images: whatever the bytes, the reader accepts or refuses, and what it accepts can be measured and checked.
#include <cstdlib>

#include "base/limits.h"
#include "eif/check.h"
#include "eif/measure.h"
#include "eif/metadata.h"
#include "eif/read.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace cages;
  const auto source = eif::memory_source({data, size});
  const auto file = eif::EifFile::open(source, eif::Gaps::report);
  if (!file) return 0;
  const auto measured = eif::measure(*file);
  if (!measured) std::abort();  // a sound layout can be read to its end
  (void)eif::check(*file);
  if (const eif::Section* metadata = file->find(eif::SectionType::metadata)) {
    if (const auto text = file->read_whole(*metadata, limits::kEifMetadataBytesMax))
      (void)eif::parse_metadata(as_text(*text));
  }
  const auto strict = eif::EifFile::open(source);
  if (strict.has_value() != (file->gap_bytes() == 0)) std::abort();
  return 0;
}
