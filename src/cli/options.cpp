// SPDX-License-Identifier: Apache-2.0
#include "cli/options.h"

#include <CLI/CLI.hpp>
#include <map>

#include "base/text.h"

namespace cages::cli {
namespace {

class Cli11Options final : public Options {
 public:
  explicit Cli11Options(CLI::App& app) : app_(app) {}
  Options& flag(std::string_view names, bool& into, std::string_view help) override {
    app_.add_flag(std::string(names), into, std::string(help));
    return *this;
  }
  Options& option(std::string_view names, std::string& into, std::string_view help) override {
    app_.add_option(std::string(names), into, std::string(help));
    return *this;
  }
  Options& option(std::string_view names, std::vector<std::string>& into, std::string_view help) override {
    app_.add_option(std::string(names), into, std::string(help))->allow_extra_args(false);  // one value each time it is given
    return *this;
  }
  Options& option(std::string_view names, std::int64_t& into, std::string_view help) override {
    app_.add_option(std::string(names), into, std::string(help));
    return *this;
  }
  Options& positional(std::string_view name, std::string& into, std::string_view help, bool required) override {
    app_.add_option(std::string(name), into, std::string(help))->required(required);
    return *this;
  }
  Options& positional(std::string_view name, std::vector<std::string>& into, std::string_view help,
                      bool required) override {
    app_.add_option(std::string(name), into, std::string(help))->required(required);
    return *this;
  }

 private:
  CLI::App& app_;
};

CLI::App& subcommand(CLI::App& app, std::map<std::string, CLI::App*>& groups, const Verb& verb) {
  const auto words = split(verb.name(), ' ');
  if (words.size() == 1) return *app.add_subcommand(std::string(words[0]), std::string(verb.summary()));
  CLI::App*& group = groups[std::string(words[0])];
  if (group == nullptr) {
    group = app.add_subcommand(std::string(words[0]));
    group->require_subcommand(1);
  }
  // A group is described by its verbs: "set, list".
  const std::string before = group->get_description();
  group->description((before.empty() ? "" : before + ", ") + std::string(words[1]));
  return *group->add_subcommand(std::string(words[1]), std::string(verb.summary()));
}

void print_error(const Terminal& terminal, const Error& error) {
  if (terminal.json) {
    terminal.err << write_json(error_json(error)) << "\n";
  } else {
    terminal.err << "cage: " << describe(error) << "\n";
  }
}

}  // namespace

void Terminal::result(const Json& value, std::string_view text) const {
  if (json) {
    out << write_json(value) << "\n";
  } else {
    out << text;
  }
  out.flush();
}

int run_command_line(int argc, const char* const* argv, std::vector<std::unique_ptr<Verb>> verbs, Terminal& terminal) {
  CLI::App app("cage: a Dockerfile becomes a service whose TLS handshake proves which code answers", "cage");
  app.require_subcommand(1);
  std::map<std::string, CLI::App*> groups;
  Verb* chosen = nullptr;
  for (const auto& verb : verbs) {
    CLI::App& sub = subcommand(app, groups, *verb);
    sub.add_flag("--json", terminal.json, "one JSON value on standard output");
    Cli11Options options(sub);
    verb->declare(options);
    sub.callback([&chosen, v = verb.get()] { chosen = v; });
  }
  try {  // the library's exceptions end here
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp& help) {
    return app.exit(help, terminal.out, terminal.err);
  } catch (const CLI::CallForAllHelp& help) {
    return app.exit(help, terminal.out, terminal.err);
  } catch (const CLI::ParseError& error) {
    print_error(terminal, Error(Code::USAGE, error.what()));
    return static_cast<int>(Kind::usage);
  }
  if (chosen == nullptr) return static_cast<int>(Kind::usage);
  const Result<int> outcome = chosen->run(terminal);
  if (outcome) return *outcome;
  print_error(terminal, outcome.error());
  return exit_code(outcome.error());
}

}  // namespace cages::cli
