// SPDX-License-Identifier: Apache-2.0
#include "eif/signature.h"

#include "base/check.h"
#include "base/limits.h"
#include "crypto/cose.h"
#include "eif/measure.h"
#include "wire/cbor.h"

namespace cages::eif {
namespace {

using wire::CborReader;
using wire::CborWriter;

constexpr std::string_view kCertificateKey = "signing_certificate";
constexpr std::string_view kSignatureKey = "signature";
constexpr std::string_view kIndexKey = "register_index";
constexpr std::string_view kValueKey = "register_value";

void write_integers(CborWriter& to, ByteView bytes) {
  to.array(bytes.size());
  for (const Byte byte : bytes) to.uint(byte);
}

Result<Bytes> read_integers(CborReader& from, std::string_view what) {
  TRY_ASSIGN(const std::uint64_t count, from.read_array(what));  // never more than the bytes that remain
  Bytes out;
  out.reserve(count);
  for (std::uint64_t i = 0; i < count; ++i) {
    TRY_ASSIGN(const std::uint64_t value, from.read_uint(what));
    if (value > 255)
      return fail(Code::EIF_SIGNATURE_FORMAT, std::string(what), "integers up to 255", std::to_string(value));
    out.push_back(static_cast<Byte>(value));
  }
  return out;
}

Result<void> expect_count(std::uint64_t got, std::uint64_t expected, std::string_view what) {
  if (got == expected) return {};
  return fail(Code::EIF_SIGNATURE_FORMAT, std::string(what), std::to_string(expected) + " members",
              std::to_string(got));
}

Result<void> expect_key(CborReader& from, std::string_view key) {
  TRY_ASSIGN(const std::string_view got, from.read_text(key));
  if (got == key) return {};
  return fail(Code::EIF_SIGNATURE_FORMAT, "", std::string(key), printable(got));
}

// One class for everything that is wrong with the form, whatever layer found it.
Error as_format_error(const Error& error) {
  if (error.code == Code::EIF_SIGNATURE_FORMAT) return error;
  return Error(Code::EIF_SIGNATURE_FORMAT, error_class(error), error.expected, error.got, error.where);
}

template <class T>
Result<T> in_form(Result<T> result) {
  if (!result) return fail(as_format_error(result.error()));
  return result;
}

Result<Signature> read_section(ByteView section) {
  CborReader reader(section);
  TRY_ASSIGN(const std::uint64_t elements, reader.read_array("signatures"));
  TRY(expect_count(elements, 1, "signatures"));
  TRY_ASSIGN(const std::uint64_t members, reader.read_map("signature"));
  TRY(expect_count(members, 2, "signature"));
  Signature out;
  TRY(expect_key(reader, kCertificateKey));
  TRY_ASSIGN(const Bytes pem, read_integers(reader, kCertificateKey));
  out.certificate_pem = as_text(pem);
  TRY(expect_key(reader, kSignatureKey));
  TRY_ASSIGN(out.cose, read_integers(reader, kSignatureKey));
  TRY(reader.finish());
  return out;
}

struct RegisterValue {
  std::uint64_t index;
  Bytes value;
};

Result<RegisterValue> read_payload(ByteView payload) {
  CborReader reader(payload);
  TRY_ASSIGN(const std::uint64_t members, reader.read_map("payload"));
  TRY(expect_count(members, 2, "payload"));
  RegisterValue out{};
  TRY(expect_key(reader, kIndexKey));
  TRY_ASSIGN(out.index, reader.read_uint(kIndexKey));
  TRY(expect_key(reader, kValueKey));
  TRY_ASSIGN(out.value, read_integers(reader, kValueKey));
  TRY(reader.finish());
  return out;
}

Bytes write_payload(const crypto::Digest384& pcr0) {
  CborWriter writer;
  writer.map(2).text(kIndexKey).uint(0).text(kValueKey);
  write_integers(writer, pcr0);
  return writer.take();
}

}  // namespace

Result<Signature> parse_signature(ByteView section) { return in_form(read_section(section)); }

Result<Bytes> write_signature(const Signature& signature) {
  CborWriter writer;
  writer.array(1).map(2).text(kCertificateKey);
  write_integers(writer, as_bytes(signature.certificate_pem));
  writer.text(kSignatureKey);
  write_integers(writer, signature.cose);
  if (writer.view().size() > limits::kEifSignatureBytesMax) {
    return fail(Code::EIF_SIGNATURE_SIZE, "", "at most " + std::to_string(limits::kEifSignatureBytesMax) + " bytes",
                std::to_string(writer.view().size()));
  }
  return writer.take();
}

Result<Bytes> make_signature(const crypto::Certificate& certificate, const crypto::Signer& key,
                             const crypto::Digest384& pcr0) {
  if (!equal(certificate.public_key().spki(), key.public_key().spki())) return fail(Code::EIF_KEY);
  TRY_ASSIGN(const Bytes cose, crypto::sign_cose(write_payload(pcr0), key));
  return write_signature({certificate.pem(), cose});
}

Result<Signature> read_signature(const EifFile& file) {
  const Section* section = file.find(SectionType::signature);
  if (section == nullptr) return fail(Code::EIF_SIGNATURE_FORMAT, "", "a signature section", "none");
  TRY_ASSIGN(const Bytes content, file.read_whole(*section, limits::kEifSignatureBytesMax));
  return parse_signature(content);
}

Result<crypto::Certificate> signing_certificate(const Signature& signature) {
  return in_form(crypto::Certificate::from_pem(signature.certificate_pem));
}

Result<void> verify_signature(const Signature& signature, const crypto::Certificate& certificate,
                              const crypto::Digest384& pcr0) {
  TRY_ASSIGN(const wire::CoseSign1 cose, in_form(crypto::read_cose(signature.cose)));
  TRY_ASSIGN(const RegisterValue signed_value, in_form(read_payload(cose.payload)));
  const auto verified = crypto::verify_cose(cose, certificate.public_key());
  if (!CAGES_CHECK("EIF_SIGNATURE", verified.has_value())) {
    return fail(Code::EIF_SIGNATURE, error_class(verified.error()), "by the key of the certificate", "another");
  }
  if (!CAGES_CHECK("EIF_SIGNATURE", signed_value.index == 0 && equal(signed_value.value, pcr0))) {
    return fail(Code::EIF_SIGNATURE, "PCR" + std::to_string(signed_value.index), hex(pcr0), hex(signed_value.value));
  }
  return {};
}

crypto::Digest384 measure_certificate(const crypto::Certificate& certificate) {
  return measure_content(crypto::sha384(certificate.der()));
}

}  // namespace cages::eif
