// SPDX-License-Identifier: Apache-2.0
#include "image/blob.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>

#include "crypto/hash.h"

namespace cages::image {

Result<Blob> open_blob(const std::filesystem::path& path) {
  // O_NONBLOCK: opening a FIFO that somebody put there must not wait for a writer.
  auto file = std::make_shared<const Fd>(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (!*file) return fail(errno_error(path.string(), errno));
  struct stat status{};
  if (::fstat(file->get(), &status) != 0) return fail(errno_error(path.string(), errno));
  if (!S_ISREG(status.st_mode)) return fail(Code::IMAGE, path.string(), "a regular file", "something else");
  return Blob{std::move(file), 0, static_cast<std::uint64_t>(status.st_size)};
}

Result<Bytes> read_blob(const Blob& blob, std::size_t bytes_max) {
  if (blob.size > bytes_max) {
    return fail(Code::IMAGE_LIMIT, "document", "at most " + std::to_string(bytes_max) + " bytes",
                std::to_string(blob.size));
  }
  Bytes content(static_cast<std::size_t>(blob.size));
  TRY_ASSIGN(const std::size_t got, fill(blob.source(), content));
  if (got != content.size())
    return fail(Code::IMAGE, "document", std::to_string(blob.size) + " bytes", "a shorter file");
  return content;
}

Result<Digest> parse_digest(std::string_view text) {
  constexpr std::string_view kPrefix = "sha256:";
  const std::string_view digits = text.starts_with(kPrefix) ? text.substr(kPrefix.size()) : std::string_view();
  const auto is_digit = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
  // A digest becomes a file name: nothing but digits may pass.
  if (digits.size() != 64 || !std::ranges::all_of(digits, is_digit)) {
    return fail(Code::IMAGE, "digest", "sha256: and 64 hexadecimal digits", printable(text));
  }
  return Digest{std::string(digits)};
}

Result<void> check_digest(ByteView content, const Digest& digest, std::string_view what) {
  const std::string got = hex(crypto::sha256(content));
  if (got != digest.hex) return fail(Code::IMAGE_DIGEST, std::string(what), "sha256:" + digest.hex, "sha256:" + got);
  return {};
}

}  // namespace cages::image
