// SPDX-License-Identifier: Apache-2.0
#include "image/cpio.h"

#include <algorithm>
#include <array>

#include "base/limits.h"
#include "base/text.h"

namespace cages::image {
namespace {

constexpr std::size_t kHeadBytes = 110;
constexpr std::string_view kMagic = "070701";
constexpr std::string_view kTrailer = "TRAILER!!!";
constexpr std::size_t kArchiveAlign = 512;
constexpr std::size_t kCopyBytes = 256 * 1024;
constexpr std::uint32_t kDirectory = 0040000;
constexpr std::uint32_t kRegular = 0100000;
constexpr std::uint32_t kSymlink = 0120000;

std::unexpected<Error> bad(std::string_view what, std::string expected, std::string got) {
  return fail(Code::CPIO, std::string(what), std::move(expected), std::move(got));
}

std::unexpected<Error> too_much(std::string_view what, std::uint64_t most) {
  return fail(Code::LIMIT, std::string(what), "at most " + std::to_string(most), "more");
}

constexpr std::uint64_t rounded_up(std::uint64_t value, std::uint64_t to) { return (value + to - 1) / to * to; }

void put_hex(std::string& out, std::uint64_t value) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  for (int shift = 28; shift >= 0; shift -= 4) out += kDigits[value >> shift & 15];
}

Result<std::uint32_t> read_hex(std::string_view digits) {
  std::uint32_t value = 0;
  for (const char c : digits) {
    const int digit = c >= '0' && c <= '9'   ? c - '0'
                      : c >= 'a' && c <= 'f' ? c - 'a' + 10
                      : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                             : -1;
    if (digit < 0) return bad("head", "8 hexadecimal digits", printable(digits));
    value = value << 4 | static_cast<std::uint32_t>(digit);
  }
  return value;
}

std::string_view parent_of(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? std::string_view() : path.substr(0, slash);
}

}  // namespace

Result<std::string> clean_path(std::string_view path) {
  if (path.size() > limits::kImagePathBytesMax) return too_much("path bytes", limits::kImagePathBytesMax);
  if (path.find('\0') != std::string_view::npos) return bad("path", "no NUL", printable(path));
  while (path.starts_with("./")) path.remove_prefix(2);
  if (path == ".") return std::string(path);
  if (path.ends_with('/')) path.remove_suffix(1);
  const auto parts = split(path, '/');
  if (parts.size() > limits::kImageDepthMax) return too_much("path components", limits::kImageDepthMax);
  for (const std::string_view part : parts) {
    if (part.empty() || part == "." || part == "..") return bad("path", "a path inside the archive", printable(path));
    if (part.size() > limits::kImageNameBytesMax) return too_much("bytes of a name", limits::kImageNameBytesMax);
  }
  return std::string(path);
}

Result<void> CpioWriter::write(ByteView bytes) {
  written_ += bytes.size();
  return sink_(bytes);
}

Result<void> CpioWriter::pad(std::size_t to) {
  static constexpr std::array<Byte, kArchiveAlign> kZeros{};
  return write(ByteView(kZeros).first(static_cast<std::size_t>(rounded_up(written_, to) - written_)));
}

Result<void> CpioWriter::check_path(std::string_view path) {
  TRY_ASSIGN(const std::string clean, clean_path(path));
  if (clean != path || clean == ".") return bad("path", "a clean path", printable(path));
  if (!last_.empty() && path <= last_) return bad("order", "a path after " + printable(last_), printable(path));
  const std::string_view parent = parent_of(path);
  if (!parent.empty() && !directories_.contains(parent)) return bad("parent", "a directory before it", printable(path));
  last_ = path;
  return {};
}

Result<void> CpioWriter::head(std::string_view path, std::uint32_t mode, std::uint32_t uid, std::uint32_t gid,
                              std::uint32_t links, std::uint32_t inode, std::uint64_t size, std::uint32_t time) {
  std::string out(kMagic);
  const std::array<std::uint64_t, 13> fields{inode, mode, uid, gid, links, time, size, 3, 1, 0, 0, path.size() + 1, 0};
  for (const std::uint64_t field : fields) put_hex(out, field);
  out += path;
  out += '\0';
  TRY(write(as_bytes(out)));
  return pad(4);
}

Result<void> CpioWriter::directory(std::string_view path, std::uint32_t permissions, std::uint32_t uid,
                                   std::uint32_t gid) {
  TRY(check_path(path));
  directories_.emplace(path);
  return head(path, (permissions & 07777) | kDirectory, uid, gid, 2, next_inode_++, 0, kCpioTime);
}

Result<void> CpioWriter::symlink(std::string_view path, std::string_view target, std::uint32_t uid, std::uint32_t gid) {
  if (target.empty() || target.size() > limits::kImagePathBytesMax || target.find('\0') != std::string_view::npos) {
    return bad("symlink", "a target of 1 to 4095 bytes", printable(target));
  }
  TRY(check_path(path));
  TRY(head(path, 0777 | kSymlink, uid, gid, 1, next_inode_++, target.size(), kCpioTime));
  TRY(write(as_bytes(target)));
  return pad(4);
}

Result<void> CpioWriter::file(std::string_view path, std::uint32_t permissions, std::uint32_t uid, std::uint32_t gid,
                              std::uint64_t size, const Source& content, std::uint32_t links) {
  if (size > limits::kImageFileBytesMax) return too_much("bytes of a file", limits::kImageFileBytesMax);
  TRY(check_path(path));
  const std::uint32_t mode = (permissions & 07777) | kRegular;
  const std::uint32_t inode = next_inode_++;
  if (links > 1) shared_.emplace(path, Shared{inode, mode, uid, gid, links, links - 1});
  TRY(head(path, mode, uid, gid, links, inode, size, kCpioTime));
  buffer_.resize(kCopyBytes);
  for (std::uint64_t left = size; left > 0;) {
    const auto want = static_cast<std::size_t>(std::min<std::uint64_t>(left, buffer_.size()));
    TRY_ASSIGN(const std::size_t n, content(std::span(buffer_).first(want)));
    if (n == 0) return bad("content", std::to_string(size) + " bytes", std::to_string(size - left));
    TRY(write(ByteView(buffer_).first(n)));
    left -= n;
  }
  return pad(4);
}

Result<void> CpioWriter::link(std::string_view path, std::string_view first) {
  TRY(check_path(path));
  const auto found = shared_.find(first);
  if (found == shared_.end())
    return bad("hard link", "a file written before with more names to come", printable(first));
  Shared& shared = found->second;
  TRY(head(path, shared.mode, shared.uid, shared.gid, shared.links, shared.inode, 0, kCpioTime));
  if (--shared.names_left == 0) shared_.erase(found);
  return {};
}

Result<void> CpioWriter::finish() {
  if (!shared_.empty()) return bad("hard link", "all names of " + printable(shared_.begin()->first), "fewer");
  TRY(head(kTrailer, 0, 0, 0, 1, next_inode_++, 0, 0));
  return pad(kArchiveAlign);
}

struct CpioReader::Head {
  std::uint32_t inode, mode, uid, gid, links, time, size, device_major, device_minor, node_major, node_minor;
  std::string name;
};

Result<void> CpioReader::read_exact(std::span<Byte> into, std::string_view what) {
  TRY_ASSIGN(const std::size_t got, fill(source_, into));
  position_ += got;
  if (got != into.size())
    return bad(what, std::to_string(into.size()) + " bytes", "the end after " + std::to_string(got));
  return {};
}

Result<void> CpioReader::skip_padding() {
  std::array<Byte, 4> padding{};
  const auto length = static_cast<std::size_t>(rounded_up(position_, 4) - position_);
  TRY(read_exact(std::span(padding).first(length), "padding"));
  if (!all_zero(padding)) return bad("padding", "zeros", hex(padding));
  return {};
}

Result<void> CpioReader::skip_content() {
  std::array<Byte, 16384> scratch;
  while (left_ > 0) TRY(read(scratch));
  return skip_padding();
}

Result<std::size_t> CpioReader::read(std::span<Byte> into) {
  const auto want = static_cast<std::size_t>(std::min<std::uint64_t>(into.size(), left_));
  if (want == 0) return std::size_t{0};
  TRY_ASSIGN(const std::size_t n, source_(into.first(want)));
  if (n == 0) return bad("content", std::to_string(left_) + " more bytes", "the end");
  position_ += n;
  left_ -= n;
  return n;
}

Result<CpioReader::Head> CpioReader::read_head() {
  std::array<Byte, kHeadBytes> raw;
  TRY(read_exact(raw, "head"));
  const std::string_view text = as_text(raw);
  if (!text.starts_with(kMagic)) return bad("magic", std::string(kMagic), printable(text.substr(0, 6)));
  std::array<std::uint32_t, 13> field{};
  for (std::size_t i = 0; i < field.size(); ++i) {
    TRY_ASSIGN(field[i], read_hex(text.substr(kMagic.size() + i * 8, 8)));
  }
  Head head{field[0], field[1], field[2], field[3], field[4],  field[5],
            field[6], field[7], field[8], field[9], field[10], {}};
  const std::uint32_t name_bytes = field[11];
  if (name_bytes < 2) return bad("path", "a name", "none");
  if (name_bytes > limits::kImagePathBytesMax + 1) return too_much("path bytes", limits::kImagePathBytesMax);
  Bytes name(name_bytes);
  TRY(read_exact(name, "path"));
  if (name.back() != 0) return bad("path", "a NUL at its end", printable(as_text(name)));
  name.pop_back();
  head.name = std::string(as_text(name));
  TRY(skip_padding());
  return head;
}

Result<void> CpioReader::end() {
  ended_ = true;
  std::array<Byte, 16384> rest;
  for (;;) {
    TRY_ASSIGN(const std::size_t n, source_(rest));
    if (n == 0) return {};
    if (!all_zero(ByteView(rest).first(n))) return bad("end", "zeros after the trailer", "other bytes");
  }
}

Result<void> CpioReader::count(std::size_t path_bytes) {
  if (++entries_ > limits::kImageEntriesMax) return too_much("entries", limits::kImageEntriesMax);
  path_bytes_ += path_bytes;
  if (path_bytes_ > limits::kImagePathBytesTotalMax)
    return too_much("path bytes in all", limits::kImagePathBytesTotalMax);
  return {};
}

// No parent is ever anything but a directory, so that whoever unpacks in order never writes through a symlink.
Result<void> CpioReader::admit_parents(std::string_view path) {
  for (std::string_view parent = parent_of(path); !parent.empty(); parent = parent_of(parent)) {
    const auto found = seen_.find(parent);
    if (found != seen_.end() && found->second != Seen::other) return {};  // then its own parents are directories too
    if (found != seen_.end()) return bad("parent", "a directory", printable(parent));
    TRY(count(parent.size()));
    seen_.emplace(parent, Seen::implied_directory);
  }
  return {};
}

Result<void> CpioReader::admit(const CpioEntry& entry) {
  TRY(count(entry.path.size() + entry.target.size()));
  const auto [found, fresh] = seen_.try_emplace(entry.path, entry.is_directory() ? Seen::directory : Seen::other);
  if (!fresh) {
    if (found->second != Seen::implied_directory || !entry.is_directory()) {
      return bad("path", "each path once", printable(entry.path));
    }
    found->second = Seen::directory;
  }
  return admit_parents(entry.path);
}

Result<void> CpioReader::read_target(CpioEntry& entry) {
  if (entry.size == 0) return bad("symlink", "a target", "none: " + printable(entry.path));
  if (entry.size > limits::kImagePathBytesMax)
    return too_much("bytes of a symlink's target", limits::kImagePathBytesMax);
  Bytes target(static_cast<std::size_t>(entry.size));
  TRY(read_exact(target, "symlink"));
  if (std::ranges::find(target, Byte{0}) != target.end()) return bad("symlink", "no NUL", printable(as_text(target)));
  entry.target = std::string(as_text(target));
  left_ = 0;
  return {};
}

Result<void> CpioReader::resolve_link(const Head& head, CpioEntry& entry) {
  const std::pair device{std::uint64_t{head.device_major} << 32 | head.device_minor,
                         std::uint64_t{head.inode} << 32 | head.mode};
  const auto [first, fresh] = inodes_.try_emplace(device, entry.path);
  if (fresh) return {};
  if (head.size != 0) return bad("hard link", "content at the first name only", printable(entry.path));
  entry.hard_link_to = first->second;
  return {};
}

Result<std::optional<CpioEntry>> CpioReader::next() {
  if (ended_) return std::optional<CpioEntry>();
  TRY(skip_content());
  TRY_ASSIGN(const Head head, read_head());
  if (head.name == kTrailer) {
    if (head.size != 0) return bad("trailer", "no content", std::to_string(head.size) + " bytes");
    TRY(end());
    return std::optional<CpioEntry>();
  }
  CpioEntry entry;
  TRY_ASSIGN(entry.path, clean_path(head.name));
  entry.mode = head.mode;
  entry.uid = head.uid;
  entry.gid = head.gid;
  entry.mtime = head.time;
  entry.size = head.size;
  entry.device_major = head.node_major;
  entry.device_minor = head.node_minor;
  if (entry.path == "." && !entry.is_directory()) return bad("path", "a directory", "the root as something else");
  if (!entry.is_regular() && !entry.is_symlink() && head.size != 0) {
    return bad("content", "none in what is no file", printable(entry.path));
  }
  left_ = head.size;
  if (entry.is_symlink()) TRY(read_target(entry));
  if (entry.is_regular() && head.links > 1) TRY(resolve_link(head, entry));
  TRY(admit(entry));
  return std::optional(std::move(entry));
}

}  // namespace cages::image
