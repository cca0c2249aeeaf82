// SPDX-License-Identifier: Apache-2.0
#include "runtime/ingress/identity_headers.h"

#include <algorithm>
#include <array>
#include <vector>

#include "base/check.h"
#include "base/text.h"

namespace cages::runtime {
namespace {

constexpr auto kReserved =
    std::to_array<std::string_view>({"forwarded", "x-real-ip", "x-request-id", "x-client-ip", "true-client-ip",
                                     "cf-connecting-ip", "x-cluster-client-ip", "client-cert", "client-cert-chain"});
constexpr std::string_view kReservedPrefix = "x-forwarded-";

bool reserved(std::string_view name) {
  std::string folded = ascii_lower(name);
  std::ranges::replace(folded, '_', '-');
  return folded.starts_with(kReservedPrefix) || std::ranges::find(kReserved, folded) != kReserved.end();
}

}  // namespace

void replace_identity(http::Headers& headers, const ClientIdentity& client) {
  std::vector<std::string> names;
  for (const http::Header& header : headers) {
    if (!CAGES_CHECK("CLIENT_IDENTITY", !reserved(header.name))) names.push_back(header.name);
  }
  for (const std::string& name : names) headers.remove(name);
  std::string node = "unknown";
  if (!client.ip.empty()) {
    headers.add("X-Forwarded-For", client.ip);
    // RFC 7239 §6: an IPv6 address stands in brackets, and so in quotes.
    node = client.ip.find(':') == std::string::npos ? client.ip : "\"[" + client.ip + "]\"";
  }
  headers.add("X-Forwarded-Proto", "https");
  headers.add("Forwarded", "for=" + node + ";proto=https");
  headers.add("X-Request-Id", client.request_id);
}

}  // namespace cages::runtime
