// SPDX-License-Identifier: Apache-2.0
// DER (X.690 §10, §11), the part of it that certificates use: a pull reader that accepts one encoding of each value and no
// other, and a writer of that encoding. For whoever reads or makes certificates.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>

#include "base/bytes.h"
#include "base/result.h"

namespace cages::wire {

namespace der_tag {
inline constexpr Byte kBoolean = 0x01;
inline constexpr Byte kInteger = 0x02;
inline constexpr Byte kBitString = 0x03;
inline constexpr Byte kOctetString = 0x04;
inline constexpr Byte kOid = 0x06;
inline constexpr Byte kUtf8String = 0x0c;
inline constexpr Byte kPrintableString = 0x13;
inline constexpr Byte kUtcTime = 0x17;
inline constexpr Byte kGeneralizedTime = 0x18;
inline constexpr Byte kSequence = 0x30;
inline constexpr Byte kSet = 0x31;
// Context-specific tags: primitive and constructed.
constexpr Byte context(Byte number) { return static_cast<Byte>(0x80 | number); }
constexpr Byte explicit_context(Byte number) { return static_cast<Byte>(0xa0 | number); }
}  // namespace der_tag

// One element: its content, and the whole of it with tag and length.
struct DerElement {
  Byte tag;
  ByteView content;
  ByteView whole;
};

// untrusted: reads the elements of one level, in order. Every failure is Code::DER with `what` as its subject.
// lifetime: views it returns look into the bytes it was made with.
class DerReader {
 public:
  explicit DerReader(ByteView input) : input_(input) {}

  [[nodiscard]] bool at_end() const { return position_ == input_.size(); }
  // next_is tells whether an element with this tag comes next.
  [[nodiscard]] bool next_is(Byte tag) const { return !at_end() && input_[position_] == tag; }
  // read_any reads one element: single-byte tag, definite length in the fewest bytes.
  Result<DerElement> read_any(std::string_view what);
  Result<DerElement> read(Byte tag, std::string_view what);
  // enter reads one element and returns a reader of its content.
  Result<DerReader> enter(Byte tag, std::string_view what);
  Result<bool> read_boolean(std::string_view what);
  // read_integer returns the content of an INTEGER in its fewest bytes, sign byte included.
  Result<ByteView> read_integer(std::string_view what);
  // read_small_integer: 0 .. 2^31-1.
  Result<std::uint32_t> read_small_integer(std::string_view what);
  Result<ByteView> read_oid(std::string_view what);
  // read_bit_string_bytes: a BIT STRING of whole bytes, without its leading count.
  Result<ByteView> read_bit_string_bytes(std::string_view what);
  // read_named_bits: a BIT STRING of up to 16 named bits in its fewest bytes (X.690 §11.2.2); bit 0 is the least significant.
  Result<std::uint16_t> read_named_bits(std::string_view what);
  // read_time: UTCTime or GeneralizedTime as RFC 5280 §4.1.2.5 wants them, in seconds since the epoch.
  Result<std::int64_t> read_time(std::string_view what);
  // finish fails unless everything was read.
  Result<void> finish(std::string_view what) const;

 private:
  ByteView input_;
  std::size_t position_ = 0;
};

// write_der writes one element: tag, length in the fewest bytes, content.
Bytes write_der(Byte tag, ByteView content);
// write_der_sequence writes `parts`, each an element already, inside one `tag`.
Bytes write_der_sequence(std::initializer_list<ByteView> parts, Byte tag = der_tag::kSequence);

// oid_text writes the dotted form of an OBJECT IDENTIFIER's content, e.g. "2.5.29.15"; arcs above 64 bits as "?".
std::string oid_text(ByteView oid);

// parse_ecdsa_signature turns one strict DER ECDSA-Sig-Value (RFC 3279 §2.2.3) into r||s of 2 × `width` bytes. DER where an
// integer is negative, not minimal or wider.
Result<Bytes> parse_ecdsa_signature(ByteView der, std::size_t width);

}  // namespace cages::wire
