// SPDX-License-Identifier: Apache-2.0
#include "base/error.h"

#include <array>

namespace cages {
namespace {

constexpr auto kRows = std::to_array<CodeInfo>({
#define CAGES_ERROR(name, audience, kind, sentence, next) {#name, Audience::audience, Kind::kind, sentence, next},
#include "base/errors.def"
#undef CAGES_ERROR
});

}  // namespace

const CodeInfo& code_info(Code code) { return kRows.at(static_cast<std::size_t>(code)); }

std::string error_class(const Error& error) {
  std::string name(code_info(error.code).name);
  if ((error.code == Code::MISSING || error.code == Code::TYPE) && !error.subject.empty()) {
    name += ' ';
    name += error.subject;
  }
  return name;
}

std::string describe(const Error& error) {
  const CodeInfo& info = code_info(error.code);
  std::string line = error_class(error);
  line += ": ";
  line += info.sentence;
  if (!error.subject.empty()) line += " (" + error.subject + ")";
  if (!error.expected.empty()) line += "; expected " + error.expected;
  if (!error.got.empty()) line += "; got " + error.got;
  line += "; next: ";
  line += info.next;
  return line;
}

int exit_code(const Error& error) { return static_cast<int>(error.kind()); }

}  // namespace cages
