// SPDX-License-Identifier: Apache-2.0
#include "wire/der.h"

#include <algorithm>
#include <array>
#include <chrono>

namespace cages::wire {
namespace {

std::string tag_text(Byte tag) { return "tag 0x" + hex(ByteView(&tag, 1)); }

// Decimal digits at `text`; -1 where one is none.
int digits(std::string_view text) {
  int value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return -1;
    value = value * 10 + (c - '0');
  }
  return value;
}

}  // namespace

Result<DerElement> DerReader::read_any(std::string_view what) {
  const ByteView rest = input_.subspan(position_);
  if (rest.size() < 2) return fail(Code::DER, std::string(what), "an element", "the end");
  const Byte tag = rest[0];
  if ((tag & 0x1f) == 0x1f) return fail(Code::DER, std::string(what), "a tag of one byte", tag_text(tag));
  std::size_t header = 2;
  std::size_t length = rest[1];
  if (length >= 0x80) {
    const std::size_t count = length & 0x7f;
    // X.690 §10.1: definite, in the fewest bytes. Four bytes are more than any input here can hold.
    if (count == 0 || count > 4 || rest.size() < 2 + count || rest[2] == 0) {
      return fail(Code::DER, std::string(what), "a definite length in the fewest bytes", "another");
    }
    length = 0;
    for (std::size_t i = 0; i < count; ++i) length = length << 8 | rest[2 + i];
    if (length < 0x80) return fail(Code::DER, std::string(what), "a length in the fewest bytes", "a longer one");
    header += count;
  }
  if (length > rest.size() - header) {
    return fail(Code::DER, std::string(what), std::to_string(length) + " bytes", std::to_string(rest.size() - header));
  }
  position_ += header + length;
  return DerElement{tag, rest.subspan(header, length), rest.first(header + length)};
}

Result<DerElement> DerReader::read(Byte tag, std::string_view what) {
  if (!at_end() && !next_is(tag)) {
    return fail(Code::DER, std::string(what), tag_text(tag), tag_text(input_[position_]));
  }
  return read_any(what);
}

Result<DerReader> DerReader::enter(Byte tag, std::string_view what) {
  TRY_ASSIGN(const DerElement element, read(tag, what));
  return DerReader(element.content);
}

Result<bool> DerReader::read_boolean(std::string_view what) {
  TRY_ASSIGN(const DerElement element, read(der_tag::kBoolean, what));
  // X.690 §11.1
  if (element.content.size() != 1 || (element.content[0] != 0 && element.content[0] != 0xff)) {
    return fail(Code::DER, std::string(what), "00 or ff", hex(element.content.first(std::min<std::size_t>(element.content.size(), 8))));
  }
  return element.content[0] == 0xff;
}

Result<ByteView> DerReader::read_integer(std::string_view what) {
  TRY_ASSIGN(const DerElement element, read(der_tag::kInteger, what));
  const ByteView value = element.content;
  // X.690 §8.3.2: the first nine bits are neither all ones nor all zeros.
  const bool minimal = value.size() == 1 || (value.size() > 1 && !(value[0] == 0 && value[1] < 0x80) &&
                                             !(value[0] == 0xff && value[1] >= 0x80));
  if (!minimal) return fail(Code::DER, std::string(what), "an integer in the fewest bytes", "another encoding");
  return value;
}

Result<std::uint32_t> DerReader::read_small_integer(std::string_view what) {
  TRY_ASSIGN(const ByteView value, read_integer(what));
  if (value.size() > 4 || value[0] >= 0x80) return fail(Code::DER, std::string(what), "0 to 2^31-1", "another integer");
  std::uint32_t result = 0;
  for (const Byte byte : value) result = result << 8 | byte;
  return result;
}

Result<ByteView> DerReader::read_oid(std::string_view what) {
  TRY_ASSIGN(const DerElement element, read(der_tag::kOid, what));
  const ByteView value = element.content;
  bool first_of_arc = true;
  bool good = !value.empty() && value.back() < 0x80;
  for (const Byte byte : value) {
    good = good && !(first_of_arc && byte == 0x80);  // X.690 §8.19.2
    first_of_arc = byte < 0x80;
  }
  if (!good) return fail(Code::DER, std::string(what), "an object identifier", "other bytes");
  return value;
}

Result<ByteView> DerReader::read_bit_string_bytes(std::string_view what) {
  TRY_ASSIGN(const DerElement element, read(der_tag::kBitString, what));
  if (element.content.size() < 2 || element.content[0] != 0) {
    return fail(Code::DER, std::string(what), "a bit string of whole bytes", "another");
  }
  return element.content.subspan(1);
}

Result<std::uint16_t> DerReader::read_named_bits(std::string_view what) {
  TRY_ASSIGN(const DerElement element, read(der_tag::kBitString, what));
  const ByteView value = element.content;
  if (value.empty() || value.size() > 3) return fail(Code::DER, std::string(what), "up to 16 bits", "another length");
  const unsigned unused = value[0];
  if (value.size() == 1) {
    if (unused == 0) return std::uint16_t{0};
    return fail(Code::DER, std::string(what), "no unused bits of none", std::to_string(unused));
  }
  // X.690 §11.2: unused bits are zero, and the last used one is not.
  if (unused > 7 || (value.back() & ((1U << (unused + 1)) - 1)) != (1U << unused)) {
    return fail(Code::DER, std::string(what), "named bits in the fewest bytes", "another encoding");
  }
  std::uint16_t bits = 0;
  for (unsigned bit = 0; bit < (value.size() - 1) * 8; ++bit) {
    if ((value[1 + bit / 8] & (0x80U >> (bit % 8))) != 0) bits = static_cast<std::uint16_t>(bits | 1U << bit);
  }
  return bits;
}

Result<std::int64_t> DerReader::read_time(std::string_view what) {
  const bool utc = next_is(der_tag::kUtcTime);
  TRY_ASSIGN(const DerElement element, read(utc ? der_tag::kUtcTime : der_tag::kGeneralizedTime, what));
  const std::string_view text = as_text(element.content);
  const std::size_t year_digits = utc ? 2 : 4;
  // RFC 5280 §4.1.2.5: seconds present, no fraction, Z.
  if (text.size() != year_digits + 11 || text.back() != 'Z') {
    return fail(Code::DER, std::string(what), utc ? "YYMMDDHHMMSSZ" : "YYYYMMDDHHMMSSZ", printable(text));
  }
  int year = digits(text.substr(0, year_digits));
  if (utc && year >= 0) year += year < 50 ? 2000 : 1900;
  std::array<int, 5> part{};  // month, day, hour, minute, second
  for (std::size_t i = 0; i < part.size(); ++i) part.at(i) = digits(text.substr(year_digits + 2 * i, 2));
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(static_cast<unsigned>(part[0])),
                                         std::chrono::day(static_cast<unsigned>(part[1]))};
  const bool good = year >= 0 && std::ranges::min(part) >= 0 && date.ok() && part[2] < 24 && part[3] < 60 && part[4] < 60 &&
                    (utc || year >= 2050);
  if (!good) return fail(Code::DER, std::string(what), "a time as RFC 5280 writes it", printable(text));
  const std::int64_t days = std::chrono::sys_days(date).time_since_epoch().count();
  return days * 86400 + part[2] * std::int64_t{3600} + part[3] * std::int64_t{60} + part[4];
}

Result<void> DerReader::finish(std::string_view what) const {
  if (at_end()) return {};
  return fail(Code::DER, std::string(what), "the end", std::to_string(input_.size() - position_) + " more bytes");
}

Bytes write_der(Byte tag, ByteView content) {
  Bytes length;
  for (std::size_t left = content.size(); left > 0; left >>= 8) length.insert(length.begin(), static_cast<Byte>(left));
  Bytes out{tag};
  if (content.size() < 0x80) {
    out.push_back(static_cast<Byte>(content.size()));
  } else {
    out.push_back(static_cast<Byte>(0x80 | length.size()));
    append(out, length);
  }
  append(out, content);
  return out;
}

Bytes write_der_sequence(std::initializer_list<ByteView> parts, Byte tag) {
  Bytes content;
  for (const ByteView part : parts) append(content, part);
  return write_der(tag, content);
}

std::string oid_text(ByteView oid) {
  std::string text;
  std::uint64_t arc = 0;
  bool wide = false;
  for (const Byte byte : oid) {
    wide = wide || arc >> 57 != 0;
    arc = arc << 7 | (byte & 0x7f);
    if (byte >= 0x80) continue;
    if (text.empty() && !wide) {
      const std::uint64_t top = std::min<std::uint64_t>(arc / 40, 2);
      text = std::to_string(top) + "." + std::to_string(arc - top * 40);
    } else {
      text += text.empty() ? "?" : wide ? ".?" : "." + std::to_string(arc);
    }
    arc = 0;
    wide = false;
  }
  return text;
}

Result<Bytes> parse_ecdsa_signature(ByteView der, std::size_t width) {
  DerReader outer(der);
  TRY_ASSIGN(DerReader values, outer.enter(der_tag::kSequence, "signature"));
  TRY(outer.finish("signature"));
  Bytes raw(2 * width);
  for (std::size_t i = 0; i < 2; ++i) {
    TRY_ASSIGN(ByteView value, values.read_integer("signature"));
    if (value[0] >= 0x80) return fail(Code::DER, "signature", "a positive integer", "a negative one");
    if (value[0] == 0 && value.size() > 1) value = value.subspan(1);
    if (value.size() > width) {
      return fail(Code::DER, "signature", "at most " + std::to_string(width) + " bytes", std::to_string(value.size()));
    }
    std::ranges::copy(value, raw.begin() + static_cast<std::ptrdiff_t>((i + 1) * width - value.size()));
  }
  TRY(values.finish("signature"));
  return raw;
}

}  // namespace cages::wire
