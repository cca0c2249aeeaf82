// SPDX-License-Identifier: Apache-2.0
#include "crypto/release_statement.h"

#include <algorithm>

#include "base/check.h"
#include "base/json.h"
#include "crypto/cose.h"
#include "crypto/hash.h"

namespace cages::crypto {
namespace {

using wire::ReleaseStatement;

Error wrong(std::string_view what, std::string_view expected, std::string_view got) {
  return Error(Code::RELEASE_STATEMENT, std::string(what), std::string(expected), std::string(got));
}

Json fields(const ReleaseStatement& statement) {
  Json pcrs = Json::object({{"0", hex(statement.pcr0)}, {"1", hex(statement.pcr1)}, {"2", hex(statement.pcr2)}});
  if (statement.pcr8) pcrs.set("8", hex(*statement.pcr8));
  return Json::object({{"v", 1},
                       {"app", statement.app},
                       {"counter", statement.counter},
                       {"pcrs", pcrs},
                       {"runtime", statement.runtime},
                       {"not_after", statement.not_after}});
}

Result<ReleaseStatement::Pcr> read_pcr(const Json& pcrs, std::string_view index) {
  TRY_ASSIGN(const Bytes bytes, parse_hex(pcrs.text_or(index, "")));
  ReleaseStatement::Pcr out{};
  if (bytes.size() != out.size()) return fail(wrong("pcrs", "48 bytes each", std::to_string(bytes.size())));
  std::ranges::copy(bytes, out.begin());
  return out;
}

Result<ReleaseStatement> read_fields(const Json& json) {
  if (json.int_or("v", 0) != 1) return fail(wrong("v", "1", "another version"));
  const Json* pcrs = json.find("pcrs");
  if (pcrs == nullptr || !pcrs->is_object()) return fail(wrong("pcrs", "an object", "none"));
  ReleaseStatement out;
  out.app = json.text_or("app", "");
  const std::int64_t counter = json.int_or("counter", -1);
  if (counter < 0) return fail(wrong("counter", "a number", "none"));
  out.counter = static_cast<std::uint64_t>(counter);
  TRY_ASSIGN(out.pcr0, read_pcr(*pcrs, "0"));
  TRY_ASSIGN(out.pcr1, read_pcr(*pcrs, "1"));
  TRY_ASSIGN(out.pcr2, read_pcr(*pcrs, "2"));
  if (pcrs->find("8") != nullptr) {
    TRY_ASSIGN(out.pcr8, read_pcr(*pcrs, "8"));
  }
  out.runtime = json.text_or("runtime", "");
  out.not_after = json.int_or("not_after", 0);
  TRY(wire::write_release_statement(out));  // the same bounds as for a signed one
  return out;
}

}  // namespace

Result<std::string> write_release_file(const ReleaseStatement& statement, const Signer* key) {
  TRY_ASSIGN(const Bytes payload, wire::write_release_statement(statement));
  Json json = fields(statement);
  if (key == nullptr) {
    json.set("note", "not signed: `cage build --release-key KEY` signs it");
    json.set("signed", nullptr);
  } else {
    TRY_ASSIGN(const Bytes cose, sign_cose(payload, *key));
    json.set("key", hex(sha256(key->public_key().spki())));
    json.set("signed", base64(cose));
  }
  return write_json(json, 2) + "\n";
}

Result<ReleaseStatement> verify_release_file(std::string_view text, const PublicKey& key) {
  TRY_ASSIGN(const Json json, parse_json(text, kReleaseFileBytesMax));
  const Json* signed_member = json.find("signed");
  if (signed_member == nullptr || !signed_member->is_string()) return fail(wrong("signed", "a signature", "none"));
  TRY_ASSIGN(const Bytes bytes, parse_base64(*signed_member->as_string()));
  TRY_ASSIGN(const wire::CoseSign1 cose, read_cose(bytes));
  if (!CAGES_CHECK("RELEASE_STATEMENT", verify_cose(cose, key).has_value())) {
    return fail(wrong("signature", "by the release key given", "another"));
  }
  TRY_ASSIGN(ReleaseStatement statement, wire::parse_release_statement(cose.payload));
  TRY_ASSIGN(const ReleaseStatement shown, read_fields(json));
  if (shown != statement) return fail(wrong("fields", "those that are signed", "others"));
  return statement;
}

Result<ReleaseStatement> read_unsigned_release_file(std::string_view text) {
  TRY_ASSIGN(const Json json, parse_json(text, kReleaseFileBytesMax));
  return read_fields(json);
}

}  // namespace cages::crypto
