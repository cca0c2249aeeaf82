// SPDX-License-Identifier: Apache-2.0
#include "wire/x509.h"

#include <algorithm>

#include "base/check.h"
#include "wire/der.h"
#include "wire/oids.h"

namespace cages::wire {
namespace {

namespace tag = der_tag;

SignatureAlgorithm signature_algorithm(ByteView identifier) {
  DerReader reader(identifier);
  const auto oid = reader.read_oid("signature algorithm");
  // RFC 5758 §3.2: parameters are absent.
  if (!oid || !reader.at_end()) return SignatureAlgorithm::other;
  if (equal(*oid, oid::kEcdsaSha256)) return SignatureAlgorithm::ecdsa_sha256;
  if (equal(*oid, oid::kEcdsaSha384)) return SignatureAlgorithm::ecdsa_sha384;
  if (equal(*oid, oid::kEcdsaSha512)) return SignatureAlgorithm::ecdsa_sha512;
  return SignatureAlgorithm::other;
}

struct CurveRow {
  KeyType type;
  ByteView oid;
  std::size_t point_bytes;
};

// RFC 5480 §2: a named curve and an uncompressed point; every other key is `other`, which no chain accepts.
Result<void> parse_spki(const DerElement& spki, Certificate& into) {
  into.spki = spki.whole;
  DerReader reader(spki.content);
  TRY_ASSIGN(DerReader algorithm, reader.enter(tag::kSequence, "key algorithm"));
  TRY_ASSIGN(const ByteView key, reader.read_bit_string_bytes("public key"));
  TRY(reader.finish("subjectPublicKeyInfo"));
  TRY_ASSIGN(const ByteView oid, algorithm.read_oid("key algorithm"));
  if (!equal(oid, oid::kEcPublicKey) || !algorithm.next_is(tag::kOid)) return {};
  TRY_ASSIGN(const ByteView curve, algorithm.read_oid("curve"));
  TRY(algorithm.finish("key algorithm"));
  const CurveRow rows[] = {{KeyType::p256, oid::kP256, 65}, {KeyType::p384, oid::kP384, 97}, {KeyType::p521, oid::kP521, 133}};
  for (const CurveRow& row : rows) {
    if (!equal(curve, row.oid)) continue;
    if (key.size() != row.point_bytes || key[0] != 4) {
      return fail(Code::DER, "public key", "an uncompressed point", std::to_string(key.size()) + " bytes");
    }
    into.key_type = row.type;
    into.point = key;
  }
  return {};
}

// RFC 5280 §4.2.1.9
Result<BasicConstraints> parse_basic_constraints(ByteView value) {
  DerReader outer(value);
  TRY_ASSIGN(DerReader reader, outer.enter(tag::kSequence, "basicConstraints"));
  TRY(outer.finish("basicConstraints"));
  BasicConstraints result;
  if (reader.next_is(tag::kBoolean)) {
    TRY_ASSIGN(result.ca, reader.read_boolean("cA"));
    // X.690 §11.5: a default value is not encoded.
    if (!result.ca) return fail(Code::DER, "cA", "TRUE or absent", "FALSE");
  }
  if (reader.next_is(tag::kInteger)) {
    TRY_ASSIGN(result.path_length, reader.read_small_integer("pathLenConstraint"));
  }
  TRY(reader.finish("basicConstraints"));
  return result;
}

Result<void> parse_known(const Extension& extension, Certificate& into) {
  if (equal(extension.oid, oid::kBasicConstraints)) {
    TRY_ASSIGN(into.basic_constraints, parse_basic_constraints(extension.value));
    return {};
  }
  if (equal(extension.oid, oid::kKeyUsage)) {
    DerReader reader(extension.value);
    TRY_ASSIGN(into.key_usage, reader.read_named_bits("keyUsage"));
    return reader.finish("keyUsage");
  }
  if (extension.critical && !into.unknown_critical) into.unknown_critical = extension.oid;
  return {};
}

// RFC 5280 §4.2: at least one, each at most once.
Result<void> parse_extensions(DerReader wrapper, Certificate& into) {
  TRY_ASSIGN(DerReader list, wrapper.enter(tag::kSequence, "extensions"));
  TRY(wrapper.finish("extensions"));
  if (list.at_end()) return fail(Code::DER, "extensions", "at least one", "none");
  while (!list.at_end()) {
    TRY_ASSIGN(DerReader reader, list.enter(tag::kSequence, "extension"));
    Extension extension{};
    TRY_ASSIGN(extension.oid, reader.read_oid("extension"));
    if (reader.next_is(tag::kBoolean)) {
      TRY_ASSIGN(extension.critical, reader.read_boolean("critical"));
      if (!extension.critical) return fail(Code::DER, "critical", "TRUE or absent", "FALSE");
    }
    TRY_ASSIGN(const DerElement value, reader.read(tag::kOctetString, "extension value"));
    TRY(reader.finish("extension"));
    extension.value = value.content;
    if (into.find_extension(extension.oid) != nullptr) {
      return fail(Code::DER, "extensions", "each once", oid_text(extension.oid) + " twice");
    }
    into.extensions.push_back(extension);
    TRY(parse_known(extension, into));
  }
  return {};
}

// RFC 5280 §4.1.1.2, §4.1.2. Unique identifiers (version 2) are refused: nobody issues them.
Result<void> parse_tbs(const DerElement& tbs, ByteView outer_algorithm, Certificate& into) {
  into.tbs = tbs.whole;
  DerReader reader(tbs.content);
  if (reader.next_is(tag::explicit_context(0))) {
    TRY_ASSIGN(DerReader version, reader.enter(tag::explicit_context(0), "version"));
    TRY_ASSIGN(const std::uint32_t number, version.read_small_integer("version"));
    TRY(version.finish("version"));
    if (number != 1 && number != 2) return fail(Code::DER, "version", "2 or 3", std::to_string(number + std::uint64_t{1}));
    into.version = number + 1;
  }
  TRY_ASSIGN(into.serial, reader.read_integer("serialNumber"));
  TRY_ASSIGN(const DerElement algorithm, reader.read(tag::kSequence, "signature"));
  if (!equal(algorithm.whole, outer_algorithm)) {
    return fail(Code::DER, "signature", "the algorithm that signed", "another");
  }
  TRY_ASSIGN(const DerElement issuer, reader.read(tag::kSequence, "issuer"));
  TRY_ASSIGN(DerReader validity, reader.enter(tag::kSequence, "validity"));
  TRY_ASSIGN(into.not_before, validity.read_time("notBefore"));
  TRY_ASSIGN(into.not_after, validity.read_time("notAfter"));
  TRY(validity.finish("validity"));
  TRY_ASSIGN(const DerElement subject, reader.read(tag::kSequence, "subject"));
  into.issuer = issuer.whole;
  into.subject = subject.whole;
  TRY_ASSIGN(const DerElement spki, reader.read(tag::kSequence, "subjectPublicKeyInfo"));
  TRY(parse_spki(spki, into));
  if (into.version == 3 && reader.next_is(tag::explicit_context(3))) {
    TRY_ASSIGN(const DerReader extensions, reader.enter(tag::explicit_context(3), "extensions"));
    TRY(parse_extensions(extensions, into));
  }
  return reader.finish("tbsCertificate");
}

Result<Certificate> parse_strict(ByteView der) {
  DerReader outer(der);
  TRY_ASSIGN(DerReader reader, outer.enter(tag::kSequence, "certificate"));
  if (!CAGES_CHECK("CERTIFICATE_PARSE", outer.at_end())) TRY(outer.finish("certificate"));
  Certificate result;
  TRY_ASSIGN(const DerElement tbs, reader.read(tag::kSequence, "tbsCertificate"));
  TRY_ASSIGN(const DerElement algorithm, reader.read(tag::kSequence, "signatureAlgorithm"));
  TRY_ASSIGN(result.signature, reader.read_bit_string_bytes("signatureValue"));
  TRY(reader.finish("certificate"));
  result.signature_algorithm = signature_algorithm(algorithm.content);
  TRY(parse_tbs(tbs, algorithm.whole, result));
  return result;
}

Error as_certificate_error(Error error) {
  error.code = Code::CERTIFICATE_PARSE;
  return error;
}

Result<std::optional<std::string>> last_common_name(ByteView name) {
  DerReader outer(name);
  TRY_ASSIGN(DerReader sets, outer.enter(tag::kSequence, "name"));
  TRY(outer.finish("name"));
  std::optional<std::string> result;
  while (!sets.at_end()) {
    TRY_ASSIGN(DerReader set, sets.enter(tag::kSet, "name"));
    do {
      TRY_ASSIGN(DerReader attribute, set.enter(tag::kSequence, "name"));
      TRY_ASSIGN(const ByteView type, attribute.read_oid("name"));
      TRY_ASSIGN(const DerElement value, attribute.read_any("name"));
      TRY(attribute.finish("name"));
      if (equal(type, oid::kCommonName)) result = std::string(as_text(value.content));
    } while (!set.at_end());
  }
  return result;
}

}  // namespace

const Extension* Certificate::find_extension(ByteView oid) const {
  const auto found = std::ranges::find_if(extensions, [&](const Extension& e) { return equal(e.oid, oid); });
  return found == extensions.end() ? nullptr : &*found;
}

Result<Certificate> parse_certificate(ByteView der) {
  auto parsed = parse_strict(der);
  if (!parsed) return fail(as_certificate_error(std::move(parsed).error()));
  return parsed;
}

Result<std::optional<std::string>> common_name(ByteView name) {
  auto found = last_common_name(name);
  if (!found) return fail(as_certificate_error(std::move(found).error()));
  return found;
}

}  // namespace cages::wire
