// SPDX-License-Identifier: Apache-2.0
#include "crypto/der.h"

#include <openssl/asn1.h>
#include <openssl/objects.h>

#include <memory>
#include <string>

namespace cages::crypto::der {

Bytes element(Byte tag, ByteView content) {
  Bytes out{tag};
  const std::size_t length = content.size();
  if (length < 0x80) {
    out.push_back(static_cast<Byte>(length));
  } else {
    Bytes digits;
    for (std::size_t rest = length; rest != 0; rest >>= 8) digits.insert(digits.begin(), static_cast<Byte>(rest));
    out.push_back(static_cast<Byte>(0x80U | digits.size()));
    append(out, digits);
  }
  append(out, content);
  return out;
}

Bytes sequence(std::initializer_list<ByteView> parts, Byte tag) {
  Bytes content;
  for (const ByteView part : parts) append(content, part);
  return element(tag, content);
}

Result<Bytes> oid(std::string_view dotted) {
  const std::string text(dotted);
  struct FreeObject {
    void operator()(ASN1_OBJECT* object) const { ASN1_OBJECT_free(object); }
  };
  const std::unique_ptr<ASN1_OBJECT, FreeObject> object(OBJ_txt2obj(text.c_str(), 1));
  if (!object) return fail(Code::INTERNAL, "object identifier", "dotted numbers", printable(dotted));
  return element(kOid, ByteView(OBJ_get0_data(object.get()), OBJ_length(object.get())));
}

}  // namespace cages::crypto::der
