// SPDX-License-Identifier: Apache-2.0
// `cage verify`: one JSON request on standard input, one JSON verdict on standard output. The plug for scripts, vectors and
// other implementations (docs/protocol.md).
#include <istream>

#include "base/limits.h"
#include "cli/verb.h"
#include "client/verify_json.h"

namespace cages::cli {
namespace {

class Verify final : public Verb {
 public:
  [[nodiscard]] std::string_view name() const override { return "verify"; }
  [[nodiscard]] std::string_view summary() const override {
    return "verify an attestation document: a JSON request on standard input, a verdict on standard output";
  }
  void declare(Options&) override {}

  Result<int> run(Terminal& terminal) override {
    // One byte more than is accepted, so that a longer request is refused rather than cut.
    std::string text(limits::kJsonBytesMax + 1, '\0');
    terminal.in.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(terminal.in.gcount()));
    const client::JsonVerdict verdict = client::verify_json(text);
    terminal.out << write_json(verdict.answer) << "\n";
    terminal.out.flush();
    return verdict.exit_code;
  }
};

}  // namespace

std::unique_ptr<Verb> make_verify() { return std::make_unique<Verify>(); }

}  // namespace cages::cli
