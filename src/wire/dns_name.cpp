// SPDX-License-Identifier: Apache-2.0
#include "wire/dns_name.h"

#include "base/limits.h"
#include "base/text.h"

namespace cages::wire::dns {
namespace {

constexpr std::size_t kLabelBytesMax = 63;
constexpr Byte kPointer = 0xc0;  // RFC 1035 §4.1.4; 0x40 and 0x80 mean nothing

auto refuse(std::string what) { return fail(Code::DNS, std::move(what)); }

bool label_byte(Byte b) { return b > 0x20 && b < 0x7f && b != '.' && b != '\\'; }

}  // namespace

Result<ByteView> Reader::take(std::size_t count) {
  if (count > left()) {
    at_ = message_.size();
    return refuse("cut short");
  }
  const ByteView out = message_.subspan(at_, count);
  at_ += count;
  return out;
}

Result<std::uint8_t> Reader::u8() {
  TRY_ASSIGN(const ByteView b, take(1));
  return b[0];
}

Result<std::uint16_t> Reader::u16() {
  TRY_ASSIGN(const ByteView b, take(2));
  return static_cast<std::uint16_t>(b[0] << 8 | b[1]);
}

Result<std::uint32_t> Reader::u32() {
  TRY_ASSIGN(const ByteView b, take(4));
  return std::uint32_t{b[0]} << 24 | std::uint32_t{b[1]} << 16 | std::uint32_t{b[2]} << 8 | b[3];
}

Result<std::string> Reader::name() { return read_name(true); }
Result<std::string> Reader::plain_name() { return read_name(false); }

Result<std::string> Reader::read_name(bool pointers) {
  std::string text;
  std::size_t octets = 1;         // the root's length octet
  std::size_t bound = at_;        // a pointer goes before this: so every jump goes back, and they end
  std::size_t after = 0;          // where reading goes on: behind the first pointer
  for (;;) {
    TRY_ASSIGN(const std::uint8_t length, u8());
    if (length == 0) break;
    if ((length & kPointer) == kPointer && pointers) {
      TRY_ASSIGN(const std::uint8_t low, u8());
      const std::size_t target = std::size_t{length & 0x3fU} << 8 | low;
      if (target >= bound) return refuse("a pointer that does not point back");
      if (after == 0) after = at_;
      bound = target;
      at_ = target;
      continue;
    }
    if (length > kLabelBytesMax) return refuse("label");
    TRY_ASSIGN(const ByteView label, take(length));
    octets += std::size_t{length} + 1;
    if (octets > limits::kDnsNameBytesMax) return refuse("a name above 255 octets");
    for (const Byte b : label) {
      if (!label_byte(b)) return refuse("a label of other than visible characters");
    }
    text += (text.empty() ? "" : ".") + ascii_lower(as_text(label));
  }
  if (after != 0) at_ = after;
  return text;
}

void put_u16(Bytes& out, std::uint16_t value) {
  out.push_back(static_cast<Byte>(value >> 8));
  out.push_back(static_cast<Byte>(value));
}

void put_u32(Bytes& out, std::uint32_t value) {
  put_u16(out, static_cast<std::uint16_t>(value >> 16));
  put_u16(out, static_cast<std::uint16_t>(value));
}

void put_name(Bytes& out, std::string_view name) {
  if (!name.empty()) {
    for (const std::string_view label : split(name, '.')) {
      out.push_back(static_cast<Byte>(label.size()));
      append(out, as_bytes(label));
    }
  }
  out.push_back(0);
}

}  // namespace cages::wire::dns
