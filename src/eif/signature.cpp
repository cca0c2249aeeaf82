// SPDX-License-Identifier: Apache-2.0
#include "eif/signature.h"

#include "base/check.h"
#include "base/limits.h"
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
constexpr std::int64_t kAlgorithmLabel = 1;  // RFC 9052 §3.1

// RFC 9053 §2.1 binds the algorithm to the hash; AWS binds it to the curve too.
std::int64_t algorithm_of(crypto::Curve curve) {
  switch (curve) {
    case crypto::Curve::p256: return -7;
    case crypto::Curve::p384: return -35;
    case crypto::Curve::p521: return -36;
  }
  return 0;
}

Bytes protected_header(crypto::Curve curve) {
  return CborWriter().map(1).integer(kAlgorithmLabel).integer(algorithm_of(curve)).take();
}

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
    if (value > 255) return fail(Code::EIF_SIGNATURE_FORMAT, std::string(what), "integers up to 255", std::to_string(value));
    out.push_back(static_cast<Byte>(value));
  }
  return out;
}

Result<void> expect_count(std::uint64_t got, std::uint64_t expected, std::string_view what) {
  if (got == expected) return {};
  return fail(Code::EIF_SIGNATURE_FORMAT, std::string(what), std::to_string(expected) + " members", std::to_string(got));
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

struct Sign1 {
  ByteView protected_header;
  ByteView payload;
  ByteView signature;
};

Result<Sign1> read_sign1(ByteView cose) {
  CborReader reader(cose);
  TRY_ASSIGN(const std::uint64_t members, reader.read_array("COSE_Sign1"));
  TRY(expect_count(members, 4, "COSE_Sign1"));
  Sign1 out;
  TRY_ASSIGN(out.protected_header, reader.read_bytes("protected"));
  TRY_ASSIGN(const std::uint64_t headers, reader.read_map("unprotected"));
  TRY(expect_count(headers, 0, "unprotected"));
  TRY_ASSIGN(out.payload, reader.read_bytes("payload"));
  TRY_ASSIGN(out.signature, reader.read_bytes("signature"));
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

// Sig_structure (RFC 9052 §4.4): what is signed.
Bytes to_be_signed(ByteView protected_bytes, ByteView payload) {
  return CborWriter().array(4).text("Signature1").bytes(protected_bytes).bytes({}).bytes(payload).take();
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

Result<Bytes> make_signature(const crypto::Certificate& certificate, const crypto::Signer& key, const crypto::Digest384& pcr0) {
  if (!equal(certificate.public_key().spki(), key.public_key().spki())) return fail(Code::EIF_KEY);
  const Bytes header = protected_header(key.public_key().curve());
  const Bytes payload = write_payload(pcr0);
  TRY_ASSIGN(const Bytes signature, key.sign(to_be_signed(header, payload)));
  return write_signature(
      {certificate.pem(), CborWriter().array(4).bytes(header).map(0).bytes(payload).bytes(signature).take()});
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
  TRY_ASSIGN(const Sign1 sign1, in_form(read_sign1(signature.cose)));
  TRY_ASSIGN(const RegisterValue signed_value, in_form(read_payload(sign1.payload)));
  const crypto::PublicKey& key = certificate.public_key();
  if (!CAGES_CHECK("EIF_SIGNATURE", equal(sign1.protected_header, protected_header(key.curve())))) {
    return fail(Code::EIF_SIGNATURE, "algorithm", std::to_string(algorithm_of(key.curve())), hex(sign1.protected_header));
  }
  if (!CAGES_CHECK("EIF_SIGNATURE", signed_value.index == 0 && equal(signed_value.value, pcr0))) {
    return fail(Code::EIF_SIGNATURE, "PCR" + std::to_string(signed_value.index), hex(pcr0), hex(signed_value.value));
  }
  if (!CAGES_CHECK("EIF_SIGNATURE", key.verify(to_be_signed(sign1.protected_header, sign1.payload), sign1.signature))) {
    return fail(Code::EIF_SIGNATURE, "signature", "by the key of the certificate", "another");
  }
  return {};
}

crypto::Digest384 measure_certificate(const crypto::Certificate& certificate) {
  return measure_content(crypto::sha384(certificate.der()));
}

}  // namespace cages::eif
