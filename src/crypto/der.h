// SPDX-License-Identifier: Apache-2.0
// der: a writer for the few DER shapes (X.690) that certificates need. Reading DER is OpenSSL's job. For crypto/ only.
#pragma once

#include <initializer_list>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

namespace cages::crypto::der {

inline constexpr Byte kBoolean = 0x01;
inline constexpr Byte kInteger = 0x02;
inline constexpr Byte kBitString = 0x03;
inline constexpr Byte kOctetString = 0x04;
inline constexpr Byte kOid = 0x06;
inline constexpr Byte kUtf8String = 0x0c;
inline constexpr Byte kSequence = 0x30;
inline constexpr Byte kSet = 0x31;
// Context-specific tags: primitive and constructed.
constexpr Byte context(unsigned number) { return static_cast<Byte>(0x80U | number); }
constexpr Byte context_constructed(unsigned number) { return static_cast<Byte>(0xa0U | number); }

// element writes tag, minimal length and content.
Bytes element(Byte tag, ByteView content);
// sequence writes `parts`, each an element already, inside one `tag`.
Bytes sequence(std::initializer_list<ByteView> parts, Byte tag = kSequence);
// oid encodes a dotted object identifier with its tag, arcs of any size (2.25.<UUID> included); INTERNAL where it is no
// object identifier.
Result<Bytes> oid(std::string_view dotted);

}  // namespace cages::crypto::der
