// SPDX-License-Identifier: Apache-2.0
#include <openssl/asn1.h>
#include <openssl/objects.h>

#include <algorithm>

#include "crypto/certificate.h"
#include "crypto/handles.h"
#include "crypto/hash.h"
#include "wire/der.h"

namespace cages::crypto {
namespace {

namespace der_tag = wire::der_tag;
using wire::write_der;
using wire::write_der_sequence;

Bytes general_name(Byte kind, ByteView value) { return write_der(der_tag::context(kind), value); }

constexpr Byte kRfc822Name = 1;
constexpr Byte kDnsName = 2;
constexpr Byte kUri = 6;
constexpr Byte kIpAddress = 7;

void add_subtree(Bytes& to, Byte kind, ByteView base) {
  append(to, write_der(der_tag::kSequence, general_name(kind, base)));
}

}  // namespace

Result<Bytes> encode_oid(std::string_view dotted) {
  const std::string text(dotted);
  const std::unique_ptr<ASN1_OBJECT, Free<ASN1_OBJECT_free>> object(OBJ_txt2obj(text.c_str(), 1));
  if (!object) return fail(Code::INTERNAL, "object identifier", "dotted numbers", printable(dotted));
  return write_der(der_tag::kOid, ByteView(OBJ_get0_data(object.get()), OBJ_length(object.get())));
}

Result<Bytes> encode_name(std::span<const NameAttribute> attributes) {
  Bytes content;
  for (const auto& [type, value] : attributes) {
    if (value.empty() || value.size() > 128) return fail(Code::INTERNAL, "name", "1 to 128 bytes", printable(value));
    TRY_ASSIGN(const Bytes encoded_type, encode_oid(type));
    const Bytes text = write_der(type == oid::kCountry ? der_tag::kPrintableString : der_tag::kUtf8String, as_bytes(value));
    append(content, write_der_sequence({write_der_sequence({encoded_type, text})}, der_tag::kSet));
  }
  return write_der(der_tag::kSequence, content);
}

Result<Bytes> common_name(std::string_view value) {
  const NameAttribute attribute{oid::kCommonName, value};
  return encode_name({&attribute, 1});
}

Extension basic_constraints(bool ca, std::optional<unsigned> path_len, bool critical) {
  Bytes content;
  if (ca) append(content, write_der(der_tag::kBoolean, Bytes{0xff}));
  if (ca && path_len) append(content, write_der(der_tag::kInteger, Bytes{static_cast<Byte>(*path_len & 0x7fU)}));
  return {std::string(oid::kBasicConstraints), critical, write_der(der_tag::kSequence, content)};
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
  return {std::string(oid::kKeyUsage), critical, write_der(der_tag::kBitString, content)};
}

Extension key_usage(std::initializer_list<KeyUsage> bits, bool critical) {
  return key_usage(std::span<const KeyUsage>(bits.begin(), bits.size()), critical);
}

Result<Extension> extended_key_usage(std::span<const std::string_view> oids, bool critical) {
  Bytes content;
  for (const std::string_view one : oids) {
    TRY_ASSIGN(const Bytes encoded, encode_oid(one));
    append(content, encoded);
  }
  return Extension{std::string(oid::kExtendedKeyUsage), critical, write_der(der_tag::kSequence, content)};
}

Extension subject_alt_dns(std::span<const std::string> names) {
  Bytes content;
  for (const std::string& name : names) append(content, general_name(kDnsName, as_bytes(name)));
  return {std::string(oid::kSubjectAltName), false, write_der(der_tag::kSequence, content)};
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
          write_der_sequence({write_der(der_tag::explicit_context(0), permitted),
                              write_der(der_tag::explicit_context(1), excluded)})};
}

Extension subject_key_id(ByteView id) {
  return {std::string(oid::kSubjectKeyId), false, write_der(der_tag::kOctetString, id)};
}

Extension authority_key_id(ByteView id) {
  return {std::string(oid::kAuthorityKeyId), false, write_der_sequence({write_der(der_tag::context(0), id)})};
}

Bytes key_id(const PublicKey& key) {
  // The uncompressed point ends the SubjectPublicKeyInfo.
  const std::size_t point = 1 + 2 * field_bytes(key.curve());
  const Digest256 digest = sha256(ByteView(key.spki()).last(point));
  return {digest.begin(), digest.begin() + 20};
}

}  // namespace cages::crypto
