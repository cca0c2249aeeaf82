// SPDX-License-Identifier: Apache-2.0
// Error: why something was refused or failed, in a form that logs, JSON answers, documentation and test vectors spell
// alike. For every part. Not for control flow inside a function: return early instead.
#pragma once

#include <cstdint>
#include <source_location>
#include <string>
#include <string_view>

namespace cages {

// What the *caller* can do about it; also the exit code of the command line (docs/protocol.md).
enum class Kind : std::uint8_t {
  internal = 1,      // a defect of ours or an environment that broke; report it
  usage = 2,         // the command line is wrong
  reject = 10,       // the evidence, image or message was read and refused
  malformed = 20,    // the request cannot be read
  policy = 30,       // the policy is empty, contradictory or unknown
  unreachable = 40,  // the other side did not answer
  machine = 50,      // this machine lacks something
  interrupted = 130,
};

// Who may see the details of an error of this code; across a trust line goes the code alone.
enum class Audience : std::uint8_t { any, owner, operator_only };

enum class Code : std::uint16_t {
#define CAGES_ERROR(name, audience, kind, sentence, next) name,
#include "base/errors.def"
#undef CAGES_ERROR
};

struct CodeInfo {
  std::string_view name;      // as in the vectors, e.g. "COSE_ALG"
  Audience audience;
  Kind kind;
  std::string_view sentence;  // one sentence, no full stop
  std::string_view next;      // what to do about it
};

// code_info returns the row of errors.def for `code`.
const CodeInfo& code_info(Code code);

struct Error {
  Code code;
  std::string subject;   // completes the class where it takes a word: MISSING + "nonce" = "MISSING nonce"
  std::string expected;  // never holds a secret
  std::string got;       // never holds a secret; hostile bytes are escaped by printable()
  std::source_location where = std::source_location::current();

  explicit Error(Code c, std::string subj = {}, std::source_location w = std::source_location::current())
      : code(c), subject(std::move(subj)), where(w) {}
  Error(Code c, std::string subj, std::string exp, std::string g,
        std::source_location w = std::source_location::current())
      : code(c), subject(std::move(subj)), expected(std::move(exp)), got(std::move(g)), where(w) {}

  [[nodiscard]] Kind kind() const { return code_info(code).kind; }
};

// error_class returns the code as users, vectors and JSON spell it: "COSE_ALG", "MISSING module_id". Only MISSING and TYPE
// take their subject into the class.
std::string error_class(const Error& error);

// describe returns one line for people: class, sentence, expected, got, and what to do next.
std::string describe(const Error& error);

// exit_code returns what a command exits with for this error (interfaces: EXIT).
int exit_code(const Error& error);

}  // namespace cages
