// SPDX-License-Identifier: Apache-2.0
// cage secrets set | list: an app's secrets, by evidence class. A value comes from standard input or a file, never from the
// command line, which other users of the machine can read.
#include <iterator>

#include "base/file.h"
#include "base/limits.h"
#include "cli/api_client.h"
#include "cli/verb.h"

namespace cages::cli {
namespace {

class SecretsVerb : public Verb {
 public:
  void declare(Options& options) override {
    options.option("--app", app_, "the app's id or name")
        .option("--class", class_, "evidence class; default: the platform's")
        .option("--url", url_, "where caged is (CAGE_URL)")
        .option("--ca", ca_, "PEM file of the authority that certified it");
  }

 protected:
  [[nodiscard]] Result<std::string> path() const {
    TRY_ASSIGN(const std::string app, path_word(app_, "--app"));
    return "/v1/apps/" + app + "/secrets";
  }
  [[nodiscard]] Result<std::string> query() const {
    if (class_.empty()) return std::string();
    TRY_ASSIGN(const std::string word, path_word(class_, "--class"));
    return "?class=" + word;
  }
  std::string app_;
  std::string class_;
  std::string url_;
  std::string ca_;
};

class SecretsSet final : public SecretsVerb {
 public:
  [[nodiscard]] std::string_view name() const override { return "secrets set"; }
  [[nodiscard]] std::string_view summary() const override { return "set a secret; the value is read from standard input"; }
  void declare(Options& options) override {
    SecretsVerb::declare(options);
    options.option("--file", file_, "read the value from this file").positional("name", name_, "as in cage.toml");
  }
  Result<int> run(Terminal& terminal) override {
    TRY_ASSIGN(const ApiEndpoint endpoint, find_endpoint(url_, ca_));
    TRY_ASSIGN(const std::string name, path_word(name_, "name"));
    TRY_ASSIGN(const std::string where, path());
    TRY_ASSIGN(const std::string query_text, query());
    TRY_ASSIGN(const Secret value, read_value(terminal));
    std::string target = where;
    target += '/';
    target += name;
    target += query_text;
    TRY_ASSIGN(const Json answer, call(endpoint, "PUT", target, value.reveal()));
    terminal.result(answer, "set " + answer.text_or("name", "") + " for class " + answer.text_or("class", "") + "\n");
    return 0;
  }

 private:
  Result<Secret> read_value(Terminal& terminal) const {
    if (!file_.empty()) return read_secret_file(file_, limits::kSecretBytesMax);
    Bytes bytes;
    bytes.reserve(limits::kSecretBytesMax + 1);  // secret: no copy is left behind by growth
    char byte = 0;
    while (bytes.size() <= limits::kSecretBytesMax && terminal.in.get(byte)) bytes.push_back(static_cast<Byte>(byte));
    if (bytes.size() > limits::kSecretBytesMax) return fail(Code::LIMIT, "secret");
    if (!bytes.empty() && bytes.back() == '\n') bytes.pop_back();  // what a shell's echo adds
    return Secret(std::move(bytes));
  }
  std::string name_;
  std::string file_;
};

class SecretsList final : public SecretsVerb {
 public:
  [[nodiscard]] std::string_view name() const override { return "secrets list"; }
  [[nodiscard]] std::string_view summary() const override { return "list an app's secrets: names and classes, never values"; }
  Result<int> run(Terminal& terminal) override {
    TRY_ASSIGN(const ApiEndpoint endpoint, find_endpoint(url_, ca_));
    TRY_ASSIGN(const std::string where, path());
    TRY_ASSIGN(const Json answer, call(endpoint, "GET", where, {}));
    std::string text;
    const Json* list = answer.find("secrets");
    if (list != nullptr && list->is_array()) {
      for (const Json& one : *list->as_array()) {
        text += printable(one.text_or("name", "?")) + "\t" + printable(one.text_or("class", "?")) + "\n";
      }
    }
    terminal.result(answer, text.empty() ? "no secrets\n" : text);
    return 0;
  }
};

}  // namespace

std::unique_ptr<Verb> make_secrets_set() { return std::make_unique<SecretsSet>(); }
std::unique_ptr<Verb> make_secrets_list() { return std::make_unique<SecretsList>(); }

}  // namespace cages::cli
