// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "crypto/certificate.h"
#include "crypto/der.h"
#include "crypto/hash.h"

namespace cages::crypto {
namespace {

Bytes general_name(unsigned kind, ByteView value) { return der::element(der::context(kind), value); }

constexpr unsigned kRfc822Name = 1;
constexpr unsigned kDnsName = 2;
constexpr unsigned kUri = 6;
constexpr unsigned kIpAddress = 7;

void add_subtree(Bytes& to, unsigned kind, ByteView base) {
  append(to, der::element(der::kSequence, general_name(kind, base)));
}

}  // namespace

Result<Bytes> encode_name(std::span<const NameAttribute> attributes) {
  Bytes content;
  for (const auto& [type, value] : attributes) {
    if (value.empty() || value.size() > 128) return fail(Code::INTERNAL, "name", "1 to 128 bytes", printable(value));
    TRY_ASSIGN(const Bytes encoded_type, der::oid(type));
    constexpr Byte kPrintableString = 0x13;
    const Bytes text = der::element(type == oid::kCountry ? kPrintableString : der::kUtf8String, as_bytes(value));
    append(content, der::sequence({der::sequence({encoded_type, text})}, der::kSet));
  }
  return der::element(der::kSequence, content);
}

Result<Bytes> common_name(std::string_view value) {
  const NameAttribute attribute{oid::kCommonName, value};
  return encode_name({&attribute, 1});
}

Extension basic_constraints(bool ca, std::optional<unsigned> path_len, bool critical) {
  Bytes content;
  if (ca) append(content, der::element(der::kBoolean, Bytes{0xff}));
  if (ca && path_len) append(content, der::element(der::kInteger, Bytes{static_cast<Byte>(*path_len & 0x7fU)}));
  return {std::string(oid::kBasicConstraints), critical, der::element(der::kSequence, content)};
}

Extension key_usage(std::span<const KeyUsage> bits, bool critical) {
  // A named bit list drops trailing zero bits (X.690 §11.2.2); every bit that we name is in the first octet.
  unsigned octet = 0;
  unsigned last = 0;
  for (const KeyUsage bit : bits) {
    octet |= 0x80U >> static_cast<unsigned>(bit);
    last = std::max(last, static_cast<unsigned>(bit));
  }
  const Bytes content{static_cast<Byte>(7 - last), static_cast<Byte>(octet)};
  return {std::string(oid::kKeyUsage), critical, der::element(der::kBitString, content)};
}

Extension key_usage(std::initializer_list<KeyUsage> bits, bool critical) {
  return key_usage(std::span<const KeyUsage>(bits.begin(), bits.size()), critical);
}

Result<Extension> extended_key_usage(std::span<const std::string_view> oids, bool critical) {
  Bytes content;
  for (const std::string_view one : oids) {
    TRY_ASSIGN(const Bytes encoded, der::oid(one));
    append(content, encoded);
  }
  return Extension{std::string(oid::kExtendedKeyUsage), critical, der::element(der::kSequence, content)};
}

Extension subject_alt_dns(std::span<const std::string> names) {
  Bytes content;
  for (const std::string& name : names) append(content, general_name(kDnsName, as_bytes(name)));
  return {std::string(oid::kSubjectAltName), false, der::element(der::kSequence, content)};
}

Extension name_constraints(std::span<const std::string> dns_names) {
  Bytes permitted;
  for (const std::string& name : dns_names) add_subtree(permitted, kDnsName, as_bytes(name));
  Bytes excluded;
  add_subtree(excluded, kRfc822Name, {});
  add_subtree(excluded, kUri, {});
  add_subtree(excluded, kIpAddress, Bytes(8));   // 0.0.0.0/0
  add_subtree(excluded, kIpAddress, Bytes(32));  // ::/0
  return {std::string(oid::kNameConstraints), true,
          der::sequence({der::element(der::context_constructed(0), permitted),
                         der::element(der::context_constructed(1), excluded)})};
}

Extension subject_key_id(ByteView id) {
  return {std::string(oid::kSubjectKeyId), false, der::element(der::kOctetString, id)};
}

Extension authority_key_id(ByteView id) {
  return {std::string(oid::kAuthorityKeyId), false, der::sequence({der::element(der::context(0), id)})};
}

Bytes key_id(const PublicKey& key) {
  // The uncompressed point ends the SubjectPublicKeyInfo.
  const std::size_t point = 1 + 2 * field_bytes(key.curve());
  const Digest256 digest = sha256(ByteView(key.spki()).last(point));
  return {digest.begin(), digest.begin() + 20};
}

}  // namespace cages::crypto
