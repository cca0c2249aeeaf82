// SPDX-License-Identifier: Apache-2.0
#include "server/registry/image.h"

#include <algorithm>

#include "base/limits.h"
#include "eif/check.h"
#include "image/cpio.h"

namespace cages::server {
namespace {

// manifest_in looks through one ramdisk, as a stream.
Result<Bytes> manifest_in(const eif::EifFile& file, const eif::Section& ramdisk) {
  std::uint64_t position = 0;
  const image::Source source = [&](std::span<Byte> into) -> Result<std::size_t> {
    const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(into.size(), ramdisk.bytes - position));
    if (count == 0) return std::size_t{0};
    TRY(file.read_at(ramdisk, position, into.first(count)));
    position += count;
    return count;
  };
  image::CpioReader reader(source);
  while (true) {
    TRY_ASSIGN(const std::optional<image::CpioEntry> entry, reader.next());
    if (!entry) return fail(Code::MANIFEST, "", std::string(wire::kManifestPath) + " in the second ramdisk", "none");
    if (entry->path != wire::kManifestPath || !entry->is_regular()) continue;
    if (entry->size > limits::kManifestBytesMax) return fail(Code::LIMIT, "manifest");
    Bytes content(static_cast<std::size_t>(entry->size));
    std::span<Byte> rest(content);
    while (!rest.empty()) {
      TRY_ASSIGN(const std::size_t count, reader.read(rest));
      if (count == 0) return fail(Code::MANIFEST, "", "a whole file", "a cut one");
      rest = rest.subspan(count);
    }
    return content;
  }
}

}  // namespace

Result<MeasuredImage> measure_image(const std::filesystem::path& path) {
  TRY_ASSIGN(const eif::EifFile file, eif::open_eif(path));
  TRY_ASSIGN(const eif::Checked checked, eif::check(file));
  const std::vector<eif::Section> ramdisks = file.ramdisks();
  if (ramdisks.size() != 2) return fail(Code::MANIFEST, "", "two ramdisks", std::to_string(ramdisks.size()));
  TRY_ASSIGN(const Bytes manifest, manifest_in(file, ramdisks[1]));
  MeasuredImage out;
  out.pcrs = checked.measurements;
  TRY_ASSIGN(out.manifest, wire::parse_manifest(manifest));
  out.has_kernel = file.has_kernel();
  return out;
}

}  // namespace cages::server
