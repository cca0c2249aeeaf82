// SPDX-License-Identifier: Apache-2.0
// cage role new | list, cage policy set | show | test: which data roles an app knows, and who may have values of which
// role decrypted.
#include "cli/app_verb.h"

namespace cages::cli {
namespace {

class RoleNew final : public AppVerb {
 public:
  [[nodiscard]] std::string_view name() const override { return "role new"; }
  [[nodiscard]] std::string_view summary() const override {
    return "make a data role; nobody may decrypt it until a policy says so";
  }
  void declare(Options& options) override {
    AppVerb::declare(options);
    options.positional("name", name_, "[a-z0-9-]{1,20}");
  }
  Result<int> run(Terminal& terminal) override {
    const std::string body = write_json(Json::object({{"name", name_}}));
    TRY_ASSIGN(const Json answer, call_app("POST", "/roles", as_bytes(body)));
    terminal.result(answer, "role " + printable(answer.text_or("name", "")) + "\n");
    return 0;
  }

 private:
  std::string name_;
};

class RoleList final : public AppVerb {
 public:
  [[nodiscard]] std::string_view name() const override { return "role list"; }
  [[nodiscard]] std::string_view summary() const override { return "an app's data roles"; }
  Result<int> run(Terminal& terminal) override {
    TRY_ASSIGN(const Json answer, call_app("GET", "/roles"));
    std::string text;
    if (const Json* list = answer.find("roles"); list != nullptr && list->is_array()) {
      for (const Json& one : *list->as_array())
        text += (one.as_string() != nullptr ? printable(*one.as_string()) : "?") + "\n";
    }
    terminal.result(answer, text.empty() ? "no roles\n" : text);
    return 0;
  }
};

class PolicySet final : public AppVerb {
 public:
  [[nodiscard]] std::string_view name() const override { return "policy set"; }
  [[nodiscard]] std::string_view summary() const override {
    return "set who may decrypt what, from JSON (a file or standard input)";
  }
  void declare(Options& options) override {
    AppVerb::declare(options);
    options.positional("file", file_, "JSON; standard input where none or - is given", false);
  }
  Result<int> run(Terminal& terminal) override {
    TRY_ASSIGN(const Json policy, read_input(file_, terminal));
    const std::string body = write_json(policy);
    TRY_ASSIGN(const Json answer, call_app("PUT", "/policy", as_bytes(body)));
    terminal.result(answer, write_json(answer, 2) + "\n");
    return 0;
  }

 private:
  std::string file_;
};

class PolicyShow final : public AppVerb {
 public:
  [[nodiscard]] std::string_view name() const override { return "policy show"; }
  [[nodiscard]] std::string_view summary() const override { return "who may decrypt what"; }
  Result<int> run(Terminal& terminal) override {
    TRY_ASSIGN(const Json answer, call_app("GET", "/policy"));
    terminal.result(answer, write_json(answer, 2) + "\n");
    return 0;
  }
};

class PolicyTest final : public AppVerb {
 public:
  [[nodiscard]] std::string_view name() const override { return "policy test"; }
  [[nodiscard]] std::string_view summary() const override {
    return "would this caller get values of this role? exit 30 where not";
  }
  void declare(Options& options) override {
    AppVerb::declare(options);
    options.option("--role", role_, "data role; none: values without one")
        .option("--caller", caller_, "cage (default) or api_key")
        .option("--pcr0", pcr0_, "of the cage")
        .option("--at", at_, "Unix seconds; default: now");
  }
  Result<int> run(Terminal& terminal) override {
    Json body = Json::object({{"role", role_}, {"caller", caller_}});
    if (!pcr0_.empty()) body.set("pcr0", pcr0_);
    if (at_ >= 0) body.set("at", at_);
    const std::string text = write_json(body);
    TRY_ASSIGN(const Json answer, call_app("POST", "/policy/test", as_bytes(text)));
    const bool allowed = answer.text_or("verdict", "") == "allowed";
    terminal.result(answer, allowed ? "allowed by rule \"" + printable(answer.text_or("rule", "")) + "\"\n"
                                    : "refused: " + printable(answer.text_or("because", ""), 200) + "\n");
    return allowed ? 0 : static_cast<int>(Kind::policy);
  }

 private:
  std::string role_;
  std::string caller_ = "cage";
  std::string pcr0_;
  std::int64_t at_ = -1;
};

}  // namespace

std::unique_ptr<Verb> make_role_new() { return std::make_unique<RoleNew>(); }
std::unique_ptr<Verb> make_role_list() { return std::make_unique<RoleList>(); }
std::unique_ptr<Verb> make_policy_set() { return std::make_unique<PolicySet>(); }
std::unique_ptr<Verb> make_policy_show() { return std::make_unique<PolicyShow>(); }
std::unique_ptr<Verb> make_policy_test() { return std::make_unique<PolicyTest>(); }

}  // namespace cages::cli
