// SPDX-License-Identifier: Apache-2.0
#include "client/verify_json.h"

#include <algorithm>

#include "base/text.h"
#include "wire/pem.h"

namespace cages::client {
namespace {

struct Request {
  Bytes document;
  std::vector<attest::TrustRoot> roots;
  std::int64_t time = 0;
  policy::AttestationPolicy policy;
};

Error wrong_member(std::string_view name, std::string_view expected) {
  return Error(Code::JSON, std::string(name), std::string(expected), "another type, or none");
}

Result<void> parse_roots(const Json* json, Request& into) {
  if (json == nullptr) {
    into.roots.push_back(attest::production_root());
    return {};
  }
  const Json::Array* list = json->as_array();
  if (list == nullptr || list->empty()) return fail(wrong_member("roots", "one PEM certificate or more"));
  for (const Json& item : *list) {
    if (!item.is_string()) return fail(wrong_member("roots", "an array of PEM certificates"));
    TRY_ASSIGN(std::vector<attest::TrustRoot> root, parse_trust_roots(*item.as_string()));
    if (root.size() != 1) return fail(Code::PEM, "roots", "one certificate an element", std::to_string(root.size()));
    into.roots.push_back(std::move(root.front()));
  }
  return {};
}

Result<Request> parse_request(std::string_view text) {
  constexpr std::string_view kMembers[] = {"document", "roots", "time", "policy"};
  TRY_ASSIGN(const Json json, parse_json(text));
  const Json::Object* members = json.as_object();
  if (members == nullptr) return fail(wrong_member("request", "an object"));
  for (const auto& [name, value] : *members) {
    if (std::ranges::find(kMembers, name) == std::end(kMembers)) {
      return fail(Code::JSON, printable(name), "perhaps \"" + nearest(name, kMembers) + "\"", "an unknown member");
    }
  }
  Request request;
  const Json* document = json.find("document");
  if (document == nullptr || !document->is_string()) return fail(wrong_member("document", "a string of base64"));
  TRY_ASSIGN(request.document, parse_base64(*document->as_string()));
  TRY(parse_roots(json.find("roots"), request));
  const Json* time = json.find("time");
  if (time == nullptr || time->as_int() == nullptr) return fail(wrong_member("time", "seconds since 1970"));
  request.time = *time->as_int();
  if (request.time < 0 || request.time > 253'402'300'799) return fail(Code::JSON, "time", "a time before the year 10000", "another");
  if (const Json* rules = json.find("policy")) {
    TRY_ASSIGN(request.policy, policy::parse_policy(*rules));
  }
  return request;
}

Json refusal_json(const Error& error) {
  const std::string_view verdict = error.kind() == Kind::reject ? "reject" : error.kind() == Kind::policy ? "policy" : "malformed";
  return Json::object({{"verdict", verdict}, {"error", error_class(error)}, {"detail", describe(error)}});
}

Result<attest::Verified> verify_request(std::string_view text) {
  TRY_ASSIGN(Request request, parse_request(text));
  TRY_ASSIGN(const policy::AdmittedPolicy policy, policy::admit(std::move(request.policy)));
  return attest::verify(request.document, request.roots, request.time, policy);
}

}  // namespace

Result<std::vector<attest::TrustRoot>> parse_trust_roots(std::string_view pem) {
  TRY_ASSIGN(const std::vector<Bytes> certificates, wire::parse_pem_list(pem, wire::kPemCertificate));
  const attest::TrustRoot& production = attest::production_root();
  std::vector<attest::TrustRoot> roots;
  for (const Bytes& der : certificates) {
    if (equal(der, production.der())) {
      roots.push_back(production);
      continue;
    }
    TRY_ASSIGN(attest::TrustRoot root, attest::TrustRoot::development(der));
    roots.push_back(std::move(root));
  }
  return roots;
}

Json evidence_json(const attest::Verified& verified) {
  const wire::DocumentClaims& claims = verified.claims();
  Json pcrs = Json::object();
  for (const auto& [index, value] : claims.pcrs) pcrs.set(std::to_string(index), hex(value));
  const auto shown = [](const std::optional<Bytes>& value) { return value ? Json(base64(*value)) : Json(); };
  Json unknown = Json::array();
  for (const std::string& key : verified.unknown_keys()) unknown.as_array()->emplace_back(key);
  Json json = Json::object({{"module_id", claims.module_id},
                            {"timestamp_ms", claims.timestamp_ms},
                            {"class", verified.evidence_class()},
                            {"debug", verified.debug()},
                            {"leaf_not_after", verified.leaf_not_after()},
                            {"pcrs", std::move(pcrs)},
                            {"nonce", shown(claims.nonce)},
                            {"user_data", shown(claims.user_data)},
                            {"public_key", shown(claims.public_key)},
                            {"unknown_keys", std::move(unknown)}});
  if (verified.pcr_set()) json.set("pcr_set", static_cast<std::uint64_t>(*verified.pcr_set()));
  return json;
}

JsonVerdict verify_json(std::string_view request) {
  const auto verified = verify_request(request);
  if (!verified) return {refusal_json(verified.error()), exit_code(verified.error())};
  return {Json::object({{"verdict", "accept"}, {"document", evidence_json(*verified)}}), 0};
}

}  // namespace cages::client
