// SPDX-License-Identifier: Apache-2.0
// Verb: one command of `cage`. One file a verb; verbs.def lists them. Options is what a verb says about its command line; the
// parser behind it (CLI11) is seen by options.cpp alone.
#pragma once

#include <cstdint>
#include <memory>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace cages::cli {

// What a verb declares; the referenced variables are filled before run() is called.
// lifetime: they must live as long as the verb (make them its members).
class Options {
 public:
  virtual ~Options() = default;
  // `names` as "--json" or "-f,--file".
  virtual Options& flag(std::string_view names, bool& into, std::string_view help) = 0;
  virtual Options& option(std::string_view names, std::string& into, std::string_view help) = 0;
  virtual Options& option(std::string_view names, std::vector<std::string>& into, std::string_view help) = 0;
  virtual Options& option(std::string_view names, std::int64_t& into, std::string_view help) = 0;
  virtual Options& positional(std::string_view name, std::string& into, std::string_view help, bool required = true) = 0;
  virtual Options& positional(std::string_view name, std::vector<std::string>& into, std::string_view help,
                              bool required = true) = 0;
};

// Where results and messages go. Results on `out`, everything else on `err`.
struct Terminal {
  std::ostream& out;
  std::ostream& err;
  std::istream& in;
  bool json = false;         // --json: one JSON value on `out`, errors as {"error":…} on `err`
  bool interactive = false;  // err is a terminal: progress bars and colours allowed (NO_COLOR honoured)
  // result prints `value` where --json was given, else `text`.
  void result(const Json& value, std::string_view text) const;
};

class Verb {
 public:
  virtual ~Verb() = default;
  // "verify", or two words for a group: "secrets set".
  [[nodiscard]] virtual std::string_view name() const = 0;
  [[nodiscard]] virtual std::string_view summary() const = 0;
  virtual void declare(Options& options) = 0;
  // run returns the exit code (interfaces: EXIT), or an error that main() prints and turns into one.
  virtual Result<int> run(Terminal& terminal) = 0;
};

#define CAGE_VERB(name) std::unique_ptr<Verb> make_##name();
#include "cli/verbs.def"
#undef CAGE_VERB

}  // namespace cages::cli
