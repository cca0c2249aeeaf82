// SPDX-License-Identifier: Apache-2.0
// cage keys list | rotate: the public halves of an app's keys for encrypted values. The private ones never leave the
// engine.
#include "cli/app_verb.h"

namespace cages::cli {
namespace {

std::string describe_keys(const Json& answer, bool pem) {
  std::string text;
  const Json* list = answer.find("keys");
  if (list == nullptr || !list->is_array()) return text;
  for (const Json& key : *list->as_array()) {
    text += printable(key.text_or("curve", "?")) + "\tversion " + std::to_string(key.int_or("version", 0)) + "\t" +
            printable(key.text_or("compressed", "?")) + "\n";
    if (pem) text += key.text_or("pem", "");
  }
  return text;
}

class KeysList final : public AppVerb {
 public:
  [[nodiscard]] std::string_view name() const override { return "keys list"; }
  [[nodiscard]] std::string_view summary() const override {
    return "an app's public keys, newest first (--json: PEM and JWK too)";
  }
  void declare(Options& options) override {
    AppVerb::declare(options);
    options.flag("--pem", pem_, "print each as PEM too");
  }
  Result<int> run(Terminal& terminal) override {
    TRY_ASSIGN(const Json answer, call_app("GET", "/keys"));
    terminal.result(answer, describe_keys(answer, pem_));
    return 0;
  }

 private:
  bool pem_ = false;
};

class KeysRotate final : public AppVerb {
 public:
  [[nodiscard]] std::string_view name() const override { return "keys rotate"; }
  [[nodiscard]] std::string_view summary() const override {
    return "make a new key pair: it encrypts from now on, the old ones go on decrypting";
  }
  Result<int> run(Terminal& terminal) override {
    TRY_ASSIGN(const Json answer, call_app("POST", "/keys/rotate"));
    terminal.result(answer, describe_keys(answer, false));
    return 0;
  }
};

}  // namespace

std::unique_ptr<Verb> make_keys_list() { return std::make_unique<KeysList>(); }
std::unique_ptr<Verb> make_keys_rotate() { return std::make_unique<KeysRotate>(); }

}  // namespace cages::cli
