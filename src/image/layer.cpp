// SPDX-License-Identifier: Apache-2.0
#include "image/layer.h"

#include <archive.h>
#include <archive_entry.h>
#include <locale.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>

#include "base/limits.h"
#include "crypto/hash.h"

namespace cages::image {
namespace {

constexpr std::size_t kBlockBytes = 512;
constexpr std::size_t kReadBytes = 256 * 1024;

struct FreeArchive {
  void operator()(archive* a) const { archive_read_free(a); }
};
using ArchiveHandle = std::unique_ptr<archive, FreeArchive>;

// libarchive turns names into the locale's characters; an image must not depend on the locale of whoever builds it.
class Utf8Locale {
 public:
  Utf8Locale() : utf8_(::newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr)) {
    if (utf8_ != nullptr) before_ = ::uselocale(utf8_);
  }
  ~Utf8Locale() {
    if (utf8_ == nullptr) return;
    ::uselocale(before_);
    ::freelocale(utf8_);
  }
  Utf8Locale(const Utf8Locale&) = delete;
  Utf8Locale& operator=(const Utf8Locale&) = delete;

 private:
  locale_t utf8_;
  locale_t before_ = nullptr;
};

LayerKind kind_of(archive_entry* entry) {
  if (archive_entry_hardlink(entry) != nullptr || archive_entry_hardlink_utf8(entry) != nullptr)
    return LayerKind::hard_link;
  switch (archive_entry_filetype(entry)) {
    case AE_IFREG: return LayerKind::file;
    case AE_IFDIR: return LayerKind::directory;
    case AE_IFLNK: return LayerKind::symlink;
    case AE_IFCHR: return LayerKind::character_device;
    case AE_IFBLK: return LayerKind::block_device;
    case AE_IFIFO: return LayerKind::fifo;
    default: return LayerKind::other;
  }
}

std::string either(const char* utf8, const char* raw) { return utf8 != nullptr ? utf8 : raw != nullptr ? raw : ""; }

std::uint64_t read_octal(std::string_view digits) {
  std::uint64_t value = 0;
  for (const char c : digits) {
    if (c < '0' || c > '7') break;
    value = value * 8 + static_cast<std::uint64_t>(c - '0');
  }
  return value;
}

// The offset of the content whose headers begin at `at`: past the extended headers and the entry's own. None where the
// header is not one that gives the same size: then the content is copied instead.
std::optional<std::uint64_t> content_offset(const Blob& blob, std::uint64_t at, std::uint64_t size) {
  std::array<Byte, kBlockBytes> header;
  for (int extended = 0; extended < 8; ++extended) {
    if (at + kBlockBytes > blob.size) return std::nullopt;
    const auto got = fill(file_source(blob.file->get(), blob.offset + at, kBlockBytes), header);
    if (!got || *got != kBlockBytes) return std::nullopt;
    const std::string_view text = as_text(header);
    const std::uint64_t field = read_octal(text.substr(124, 12));
    at += kBlockBytes;
    const char type = text[156];
    if (type == 'x' || type == 'g' || type == 'X' || type == 'L' || type == 'K') {
      if (field > limits::kImageJsonBytesMax) return std::nullopt;
      at += (field + kBlockBytes - 1) / kBlockBytes * kBlockBytes;
      continue;
    }
    const bool plain = (type == '0' || type == '\0' || type == '7') && field == size && at + size <= blob.size;
    return plain ? std::optional(at) : std::nullopt;
  }
  return std::nullopt;
}

class ArchiveLayer final : public LayerReader {
 public:
  ArchiveLayer(const Blob& blob, Progress progress)
      : blob_(blob), progress_(std::move(progress)), buffer_(kReadBytes) {}

  // `skip`: contents that nobody asks for are not read at all, so that finish() has no digest to give.
  Result<void> start(bool skip) {
    const Utf8Locale locale;
    archive_.reset(archive_read_new());
    archive* a = archive_.get();
    // gzip and zstd alone: what OCI layers may be. Every other decompressor is attack surface for nothing.
    const bool ready = a != nullptr && archive_read_support_filter_gzip(a) == ARCHIVE_OK &&
                       archive_read_support_filter_zstd(a) == ARCHIVE_OK &&
                       archive_read_support_format_tar(a) == ARCHIVE_OK &&
                       archive_read_support_format_empty(a) == ARCHIVE_OK;
    if (!ready) return fail(Code::INTERNAL, "libarchive", "gzip, zstd and tar", "an error");
    if (archive_read_open2(a, this, nullptr, &ArchiveLayer::pull, skip ? &ArchiveLayer::pass : nullptr, nullptr) !=
        ARCHIVE_OK)
      return broken();
    return {};
  }

  Result<std::optional<LayerEntry>> next() override {
    const Utf8Locale locale;
    archive_entry* entry = nullptr;
    const int status = archive_read_next_header(archive_.get(), &entry);
    if (status == ARCHIVE_EOF) return std::optional<LayerEntry>();
    if (status != ARCHIVE_OK && status != ARCHIVE_WARN) return broken();
    TRY(check_ratio());
    LayerEntry out;
    out.kind = kind_of(entry);
    out.path = either(archive_entry_pathname_utf8(entry), archive_entry_pathname(entry));
    out.permissions = archive_entry_mode(entry) & 07777;
    out.uid = archive_entry_uid(entry);
    out.gid = archive_entry_gid(entry);
    const std::int64_t size = archive_entry_size(entry);
    if (size < 0) return fail(Code::IMAGE, printable(out.path), "a size", "a negative one");
    if (out.kind == LayerKind::file) out.size = static_cast<std::uint64_t>(size);
    if (out.kind == LayerKind::symlink)
      out.target = either(archive_entry_symlink_utf8(entry), archive_entry_symlink(entry));
    if (out.kind == LayerKind::hard_link)
      out.target = either(archive_entry_hardlink_utf8(entry), archive_entry_hardlink(entry));
    note_capabilities(entry, out);
    const bool whole = archive_entry_sparse_count(entry) == 0 && !compressed();
    if (out.kind == LayerKind::file && whole) {
      const auto at = static_cast<std::uint64_t>(archive_read_header_position(archive_.get()));
      out.content_offset = content_offset(blob_, at, out.size);
    }
    return std::optional(std::move(out));
  }

  Result<std::optional<LayerPiece>> read() override {
    const void* data = nullptr;
    std::size_t length = 0;
    la_int64_t offset = 0;
    const int status = archive_read_data_block(archive_.get(), &data, &length, &offset);
    if (status == ARCHIVE_EOF) return std::optional<LayerPiece>();
    if ((status != ARCHIVE_OK && status != ARCHIVE_WARN) || offset < 0) return broken();
    TRY(check_ratio());
    return std::optional(
        LayerPiece{static_cast<std::uint64_t>(offset), ByteView(static_cast<const Byte*>(data), length)});
  }

  Result<std::string> finish() override {
    for (;;) {
      const void* ignored = nullptr;
      const auto n = pull(archive_.get(), this, &ignored);
      if (n < 0) return broken();
      if (n == 0) break;
    }
    return hex(hasher_.finish());
  }

  [[nodiscard]] bool compressed() const override { return archive_filter_count(archive_.get()) > 1; }

 private:
  static la_ssize_t pull(archive* a, void* self, const void** into) {
    auto& layer = *static_cast<ArchiveLayer*>(self);
    const Source source =
        file_source(layer.blob_.file->get(), layer.blob_.offset + layer.read_, layer.blob_.size - layer.read_);
    const auto got = source(layer.buffer_);
    if (!got) {
      archive_set_error(a, EIO, "%s", got.error().got.c_str());
      return -1;
    }
    layer.read_ += *got;
    layer.hasher_.update(ByteView(layer.buffer_).first(*got));
    if (layer.progress_ && *got > 0) layer.progress_(*got);
    *into = layer.buffer_.data();
    return static_cast<la_ssize_t>(*got);
  }

  static la_int64_t pass(archive*, void* self, la_int64_t request) {
    auto& layer = *static_cast<ArchiveLayer*>(self);
    const std::uint64_t step = std::min(static_cast<std::uint64_t>(request), layer.blob_.size - layer.read_);
    layer.read_ += step;
    return static_cast<la_int64_t>(step);
  }

  std::unexpected<Error> broken() {
    const char* reason = archive_error_string(archive_.get());
    return fail(Code::IMAGE, "layer", "a tar archive, plain or by gzip or zstd",
                printable(reason == nullptr ? "" : reason, 200));
  }

  Result<void> check_ratio() {
    const auto out = static_cast<std::uint64_t>(archive_filter_bytes(archive_.get(), 0));
    if (out <= limits::kImageRatioFreeBytes || out / limits::kImageCompressionRatioMax <= read_) return {};
    return fail(Code::IMAGE_LIMIT, "compression",
                "at most " + std::to_string(limits::kImageCompressionRatioMax) + " bytes from each byte of a layer",
                std::to_string(out) + " from " + std::to_string(read_));
  }

  static void note_capabilities(archive_entry* entry, LayerEntry& out) {
    const char* name = nullptr;
    const void* value = nullptr;
    std::size_t size = 0;
    archive_entry_xattr_reset(entry);
    while (archive_entry_xattr_next(entry, &name, &value, &size) == ARCHIVE_OK) {
      if (name != nullptr && std::string_view(name) == "security.capability") out.has_capabilities = true;
    }
  }

  Blob blob_;
  Progress progress_;
  Bytes buffer_;
  std::uint64_t read_ = 0;  // of the blob
  crypto::Hasher hasher_{crypto::Hasher::Algorithm::sha256};
  ArchiveHandle archive_;
};

}  // namespace

Result<std::unique_ptr<LayerReader>> LayerReader::open(const Blob& blob, Progress progress) {
  auto layer = std::make_unique<ArchiveLayer>(blob, std::move(progress));
  TRY(layer->start(false));
  return std::unique_ptr<LayerReader>(std::move(layer));
}

Result<std::vector<LayerEntry>> list_archive(const Blob& blob, std::size_t entries_max) {
  ArchiveLayer layer(blob, {});
  TRY(layer.start(true));
  std::vector<LayerEntry> entries;
  for (;;) {
    TRY_ASSIGN(std::optional<LayerEntry> entry, layer.next());
    if (layer.compressed())
      return fail(Code::IMAGE, "archive", "a plain tar archive", "a compressed one: uncompress it first");
    if (!entry) return entries;
    if (entries.size() >= entries_max) {
      return fail(Code::IMAGE_LIMIT, "archive", "at most " + std::to_string(entries_max) + " entries", "more");
    }
    entries.push_back(std::move(*entry));
  }
}

}  // namespace cages::image
