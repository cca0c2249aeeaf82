// SPDX-License-Identifier: Apache-2.0
#include "image/pipe.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/file.h"

namespace cages::image {

Source source_of(ByteView bytes) {
  return [bytes](std::span<Byte> into) mutable -> Result<std::size_t> {
    const std::size_t n = std::min(into.size(), bytes.size());
    std::ranges::copy(bytes.first(n), into.begin());
    bytes = bytes.subspan(n);
    return n;
  };
}

Source file_source(int fd, std::uint64_t offset, std::uint64_t length) {
  return [fd, offset, length](std::span<Byte> into) mutable -> Result<std::size_t> {
    const std::size_t want = static_cast<std::size_t>(std::min<std::uint64_t>(into.size(), length));
    for (;;) {
      const ssize_t n = ::pread(fd, into.data(), want, static_cast<off_t>(offset));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return fail(errno_error("read", errno));
      offset += static_cast<std::uint64_t>(n);
      length -= static_cast<std::uint64_t>(n);
      return static_cast<std::size_t>(n);
    }
  };
}

Sink file_sink(int fd) {
  return [fd](ByteView bytes) -> Result<void> {
    while (!bytes.empty()) {
      const ssize_t n = ::write(fd, bytes.data(), bytes.size());
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return fail(errno_error("write", errno));
      bytes = bytes.subspan(static_cast<std::size_t>(n));
    }
    return {};
  };
}

Sink sink_to(Bytes& bytes, std::size_t bytes_max) {
  return [&bytes, bytes_max](ByteView more) -> Result<void> {
    if (more.size() > bytes_max - std::min(bytes.size(), bytes_max)) {
      return fail(Code::LIMIT, "output", "at most " + std::to_string(bytes_max) + " bytes", "more");
    }
    append(bytes, more);
    return {};
  };
}

Result<std::size_t> fill(const Source& source, std::span<Byte> into) {
  std::size_t got = 0;
  while (got < into.size()) {
    TRY_ASSIGN(const std::size_t n, source(into.subspan(got)));
    if (n == 0) break;
    got += n;
  }
  return got;
}

}  // namespace cages::image
