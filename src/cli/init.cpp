// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "base/file.h"
#include "base/limits.h"
#include "cli/init_project.h"
#include "cli/key_files.h"
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
                "repeated");
  }
  Result<int> run(Terminal& terminal) override {
    request_.folder = folder_;
    request_.name = name_;
    for (const std::string& text : roots_) {
      TRY_ASSIGN(const wire::RootHash root, image::parse_root_hash(text));
      request_.roots.push_back(root);
    }
    if (request_.platform_url.empty() != request_.roots.empty()) {
      return fail(Code::USAGE, "--platform", "--platform URL with at least one --root", "one without the other");
    }
    TRY_ASSIGN(const std::string chosen, init_project(request_));
    std::string text = "cage.toml, cage.lock: cage \"" + chosen + "\"";
    text += request_.roots.empty() ? ", no platform yet: `cage dev` runs it here"
                                   : ", operated by " + request_.platform_url;
    terminal.result(Json::object({{"name", chosen}, {"platform", request_.platform_url}}), text + "\n");
    return 0;
  }

 private:
  std::string folder_ = ".";
  std::string name_;
  std::vector<std::string> roots_;
  InitRequest request_;
};

}  // namespace

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
