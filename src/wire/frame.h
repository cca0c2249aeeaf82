// SPDX-License-Identifier: Apache-2.0
// Frame: the one shape of every message between an enclave and its host, provisioner or engine (docs/protocol.md,
// FRAME): u32 big-endian length | canonical CBOR [type, version, {int keys}]. Here: bytes <-> (type, version, fields).
// Each message has a file of its own that uses FieldReader and FrameWriter; reading frames off a stream is
// net/framing.h. No I/O here.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "wire/cbor.h"

namespace cages::wire {

inline constexpr std::size_t kFrameLengthBytes = 4;

// frame_length reads the length that precedes a frame: 1 … kFrameBytesMax; FRAME else. Ask it before allocating.
Result<std::size_t> frame_length(std::span<const Byte, kFrameLengthBytes> prefix);

// A frame without its length, taken apart. lifetime: `fields` looks into the bytes it was parsed from.
struct Frame {
  std::uint64_t type;
  std::uint64_t version;
  ByteView fields;  // the encoded map
};

// parse_frame reads the bytes after the length. CBOR and its kin on bad bytes, TRAILING_BYTES, FRAME above the bound.
Result<Frame> parse_frame(ByteView payload);

// FieldReader reads the {int keys} map of a frame, keys in ascending order as the canonical form has them. Ask for keys
// in ascending order too; then finish(). Every view looks into the bytes it was opened on.
class FieldReader {
 public:
  // open: `fields` as parse_frame gave them.
  static Result<FieldReader> open(ByteView fields);
  // has: true where the next field is `key`; read it next. A smaller key that nobody asked for is refused by what
  // follows.
  [[nodiscard]] bool has(std::uint64_t key) const { return next_ && *next_ == key; }
  // Required fields: MISSING `name` where `key` is not next, UNKNOWN_KEY where a smaller one is.
  Result<std::uint64_t> uint(std::uint64_t key, std::string_view name);
  Result<std::int64_t> integer(std::uint64_t key, std::string_view name);
  Result<bool> boolean(std::uint64_t key, std::string_view name);
  // LIMIT where longer than `bytes_max`.
  Result<ByteView> bytes(std::uint64_t key, std::string_view name, std::size_t bytes_max);
  // fixed: exactly as many bytes as `into` takes; LIMIT above, TYPE below.
  template <std::size_t N>
  Result<void> fixed(std::uint64_t key, std::string_view name, std::array<Byte, N>& into) {
    TRY_ASSIGN(const ByteView value, bytes(key, name, N));
    return copy_fixed(value, name, into);
  }
  Result<std::string_view> text(std::uint64_t key, std::string_view name, std::size_t bytes_max);
  // item gives the CBOR reader, standing at the value of `key`, to read it by hand; then call advance().
  Result<CborReader*> item(std::uint64_t key, std::string_view name);
  Result<void> advance();
  // finish: UNKNOWN_KEY where fields are left that nobody read.
  Result<void> finish() const;

 private:
  explicit FieldReader(ByteView fields) : reader_(fields) {}
  Result<void> expect(std::uint64_t key, std::string_view name);
  CborReader reader_;
  std::uint64_t left_ = 0;             // pairs not yet begun
  std::optional<std::uint64_t> next_;  // the key whose value comes next
};

// FrameWriter writes one frame, length included. Give `pairs` exactly and keys in ascending order.
class FrameWriter {
 public:
  FrameWriter(std::uint64_t type, std::uint64_t version, std::uint64_t pairs);
  FrameWriter& uint(std::uint64_t key, std::uint64_t value);
  FrameWriter& integer(std::uint64_t key, std::int64_t value);
  FrameWriter& boolean(std::uint64_t key, bool value);
  FrameWriter& bytes(std::uint64_t key, ByteView value);
  FrameWriter& text(std::uint64_t key, std::string_view value);
  FrameWriter& raw(std::uint64_t key, ByteView encoded);
  // take: the whole frame. Aborts above kFrameBytesMax: senders bound what they put in.
  [[nodiscard]] Bytes take();

 private:
  CborWriter writer_;
};

// expect_version: MESSAGE_VERSION unless `frame` has `version`.
Result<void> expect_version(const Frame& frame, std::uint64_t version);
// expect_type: MESSAGE_TYPE unless `frame` has `type` (named `name`) and then `version`.
Result<void> expect_type(const Frame& frame, std::uint64_t type, std::uint64_t version, std::string_view name);

}  // namespace cages::wire
