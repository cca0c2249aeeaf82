// SPDX-License-Identifier: Apache-2.0
// `cage attest URL`: connects to a cage and says what its evidence proves, or why it is refused. Sends nothing to the app.
#include "cli/attested.h"
#include "client/verify_json.h"
#include "crypto/random.h"

namespace cages::cli {
namespace {

std::string_view name_of(client::Binding binding) {
  switch (binding) {
    case client::Binding::key: return "key";
    case client::Binding::session: return "session";
    case client::Binding::fresh: return "fresh";
  }
  return "";
}

std::string summary_text(const attest::Verified& verified, client::Binding binding) {
  std::string text = "attested\n  class    " + verified.evidence_class() + "\n  module   " + verified.claims().module_id +
                     "\n  binding  " + std::string(name_of(binding)) + "\n";
  for (const auto& [index, value] : verified.claims().pcrs) {
    if (!all_zero(value)) text += "  PCR" + std::to_string(index) + (index < 10 ? "     " : "    ") + hex(value) + "\n";
  }
  return text;
}

class Attest final : public Verb {
 public:
  [[nodiscard]] std::string_view name() const override { return "attest"; }
  [[nodiscard]] std::string_view summary() const override { return "connect to a cage and say which code answers"; }
  void declare(Options& options) override { attested_.declare(options); }

  Result<int> run(Terminal& terminal) override {
    TRY_ASSIGN(AttestedOptions::Resolved resolved, attested_.resolve());
    net::EventLoop loop;
    crypto::SystemRandom random;
    auto done = loop.run(client::connect(loop, random, resolved.target, std::move(resolved.settings)));
    if (!done) return fail(Code::INTERRUPTED);
    TRY_ASSIGN(const client::ConnectionPtr connection, std::move(*done));
    const attest::Verified& verified = connection->evidence().verified();
    Json json = client::evidence_json(verified);
    json.set("binding", name_of(connection->binding()));
    terminal.result(json, summary_text(verified, connection->binding()));
    return 0;
  }

 private:
  AttestedOptions attested_;
};

}  // namespace

std::unique_ptr<Verb> make_attest() { return std::make_unique<Attest>(); }

}  // namespace cages::cli
