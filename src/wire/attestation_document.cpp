// SPDX-License-Identifier: Apache-2.0
#include "wire/attestation_document.h"

#include <algorithm>
#include <set>

#include "base/check.h"
#include "base/limits.h"
#include "wire/cbor.h"

namespace cages::wire {
namespace {

constexpr std::string_view kDigest = "SHA384";
// Anything before Nitro Enclaves existed is a time in other units; anything after the year 9999 does not fit a certificate.
constexpr std::uint64_t kTimestampMsMin = 1'500'000'000'000;
constexpr std::uint64_t kTimestampMsMax = 253'402'300'799'999;

std::string lengths(std::size_t least, std::size_t most) { return std::to_string(least) + " to " + std::to_string(most); }

bool is_enclave_id(std::string_view id) {
  const auto is_hex = [](std::string_view text) {
    return !text.empty() && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
  };
  const std::size_t middle = id.find("-enc");
  return id.starts_with("i-") && middle != std::string_view::npos && middle > 2 && is_hex(id.substr(2, middle - 2)) &&
         is_hex(id.substr(middle + 4));
}

class PayloadParser {
 public:
  explicit PayloadParser(ByteView payload) : payload_(payload), reader_(payload) {}

  Result<UnverifiedDocument> parse() {
    TRY_ASSIGN(const CborType type, reader_.peek());
    if (!CAGES_CHECK("PAYLOAD_TYPE", type == CborType::map)) return fail(Code::PAYLOAD_TYPE, "", "a map", "another item");
    TRY_ASSIGN(const CborCount count, reader_.read_open_map("payload"));
    for (std::uint64_t seen = 0;; ++seen) {
      TRY_ASSIGN(const bool more, reader_.more_in(count, seen));
      if (!more) break;
      TRY(read_pair());
    }
    if (!CAGES_CHECK("PAYLOAD_TRAILING", reader_.at_end())) {
      return fail(Code::PAYLOAD_TRAILING, "", "the end", std::to_string(reader_.rest().size()) + " more bytes");
    }
    TRY(check_presence());
    TRY(check_values());
    return std::move(document_);
  }

 private:
  Result<void> read_pair() {
    const std::size_t start = reader_.position();
    TRY_ASSIGN(const CborType type, reader_.peek());
    std::string_view key;
    if (type == CborType::text) {
      TRY_ASSIGN(key, reader_.read_text("key"));
    } else {
      TRY(reader_.skip());
    }
    // Heads are minimal and keys are not nested maps in another order, so that equal values have equal encodings.
    if (!CAGES_CHECK("DUPLICATE_KEY", keys_.insert(as_text(payload_.subspan(start, reader_.position() - start))).second)) {
      return fail(Code::DUPLICATE_KEY, printable(key), "once", "twice");
    }
    return read_value(type == CborType::text ? key : std::string_view());
  }

  Result<void> read_value(std::string_view key) {
    DocumentClaims& claims = document_.claims;
    if (key == "module_id") {
      TRY_ASSIGN(claims.module_id, reader_.read_text(key));
    } else if (key == "digest") {
      TRY_ASSIGN(digest_, reader_.read_text(key));
    } else if (key == "timestamp") {
      TRY_ASSIGN(claims.timestamp_ms, reader_.read_uint(key));
    } else if (key == "pcrs") {
      return read_pcrs();
    } else if (key == "certificate") {
      return read_certificate();
    } else if (key == "cabundle") {
      return read_cabundle();
    } else if (key == "public_key") {
      return read_public_key();
    } else if (key == "user_data") {
      return read_user_data();
    } else if (key == "nonce") {
      return read_nonce();
    } else {
      tpm_ = tpm_ || key == "nitrotpm_pcrs";
      if (!key.empty()) document_.unknown_keys.emplace_back(key);
      return reader_.skip();
    }
    return {};
  }

  Result<void> read_pcrs() {
    TRY_ASSIGN(const std::uint64_t count, reader_.read_map("pcrs"));
    if (!CAGES_CHECK("PCRS", count >= 1 && count <= kPcrCount)) {
      return fail(Code::PCRS, "", lengths(1, kPcrCount), std::to_string(count));
    }
    for (std::uint64_t i = 0; i < count; ++i) {
      TRY_ASSIGN(const std::uint64_t index, reader_.read_uint("pcrs"));
      if (!CAGES_CHECK("PCR_INDEX", index < kPcrCount)) return fail(Code::PCR_INDEX, "", "0 to 31", std::to_string(index));
      TRY_ASSIGN(const ByteView value, reader_.read_bytes("pcrs"));
      Pcr pcr{};
      if (!CAGES_CHECK("PCR_LENGTH", value.size() == pcr.size())) {
        return fail(Code::PCR_LENGTH, "", std::to_string(pcr.size()) + " bytes", std::to_string(value.size()));
      }
      std::copy_n(value.begin(), std::min(value.size(), pcr.size()), pcr.begin());
      const bool first = document_.claims.pcrs.emplace(static_cast<std::uint8_t>(index), pcr).second;
      if (!CAGES_CHECK("DUPLICATE_KEY", first)) {
        return fail(Code::DUPLICATE_KEY, "PCR" + std::to_string(index), "once", "twice");
      }
    }
    return {};
  }

  Result<void> read_certificate() {
    TRY_ASSIGN(const ByteView value, reader_.read_bytes("certificate"));
    if (!CAGES_CHECK("CERTIFICATE_LENGTH", !value.empty() && value.size() <= limits::kCertificateBytesMax)) {
      return fail(Code::CERTIFICATE_LENGTH, "", lengths(1, limits::kCertificateBytesMax), std::to_string(value.size()));
    }
    document_.certificate = to_bytes(value);
    return {};
  }

  Result<void> read_cabundle() {
    std::uint64_t count = 0;
    if (!reader_.try_null()) {
      TRY_ASSIGN(count, reader_.read_array("cabundle"));
    }
    if (!CAGES_CHECK("CABUNDLE", count >= 1 && count <= limits::kCabundleElementsMax)) {
      return fail(Code::CABUNDLE, "", lengths(1, limits::kCabundleElementsMax), std::to_string(count));
    }
    for (std::uint64_t i = 0; i < count; ++i) {
      TRY_ASSIGN(const ByteView value, reader_.read_bytes("cabundle"));
      if (!CAGES_CHECK("CABUNDLE_ELEMENT_LENGTH", !value.empty() && value.size() <= limits::kCertificateBytesMax)) {
        return fail(Code::CABUNDLE_ELEMENT_LENGTH, std::to_string(i), lengths(1, limits::kCertificateBytesMax),
                    std::to_string(value.size()));
      }
      document_.cabundle.push_back(to_bytes(value));
    }
    return {};
  }

  // null and absent are alike; any type but a byte string is an error, never "absent".
  Result<std::optional<ByteView>> read_optional(std::string_view what, [[maybe_unused]] std::string_view check) {
    if (reader_.try_null()) return std::optional<ByteView>();
    auto value = reader_.read_bytes(what);
    if (value) return std::optional<ByteView>(*value);
    if (value.error().code != Code::TYPE || !CAGES_CHECK(check, false)) return fail(std::move(value).error());
    TRY(reader_.skip());
    return std::optional<ByteView>();
  }

  Result<void> read_public_key() {
    TRY_ASSIGN(const auto value, read_optional("public_key", "TYPE public_key"));
    const std::size_t size = value ? value->size() : 1;
    if (!CAGES_CHECK("PUBLIC_KEY_LENGTH", size >= 1 && size <= limits::kPublicKeyBytesMax)) {
      return fail(Code::PUBLIC_KEY_LENGTH, "", lengths(1, limits::kPublicKeyBytesMax), std::to_string(size));
    }
    if (value) document_.claims.public_key = to_bytes(*value);
    return {};
  }

  Result<void> read_user_data() {
    TRY_ASSIGN(const auto value, read_optional("user_data", "TYPE user_data"));
    if (!CAGES_CHECK("USER_DATA_LENGTH", !value || value->size() <= limits::kUserDataBytesMax)) {
      return fail(Code::USER_DATA_LENGTH, "", lengths(0, limits::kUserDataBytesMax), std::to_string(value->size()));
    }
    if (value) document_.claims.user_data = to_bytes(*value);
    return {};
  }

  Result<void> read_nonce() {
    TRY_ASSIGN(const auto value, read_optional("nonce", "TYPE nonce"));
    if (!CAGES_CHECK("NONCE_LENGTH", !value || value->size() <= limits::kUserDataBytesMax)) {
      return fail(Code::NONCE_LENGTH, "", lengths(0, limits::kUserDataBytesMax), std::to_string(value->size()));
    }
    if (value) document_.claims.nonce = to_bytes(*value);
    return {};
  }

  [[nodiscard]] bool has(std::string_view key) const { return keys_.contains(as_text(CborWriter().text(key).view())); }

  Result<void> check_presence() const {
    // The same root signs documents of other platforms (nitro.md §3.3).
    if (!CAGES_CHECK("NOT_AN_ENCLAVE_DOCUMENT", !tpm_)) {
      return fail(Code::NOT_AN_ENCLAVE_DOCUMENT, "", "pcrs", "nitrotpm_pcrs");
    }
    if (!CAGES_CHECK("MISSING module_id", has("module_id"))) return fail(Code::MISSING, "module_id");
    if (!CAGES_CHECK("MISSING digest", has("digest"))) return fail(Code::MISSING, "digest");
    if (!CAGES_CHECK("MISSING timestamp", has("timestamp"))) return fail(Code::MISSING, "timestamp");
    if (!CAGES_CHECK("MISSING pcrs", has("pcrs"))) return fail(Code::MISSING, "pcrs");
    if (!CAGES_CHECK("MISSING certificate", has("certificate"))) return fail(Code::MISSING, "certificate");
    if (!CAGES_CHECK("MISSING cabundle", has("cabundle"))) return fail(Code::MISSING, "cabundle");
    return {};
  }

  Result<void> check_values() const {
    const DocumentClaims& claims = document_.claims;
    if (!CAGES_CHECK("MODULE_ID", is_enclave_id(claims.module_id))) {
      return fail(Code::MODULE_ID, "", "i-<hex>-enc<hex>", printable(claims.module_id));
    }
    if (!CAGES_CHECK("DIGEST", digest_ == kDigest)) return fail(Code::DIGEST, "", std::string(kDigest), printable(digest_));
    if (!CAGES_CHECK("TIMESTAMP", claims.timestamp_ms >= kTimestampMsMin && claims.timestamp_ms <= kTimestampMsMax)) {
      return fail(Code::TIMESTAMP, "", "milliseconds since 1970, after 2017", std::to_string(claims.timestamp_ms));
    }
    return {};
  }

  ByteView payload_;
  CborReader reader_;
  std::set<std::string_view> keys_;  // encoded
  std::string_view digest_;
  bool tpm_ = false;
  UnverifiedDocument document_;
};

void write_optional(CborWriter& writer, std::string_view key, const std::optional<Bytes>& value) {
  writer.text(key);
  if (value) {
    writer.bytes(*value);
  } else {
    writer.null();
  }
}

}  // namespace

Result<UnverifiedDocument> parse_payload(ByteView payload) {
  if (!CAGES_CHECK("PAYLOAD_LENGTH", !payload.empty() && payload.size() <= limits::kPayloadBytesMax)) {
    return fail(Code::PAYLOAD_LENGTH, "", lengths(1, limits::kPayloadBytesMax), std::to_string(payload.size()));
  }
  return PayloadParser(payload).parse();
}

Bytes write_payload(const UnverifiedDocument& document, MapForm form) {
  constexpr Byte kOpen = 0xbf;
  constexpr Byte kBreak = 0xff;
  const DocumentClaims& claims = document.claims;
  CborWriter writer;
  if (form == MapForm::definite) {
    writer.map(9);
  } else {
    writer.raw(ByteView(&kOpen, 1));
  }
  writer.text("module_id").text(claims.module_id);
  writer.text("digest").text(kDigest);
  writer.text("timestamp").uint(claims.timestamp_ms);
  writer.text("pcrs").map(claims.pcrs.size());
  for (const auto& [index, value] : claims.pcrs) writer.uint(index).bytes(value);
  writer.text("certificate").bytes(document.certificate);
  writer.text("cabundle").array(document.cabundle.size());
  for (const Bytes& element : document.cabundle) writer.bytes(element);
  write_optional(writer, "public_key", claims.public_key);
  write_optional(writer, "user_data", claims.user_data);
  write_optional(writer, "nonce", claims.nonce);
  if (form == MapForm::indefinite) writer.raw(ByteView(&kBreak, 1));
  return writer.take();
}

}  // namespace cages::wire
