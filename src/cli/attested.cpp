// SPDX-License-Identifier: Apache-2.0
#include "cli/attested.h"

#include <filesystem>

#include "base/file.h"
#include "base/text.h"
#include "client/measurements.h"
#include "client/verify_json.h"

namespace cages::cli {
namespace {

namespace fs = std::filesystem;

Result<std::string> read_text(const fs::path& path) {
  TRY_ASSIGN(const Bytes bytes, read_file(path, limits::kPolicyFileBytesMax));
  return std::string(as_text(bytes));
}

Result<Json> read_json(const fs::path& path) {
  TRY_ASSIGN(const std::string text, read_text(path));
  auto json = parse_json(text);
  if (json) return json;
  Error error = std::move(json).error();
  error.subject = path.string();
  return fail(std::move(error));
}

bool is_there(const fs::path& path) {
  std::error_code ignored;
  return fs::exists(path, ignored);
}

}  // namespace

void AttestedOptions::declare(Options& options) {
  options.positional("URL", url_, "https://host[:port]/path")
      .option("--measurements", measurements_, "PCRs as `cage build` wrote them; several: any of them")
      .option("--policy", policy_, "a whole policy in JSON, as `cage verify` takes it")
      .option("--release", release_, "a signed release statement: its PCRs, counter and end")
      .option("--release-key", release_key_, "public key (PEM) of whoever may release, got elsewhere than the statement")
      .option("--root", roots_, "roots of attestation documents (PEM) instead of AWS's: a development root")
      .option("--cacert", cacert_, "authorities of the server's certificate (PEM) instead of this machine's")
      .option("--identity", identity_, "\"any\": do not look whose cage it is, only which code")
      .option("--binding", binding_, "session (default), fresh, or key: what ties the evidence to the connection")
      .option("--resolve", resolve_, "HOST:PORT:ADDRESS: connect there, as curl's option of this name")
      .option("--project", project_, "folder whose .cage is looked into (default: this one)");
}

Result<void> AttestedOptions::resolve_policy(client::Settings& into) const {
  if (!policy_.empty()) {
    TRY_ASSIGN(const Json json, read_json(policy_));
    TRY_ASSIGN(into.policy, policy::parse_policy(json));
  }
  std::vector<fs::path> files(measurements_.begin(), measurements_.end());
  const fs::path own = fs::path(project_) / ".cage" / "measurements.json";
  if (release_.empty() != release_key_.empty()) return fail(Code::USAGE, "--release", "--release and --release-key", "one of them");
  if (!release_.empty()) {
    TRY_ASSIGN(const std::string file, read_text(release_));
    TRY_ASSIGN(const std::string key, read_text(release_key_));
    TRY_ASSIGN(policy::PcrSet set, client::parse_release(file, key));
    into.policy.pcr_sets.push_back(std::move(set));
  }
  if (policy_.empty() && release_.empty() && files.empty() && is_there(own)) files.push_back(own);
  for (const fs::path& file : files) {
    TRY_ASSIGN(const Json json, read_json(file));
    TRY_ASSIGN(policy::PcrSet set, client::parse_measurements(json));
    into.policy.pcr_sets.push_back(std::move(set));
  }
  return {};
}

Result<void> AttestedOptions::resolve_dial(const Url& url, client::Target& into) const {
  into.host = url.host;
  into.port = url.port;
  for (const std::string& entry : resolve_) {
    const std::size_t first = entry.find(':');
    const std::size_t second = first == std::string::npos ? first : entry.find(':', first + 1);
    if (second == std::string::npos) return fail(Code::USAGE, "--resolve", "HOST:PORT:ADDRESS", printable(entry));
    const bool same = ascii_iequal(entry.substr(0, first), url.host) &&
                      entry.substr(first + 1, second - first - 1) == std::to_string(url.port);
    if (same) into.dial = entry.substr(second + 1);
  }
  return {};
}

// A cage that `cage dev` runs here is trusted as far as its folder says: dev.json names its URL and the development root.
Result<void> AttestedOptions::resolve_trust(const Url& url, Resolved& into) const {
  const fs::path folder = fs::path(project_) / ".cage";
  bool own = false;
  if (is_there(folder / "dev.json")) {
    TRY_ASSIGN(const Json dev, read_json(folder / "dev.json"));
    const auto served = parse_url(dev.text_or("url", ""));
    own = served && served->host == url.host && served->port == url.port;
    if (own && roots_.empty()) {
      TRY_ASSIGN(into.settings.roots, client::parse_trust_roots(dev.text_or("root", "")));
    }
  }
  for (const std::string& file : roots_) {
    TRY_ASSIGN(const std::string pem, read_text(file));
    TRY_ASSIGN(const std::vector<attest::TrustRoot> roots, client::parse_trust_roots(pem));
    into.settings.roots.insert(into.settings.roots.end(), roots.begin(), roots.end());
  }
  if (into.settings.roots.empty()) into.settings.roots.push_back(attest::production_root());
  for (const attest::TrustRoot& root : into.settings.roots) into.development = into.development || !root.is_production();
  const bool own_ca = own && cacert_.empty() && is_there(folder / "ca.pem");
  if (!cacert_.empty() || own_ca) {
    TRY_ASSIGN(into.settings.authorities.pem, read_text(own_ca ? folder / "ca.pem" : fs::path(cacert_)));
  } else {
    into.settings.authorities.system = true;
  }
  return {};
}

Result<AttestedOptions::Resolved> AttestedOptions::resolve() const {
  Resolved result;
  TRY_ASSIGN(result.url, parse_url(url_));
  TRY(resolve_policy(result.settings));
  TRY(resolve_dial(result.url, result.target));
  TRY(resolve_trust(result.url, result));
  if (!identity_.empty() && identity_ != "any") return fail(Code::USAGE, "--identity", "any", printable(identity_));
  if (identity_ == "any") result.settings.identity = client::Identity::any;
  if (binding_ == "key") {
    result.settings.binding = client::Binding::key;
  } else if (binding_ == "fresh") {
    result.settings.binding = client::Binding::fresh;
  } else if (binding_ != "session") {
    return fail(Code::USAGE, "--binding", "session, fresh or key", printable(binding_));
  }
  return result;
}

}  // namespace cages::cli
