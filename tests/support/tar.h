// SPDX-License-Identifier: Apache-2.0
// Tar archives made entry by entry, wrong ones too. For tests of image layers.
#pragma once

#include <zlib.h>

#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"

namespace cages::testing {

struct TarEntry {
  std::string name;
  char type = '0';
  std::string content{};
  std::string link{};
  std::uint32_t mode = 0644;
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::vector<std::pair<std::string, std::string>> pax{};  // records of an extended header before the entry
};

inline void pad_to_block(std::string& out) { out.resize((out.size() + 511) / 512 * 512); }

inline void add_header(std::string& out, const TarEntry& entry, std::size_t size) {
  std::string head(512, '\0');
  const auto put = [&](std::size_t at, std::string_view text) { head.replace(at, text.size(), text); };
  const auto octal = [&](std::size_t at, int digits, std::uint64_t value) {
    char text[24];
    std::snprintf(text, sizeof text, "%0*llo", digits, static_cast<unsigned long long>(value));
    put(at, text);
  };
  put(0, std::string_view(entry.name).substr(0, 100));
  octal(100, 7, entry.mode);
  octal(108, 7, entry.uid);
  octal(116, 7, entry.gid);
  octal(124, 11, size);
  octal(136, 11, 1'700'000'000);
  put(148, "        ");
  head[156] = entry.type;
  put(157, std::string_view(entry.link).substr(0, 100));
  put(257, std::string_view("ustar\0"
                            "00",
                            8));
  std::uint64_t sum = 0;
  for (const char c : head) sum += static_cast<unsigned char>(c);
  octal(148, 6, sum);
  head[154] = '\0';
  out += head;
}

inline void add_entry(std::string& out, const TarEntry& entry) {
  if (!entry.pax.empty()) {
    std::string records;
    for (const auto& [key, value] : entry.pax) {
      const std::size_t rest = key.size() + value.size() + 3;
      std::size_t length = rest + 1;
      while (std::to_string(length).size() + rest != length) length = std::to_string(length).size() + rest;
      records += std::to_string(length) + ' ' + key + '=' + value + '\n';
    }
    add_header(out, {.name = "pax", .type = 'x'}, records.size());
    out += records;
    pad_to_block(out);
  }
  add_header(out, entry, entry.content.size());
  out += entry.content;
  pad_to_block(out);
}

// tar returns a whole archive.
inline Bytes tar(const std::vector<TarEntry>& entries) {
  std::string out;
  for (const TarEntry& entry : entries) add_entry(out, entry);
  out.append(1024, '\0');
  return to_bytes(out);
}

inline Bytes gzip(ByteView plain) {
  z_stream stream{};
  deflateInit2(&stream, 9, Z_DEFLATED, 15 + 16, 9, Z_DEFAULT_STRATEGY);
  Bytes out(deflateBound(&stream, plain.size()) + 64);
  stream.next_in = const_cast<Byte*>(plain.data());
  stream.avail_in = static_cast<uInt>(plain.size());
  stream.next_out = out.data();
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

// zstd wraps the bytes in one frame of uncompressed blocks (RFC 8878 §3.1.1).
inline Bytes zstd(ByteView plain) {
  constexpr std::size_t kBlock = 65536;
  Bytes out{0x28, 0xb5, 0x2f, 0xfd, 0xa0};
  for (int i = 0; i < 4; ++i) out.push_back(static_cast<Byte>(plain.size() >> (8 * i)));
  for (std::size_t at = 0; at < plain.size(); at += kBlock) {
    const ByteView block = plain.subspan(at, std::min(kBlock, plain.size() - at));
    const auto head = static_cast<std::uint32_t>(block.size() << 3 | (at + kBlock >= plain.size() ? 1 : 0));
    for (int i = 0; i < 3; ++i) out.push_back(static_cast<Byte>(head >> (8 * i)));
    append(out, block);
  }
  return out;
}

}  // namespace cages::testing
