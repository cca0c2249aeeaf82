// SPDX-License-Identifier: Apache-2.0
// Ramdisks: cpio archives of the "newc" kind. The writer writes the one canonical form
// (docs/decisions/0020-ramdisk-form.md): entries in ascending byte order of their paths, a fixed modification time,
// numbered from 721, lower-case hexadecimal, hard links by a shared number, padded to 512 bytes. The reader reads any
// newc archive, as a stream, within the bounds of base/limits.h, and gives out only paths that stay inside. For image/,
// the drivers (unpacking) and `cage diff`. Not for layers of container images: those are tar (image/layer.h).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "image/pipe.h"

namespace cages::image {

// 2017-04-18T16:30:00Z on everything: an image's own times are not part of what it does (nitro.md §1.7, §1.11).
inline constexpr std::uint32_t kCpioTime = 1'492'533'000;

struct CpioEntry {
  std::string path;        // relative, clean: no "", ".", ".." component, no "/" at either end; "." = the root itself
  std::uint32_t mode = 0;  // type and permissions as st_mode
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::uint32_t mtime = kCpioTime;
  std::uint64_t size = 0;          // of the content; of a symlink: of its target
  std::uint32_t device_major = 0;  // of a device node
  std::uint32_t device_minor = 0;
  std::string target;        // a symlink's target, as it stands in the archive; never followed here
  std::string hard_link_to;  // path of an earlier entry that this one is another name of; then size is 0

  [[nodiscard]] bool is_directory() const { return (mode & 0170000) == 0040000; }
  [[nodiscard]] bool is_regular() const { return (mode & 0170000) == 0100000; }
  [[nodiscard]] bool is_symlink() const { return (mode & 0170000) == 0120000; }
};

class CpioWriter {
 public:
  // lifetime: `sink` is kept until finish().
  explicit CpioWriter(Sink sink) : sink_(std::move(sink)) {}

  // directory, symlink and file write one entry each. CPIO where the path is not clean, does not sort after the one
  // before, or has a parent that is no directory written before; LIMIT above a bound. `permissions`: the low 12 bits of
  // st_mode. `links`: how many names the file has, this one among them; when above 1, link() must follow for each of
  // the others.
  Result<void> directory(std::string_view path, std::uint32_t permissions, std::uint32_t uid, std::uint32_t gid);
  Result<void> symlink(std::string_view path, std::string_view target, std::uint32_t uid, std::uint32_t gid);
  Result<void> file(std::string_view path, std::uint32_t permissions, std::uint32_t uid, std::uint32_t gid,
                    std::uint64_t size, const Source& content, std::uint32_t links = 1);
  // link writes another name of the file written before as `first`.
  Result<void> link(std::string_view path, std::string_view first);
  // finish writes the trailer and the padding. Nothing may follow.
  Result<void> finish();
  [[nodiscard]] std::uint64_t bytes_written() const { return written_; }

 private:
  struct Shared {
    std::uint32_t inode, mode, uid, gid, links, names_left;
  };
  Result<void> check_path(std::string_view path);
  Result<void> head(std::string_view path, std::uint32_t mode, std::uint32_t uid, std::uint32_t gid,
                    std::uint32_t links, std::uint32_t inode, std::uint64_t size, std::uint32_t time);
  Result<void> write(ByteView bytes);
  Result<void> pad(std::size_t to);

  Sink sink_;
  Bytes buffer_;
  std::uint64_t written_ = 0;
  std::uint32_t next_inode_ = 721;
  std::string last_;
  std::set<std::string, std::less<>> directories_;
  std::map<std::string, Shared, std::less<>> shared_;  // files that have more names to come
};

// untrusted: reads an archive that anybody may have written.
class CpioReader {
 public:
  // lifetime: `source` is kept. It ends where the ramdisk ends.
  explicit CpioReader(Source source) : source_(std::move(source)) {}

  // next skips what is left of the last entry's content and returns the next entry, or nothing after a correct end.
  // CPIO (subject: what is wrong) for bad heads, paths that leave the root, a path that occurs twice, a parent that is
  // anything but a directory (so no entry can be written through a symlink), non-zero bytes after the trailer, a
  // missing trailer; LIMIT above kImageEntriesMax, kImagePathBytesMax, kImagePathBytesTotalMax, kImageDepthMax. A
  // parent may have no entry of its own: some tools leave it out; nothing but a directory can then come under its name.
  Result<std::optional<CpioEntry>> next();
  // read returns content of the entry that next() returned last; 0 = its end.
  Result<std::size_t> read(std::span<Byte> into);

 private:
  struct Head;
  Result<Head> read_head();
  Result<void> read_exact(std::span<Byte> into, std::string_view what);
  Result<void> skip_content();
  Result<void> skip_padding();
  Result<void> admit(const CpioEntry& entry);
  Result<void> admit_parents(std::string_view path);
  Result<void> count(std::size_t path_bytes);
  Result<void> resolve_link(const Head& head, CpioEntry& entry);
  Result<void> read_target(CpioEntry& entry);
  Result<void> end();

  Source source_;
  std::uint64_t position_ = 0;
  std::uint64_t left_ = 0;  // of the content of the last entry
  bool ended_ = false;
  std::size_t entries_ = 0;
  std::size_t path_bytes_ = 0;
  enum class Seen : std::uint8_t { directory, implied_directory, other };
  std::map<std::string, Seen, std::less<>> seen_;
  std::map<std::pair<std::uint64_t, std::uint64_t>, std::string>
      inodes_;  // (device, number) of files with several names
};

// clean_path: the path relative to the root without "./" before and "/" after it; "." for the root. CPIO where a
// component is empty, "." or "..", where the path is absolute or holds NUL; LIMIT where it is too long or deep.
Result<std::string> clean_path(std::string_view path);

}  // namespace cages::image
