// SPDX-License-Identifier: Apache-2.0
// CBOR (RFC 8949), the strict part of it that Cages' messages, COSE and attestation documents use: a pull reader that never
// recurses, never allocates by a declared length, and refuses non-minimal heads, chunked strings, floats and trailing bytes;
// and a writer of the canonical form (§4.2.1; the caller orders map keys). For wire/ and whoever parses CBOR.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/bytes.h"
#include "base/limits.h"
#include "base/result.h"

namespace cages::wire {

enum class CborType : std::uint8_t { unsigned_int, negative_int, bytes, text, array, map, tag, simple };

// How many items a map head announced; none = indefinite length, ended by a break.
struct CborCount {
  std::optional<std::uint64_t> items;
};

// copy_fixed: TYPE `what` where `bytes` are not as many as `into` takes.
template <std::size_t N>
Result<void> copy_fixed(ByteView bytes, std::string_view what, std::array<Byte, N>& into) {
  if (bytes.size() != N) return fail(Code::TYPE, std::string(what), std::to_string(N) + " bytes", std::to_string(bytes.size()));
  std::ranges::copy(bytes, into.begin());
  return {};
}

// untrusted: reads one CBOR sequence from bytes that anybody may have sent.
// lifetime: views it returns look into the bytes it was made with.
class CborReader {
 public:
  explicit CborReader(ByteView input) : input_(input) {}

  [[nodiscard]] bool at_end() const { return position_ == input_.size(); }
  [[nodiscard]] std::size_t position() const { return position_; }
  [[nodiscard]] ByteView rest() const { return input_.subspan(position_); }

  // peek returns the type of the next item without reading it; CBOR at the end or on a reserved head.
  Result<CborType> peek() const;
  // Each reads one item of its type: TYPE where the next item has another one (with `what` as subject), CBOR where cut.
  Result<std::uint64_t> read_uint(std::string_view what);
  Result<std::int64_t> read_int(std::string_view what);
  Result<ByteView> read_bytes(std::string_view what);
  template <std::size_t N>
  Result<void> read_fixed(std::string_view what, std::array<Byte, N>& into) {
    TRY_ASSIGN(const ByteView bytes, read_bytes(what));
    return copy_fixed(bytes, what, into);
  }
  // read_key reads the key of a pair: UNKNOWN_KEY where it is another one.
  Result<void> read_key(std::uint64_t key);
  Result<std::string_view> read_text(std::string_view what);  // UTF-8
  Result<bool> read_bool(std::string_view what);
  // read_array, read_map: definite length; the count never exceeds the bytes that remain. INDEFINITE_INNER else.
  Result<std::uint64_t> read_array(std::string_view what);
  Result<std::uint64_t> read_map(std::string_view what);
  // read_open_map: definite or indefinite; with the latter ask more_in() before each key.
  Result<CborCount> read_open_map(std::string_view what);
  // more_in counts `seen` items against the head and reads the break that ends an indefinite map.
  Result<bool> more_in(const CborCount& count, std::uint64_t seen);
  Result<std::uint64_t> read_tag();
  // try_null reads null if it comes next.
  bool try_null();
  // skip passes over one item of any kind, at most kCborDepthMax levels deep; map keys are scalars, each once.
  Result<void> skip();
  // finish: TRAILING_BYTES unless everything was read.
  Result<void> finish() const;

 private:
  struct Head {
    CborType type;
    std::uint8_t info;  // additional information
    std::uint64_t value;
    std::size_t bytes;  // of the head itself
  };
  Result<Head> head() const;
  Result<Head> take(CborType type, std::string_view what);
  Result<ByteView> string(CborType type, std::string_view what);

  ByteView input_;
  std::size_t position_ = 0;
};

// Writes canonical heads. Counts given to array() and map() are the caller's duty.
class CborWriter {
 public:
  CborWriter& uint(std::uint64_t value);
  CborWriter& integer(std::int64_t value);
  CborWriter& bytes(ByteView value);
  CborWriter& text(std::string_view value);
  CborWriter& array(std::uint64_t count);
  CborWriter& map(std::uint64_t pairs);
  CborWriter& null();
  CborWriter& boolean(bool value);
  CborWriter& raw(ByteView encoded);  // one item, already encoded
  [[nodiscard]] const Bytes& view() const { return out_; }
  [[nodiscard]] Bytes take() { return std::move(out_); }

 private:
  void head(CborType type, std::uint64_t value);
  Bytes out_;
};

}  // namespace cages::wire
