// SPDX-License-Identifier: Apache-2.0
#include "wire/enrol_code.h"

#include <algorithm>

#include "base/text.h"

namespace cages::wire {
namespace {

template <std::size_t N>
bool read_part(std::string_view text, std::array<Byte, N>& into) {
  const auto bytes = parse_base64url(text);
  if (!bytes || bytes->size() != N) return false;
  std::ranges::copy(*bytes, into.begin());
  return true;
}

}  // namespace

std::string write_enrol_code(const EnrolCode& code) {
  return base64url(code.id) + '.' + base64url(code.secret) + '.' + base64url(code.root);
}

Result<EnrolCode> parse_enrol_code(std::string_view text) {
  const auto parts = split(trim(text), '.');
  EnrolCode code;
  const bool whole = parts.size() == 3 && read_part(parts[0], code.id) && read_part(parts[1], code.secret);
  if (!whole || !read_part(parts[2], code.root)) {
    return fail(Code::ENROL_CODE, "", "id.secret.root as `cage host enroll-code` printed it", "another text");
  }
  return code;
}

}  // namespace cages::wire
