// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <algorithm>
#include <istream>

#include "base/file.h"
#include "base/limits.h"
#include "cli/init_project.h"
#include "cli/key_files.h"
#include "cli/platform_facts.h"
#include "cli/verb.h"
#include "image/project.h"

namespace cages::cli {

namespace fs = std::filesystem;

namespace {

// The folder's name as far as a cage may be called so.
std::string name_of(const fs::path& folder) {
  std::error_code error;
  std::string out;
  for (const char c : fs::weakly_canonical(folder, error).filename().string()) {
    const char lower = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    const bool letter = lower >= 'a' && lower <= 'z';
    const bool other = (lower >= '0' && lower <= '9') || lower == '-' || lower == '_' || lower == '.' || lower == ' ';
    if (letter || (other && !out.empty())) out += letter || (lower >= '0' && lower <= '9') ? lower : '-';
    if (out.size() == 32) break;
  }
  while (out.ends_with('-')) out.pop_back();
  return out.empty() ? "cage" : out;
}

// Groups of eight, so that two people can compare it.
std::string fingerprint(const wire::RootHash& root) {
  std::string out;
  const std::string digits = hex(root);
  for (std::size_t i = 0; i < digits.size(); i += 8) {
    out += i == 0 ? "" : i == digits.size() / 2 ? "\n    " : " ";
    out += digits.substr(i, 8);
  }
  return out;
}

class Init final : public Verb {
 public:
  [[nodiscard]] std::string_view name() const override { return "init"; }
  [[nodiscard]] std::string_view summary() const override {
    return "write cage.toml and cage.lock for the Dockerfile of this folder";
  }
  void declare(Options& options) override {
    options.option("-C,--folder", folder_, "where the Dockerfile is (.)")
        .option("--name", name_, "what the cage is called (the folder's name)")
        .option("--platform", request_.platform_url, "address of the platform that will operate the cage")
        .option("--root", roots_,
                "SHA-384 of the platform root's public key, 96 hexadecimal digits, as its operator told you; may be "
                "repeated. Without it you are asked whether the root that the platform shows is the right one")
        .option("--ca", ca_, "PEM file of the authority that certified the platform's address");
  }
  Result<int> run(Terminal& terminal) override {
    request_.folder = folder_;
    request_.name = name_;
    for (const std::string& text : roots_) {
      TRY_ASSIGN(const wire::RootHash root, image::parse_root_hash(text));
      request_.roots.push_back(root);
    }
    if (request_.platform_url.empty() && !request_.roots.empty()) {
      return fail(Code::USAGE, "--root", "--platform URL with it", "none");
    }
    // Nobody is asked about what cannot be written.
    for (const char* file : {"cage.toml", "cage.lock"}) TRY(require_absent((request_.folder / file).string()));
    if (!request_.platform_url.empty()) TRY(settle_roots(terminal));
    TRY_ASSIGN(const std::string chosen, init_project(request_));
    std::string text = "cage.toml, cage.lock: cage \"" + chosen + "\"";
    text += request_.roots.empty() ? ", no platform yet: `cage dev` runs it here"
                                   : ", operated by " + request_.platform_url;
    terminal.result(Json::object({{"name", chosen}, {"platform", request_.platform_url}}), text + "\n");
    return 0;
  }

 private:
  // What the platform shows is compared with what the operator told, by a person or with --root; nothing is believed for
  // having come over this connection.
  Result<void> settle_roots(Terminal& terminal) {
    TRY_ASSIGN(ApiEndpoint endpoint, parse_endpoint(request_.platform_url));
    if (!ca_.empty()) {
      TRY_ASSIGN(const Bytes ca, read_file(ca_, limits::kX509BytesMax));
      endpoint.ca_pem = as_text(ca);
    }
    const bool asks = request_.roots.empty();
    if (asks && !can_ask()) {
      return fail(Code::USAGE, "--platform", "--root HASH with it, as the platform's operator told you",
                  "no terminal to confirm the root at");
    }
    const auto facts = ask_platform(endpoint);
    if (!asks && !facts) {
      terminal.err << "note: the root was not compared with the platform's: " << describe(facts.error()) << "\n";
      return {};
    }
    if (!facts) return fail(facts.error());
    if (asks) return confirm(*facts, terminal);
    for (const wire::RootHash& told : request_.roots) {
      if (std::ranges::find(facts->roots, told) == facts->roots.end()) {
        return fail(Code::PLATFORM_ROOT, "--root", hex(told), hex(facts->roots.front()));
      }
    }
    return {};
  }

  Result<void> confirm(const PlatformFacts& facts, Terminal& terminal) {
    terminal.err << "The platform at " << printable(request_.platform_url) << " shows this root (SHA-384 of its key):\n\n";
    for (const wire::RootHash& root : facts.roots) terminal.err << "    " << fingerprint(root) << "\n\n";
    terminal.err << "Whoever holds its key decides who gets the cage's certificates and secrets. Compare it with what the\n"
                    "operator told you by another way. Is it the same? [y/N] "
                 << std::flush;
    std::string answer;
    std::getline(terminal.in, answer);
    if (answer != "y" && answer != "Y" && answer != "yes") {
      return fail(Code::INTERRUPTED, "cage init", "a root that you know", "not confirmed");
    }
    request_.roots = facts.roots;
    return {};
  }

  std::string folder_ = ".";
  std::string name_;
  std::string ca_;
  std::vector<std::string> roots_;
  InitRequest request_;
};

}  // namespace

bool can_ask() { return ::isatty(STDIN_FILENO) == 1 && ::isatty(STDERR_FILENO) == 1; }

Result<std::string> init_project(const InitRequest& request) {
  const std::string name = request.name.empty() ? name_of(request.folder) : request.name;
  if (!wire::valid_cage_name(name)) return fail(Code::USAGE, "--name", "[a-z][a-z0-9-]{0,31}", printable(name));
  if (request.roots.size() > limits::kPlatformRootsMax) return fail(Code::USAGE, "--root", "at most 4", "more");
  const fs::path toml = request.folder / "cage.toml";
  const fs::path lock_file = request.folder / "cage.lock";
  TRY(require_absent(toml.string()));
  TRY(require_absent(lock_file.string()));
  image::Lock lock;
  lock.platform_url = request.platform_url;
  lock.roots = request.roots;
  TRY(write_file(toml, as_bytes(image::project_template(name))));
  TRY(write_file(lock_file, as_bytes(image::write_lock(lock))));
  return name;
}

std::unique_ptr<Verb> make_init() { return std::make_unique<Init>(); }

}  // namespace cages::cli
