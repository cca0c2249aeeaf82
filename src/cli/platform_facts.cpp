// SPDX-License-Identifier: Apache-2.0
#include "cli/platform_facts.h"

#include "base/limits.h"
#include "image/project.h"

namespace cages::cli {

Result<PlatformFacts> ask_platform(const ApiEndpoint& endpoint) {
  TRY_ASSIGN(const Json answer, call(endpoint, "GET", "/v1/platform", {}));
  PlatformFacts facts;
  facts.evidence_class = answer.text_or("class", "");
  const Json* roots = answer.find("roots");
  if (roots == nullptr || !roots->is_array()) return fail(Code::JSON, "roots", "a list", "another value");
  const std::size_t count = roots->as_array()->size();
  if (count == 0 || count > limits::kPlatformRootsMax)
    return fail(Code::LIMIT, "roots", "1 to 4", std::to_string(count));
  for (const Json& root : *roots->as_array()) {
    if (root.as_string() == nullptr) return fail(Code::JSON, "roots", "hexadecimal text", "another value");
    const auto hash = image::parse_root_hash(*root.as_string());
    if (!hash) return fail(Code::HEX, "roots", "96 digits", printable(*root.as_string()));
    facts.roots.push_back(*hash);
  }
  if (const Json* authorities = answer.find("cage_authorities")) facts.authorities = *authorities;
  return facts;
}

}  // namespace cages::cli
