// SPDX-License-Identifier: Apache-2.0
#include "wire/cose.h"

#include "base/check.h"
#include "wire/cbor.h"

namespace cages::wire {
namespace {

constexpr std::uint64_t kTagSign1 = 18;    // RFC 9052 §2
constexpr std::int64_t kHeaderAlgorithm = 1;  // RFC 9052 §3.1
constexpr Byte kEmptyMap = 0xa0;

// An item of another type than COSE_Sign1 has there makes another structure of the whole.
Error as_structure_error(Error error) {
  if (error.code == Code::TYPE || error.code == Code::INDEFINITE_INNER) error.code = Code::COSE_STRUCTURE;
  return error;
}

template <class T>
Result<T> structural(Result<T> read) {
  if (!read) return fail(as_structure_error(std::move(read).error()));
  return read;
}

Result<void> read_tags(CborReader& reader) {
  for (unsigned seen = 0;; ++seen) {
    TRY_ASSIGN(const CborType next, reader.peek());
    if (next != CborType::tag) return {};
    TRY_ASSIGN(const std::uint64_t number, reader.read_tag());
    if (!CAGES_CHECK("COSE_TAG", number == kTagSign1 && seen == 0)) {
      return fail(Code::COSE_TAG, "", "no tag, or tag 18 once", "tag " + std::to_string(number));
    }
  }
}

// RFC 9052 §3: an empty byte string stands for an empty map. Exactly one parameter is accepted, so nothing critical, duplicate
// or unknown can hide here.
Result<CoseAlgorithm> parse_protected(ByteView header) {
  CborReader reader(header);
  std::uint64_t count = 0;
  if (!header.empty()) {
    auto map = reader.read_map("protected header");
    if (!map) return fail(Code::COSE_HEADER, "", "a map", error_class(map.error()));
    count = *map;
  }
  std::optional<std::int64_t> algorithm;
  for (std::uint64_t i = 0; i < count; ++i) {
    const auto key = reader.read_int("header");
    if (!key || *key != kHeaderAlgorithm) return fail(Code::COSE_HEADER, "", "the algorithm alone", "another parameter");
    if (!CAGES_CHECK("COSE_HEADER_DUPLICATE", !algorithm)) return fail(Code::COSE_HEADER_DUPLICATE, "", "alg once", "twice");
    const auto value = reader.read_int("alg");
    if (!value) return fail(Code::COSE_ALG, "", "a registered number", error_class(value.error()));
    algorithm = *value;
  }
  if (!CAGES_CHECK("COSE_HEADER", reader.at_end())) return fail(Code::COSE_HEADER, "", "the end", "more bytes");
  if (!CAGES_CHECK("COSE_ALG", algorithm)) return fail(Code::COSE_ALG, "", "an algorithm in the protected header", "none");
  switch (algorithm.value_or(static_cast<std::int64_t>(CoseAlgorithm::es384))) {
    case static_cast<std::int64_t>(CoseAlgorithm::es256): return CoseAlgorithm::es256;
    case static_cast<std::int64_t>(CoseAlgorithm::es384): return CoseAlgorithm::es384;
    case static_cast<std::int64_t>(CoseAlgorithm::es512): return CoseAlgorithm::es512;
    default: return fail(Code::COSE_ALG, "", "-7, -35 or -36", std::to_string(*algorithm));
  }
}

}  // namespace

std::size_t cose_signature_bytes(CoseAlgorithm algorithm) {
  switch (algorithm) {
    case CoseAlgorithm::es256: return 64;
    case CoseAlgorithm::es384: return 96;
    case CoseAlgorithm::es512: return 132;
  }
  return 0;
}

Result<CoseSign1> parse_cose_sign1(ByteView bytes) {
  CborReader reader(bytes);
  TRY(read_tags(reader));
  TRY_ASSIGN(const std::uint64_t count, structural(reader.read_array("COSE_Sign1")));
  if (!CAGES_CHECK("COSE_STRUCTURE", count == 4)) {
    return fail(Code::COSE_STRUCTURE, "", "4 elements", std::to_string(count));
  }
  CoseSign1 result;
  TRY_ASSIGN(result.protected_header, structural(reader.read_bytes("protected header")));
  const std::size_t start = reader.position();
  TRY(reader.skip());
  result.unprotected = bytes.subspan(start, reader.position() - start);
  const bool detached = reader.try_null();
  if (!CAGES_CHECK("COSE_DETACHED", !detached)) return fail(Code::COSE_DETACHED, "", "a payload", "nil");
  if (!detached) {
    TRY_ASSIGN(result.payload, structural(reader.read_bytes("payload")));
  }
  TRY_ASSIGN(result.signature, structural(reader.read_bytes("signature")));
  if (!CAGES_CHECK("TRAILING_BYTES", reader.at_end())) TRY(reader.finish());
  TRY_ASSIGN(result.algorithm, parse_protected(result.protected_header));
  const std::size_t width = cose_signature_bytes(result.algorithm);
  if (!CAGES_CHECK("COSE_SIGNATURE_LENGTH", result.signature.size() == width)) {
    return fail(Code::COSE_SIGNATURE_LENGTH, "", std::to_string(width) + " bytes", std::to_string(result.signature.size()));
  }
  return result;
}

Result<void> require_empty_unprotected(const CoseSign1& cose) {
  if (CAGES_CHECK("COSE_UNPROTECTED", equal(cose.unprotected, ByteView(&kEmptyMap, 1)))) return {};
  return fail(Code::COSE_UNPROTECTED, "", "an empty map", std::to_string(cose.unprotected.size()) + " bytes");
}

Bytes cose_protected_header(CoseAlgorithm algorithm) {
  return CborWriter().map(1).integer(kHeaderAlgorithm).integer(static_cast<std::int64_t>(algorithm)).take();
}

Bytes cose_to_be_signed(ByteView protected_header, ByteView payload, ByteView external_aad) {
  return CborWriter().array(4).text("Signature1").bytes(protected_header).bytes(external_aad).bytes(payload).take();
}

Bytes write_cose_sign1(CoseAlgorithm algorithm, ByteView payload, ByteView signature) {
  return CborWriter().array(4).bytes(cose_protected_header(algorithm)).map(0).bytes(payload).bytes(signature).take();
}

}  // namespace cages::wire
