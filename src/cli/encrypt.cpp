// SPDX-License-Identifier: Apache-2.0
// cage encrypt | decrypt: JSON in, the same JSON with every value encrypted, or decrypted, out. Encrypting happens
// here, with the app's public key; decrypting in the engine, where the app's policy allows it to API keys.
#include <chrono>

#include "base/clock.h"
#include "base/limits.h"
#include "cli/app_verb.h"
#include "crypto/ev_json.h"

namespace cages::cli {
namespace {

constexpr std::uint32_t kOrigin = 0;  // "unknown" to other clients: they number their own kinds

Result<crypto::EvSealer> sealer_for(const Json& keys) {
  const Json* list = keys.find("keys");
  if (list == nullptr || !list->is_array()) return fail(Code::JSON, "keys", "a list", "another value");
  for (const Json& key : *list->as_array()) {
    if (key.text_or("curve", "") != "p256") continue;
    TRY_ASSIGN(const Bytes point, parse_base64(key.text_or("compressed", "")));
    crypto::EvPoint app{};
    if (point.size() != app.size()) return fail(Code::EV_KEY, "key", "33 bytes", std::to_string(point.size()));
    std::ranges::copy(point, app.begin());
    return crypto::EvSealer::make(wire::EvCurve::p256, app);
  }
  return fail(Code::ENGINE_KEY, "p256");
}

class Encrypt final : public AppVerb {
 public:
  [[nodiscard]] std::string_view name() const override { return "encrypt"; }
  [[nodiscard]] std::string_view summary() const override {
    return "encrypt every value of a JSON text for an app (from a file or standard input)";
  }
  void declare(Options& options) override {
    AppVerb::declare(options);
    options.option("--role", role_, "data role: decides with the app's policy who may have it decrypted")
        .positional("file", file_, "JSON; standard input where none or - is given", false);
  }
  Result<int> run(Terminal& terminal) override {
    std::optional<wire::EvMetadata> metadata =
        wire::EvMetadata{{}, kOrigin, static_cast<std::uint32_t>(unix_seconds(SystemClock().wall()))};
    if (!role_.empty()) {
      if (!wire::valid_role(role_)) return fail(Code::USAGE, "--role", "[a-z0-9-]{1,20}", printable(role_));
      metadata->role = role_;
    }
    TRY_ASSIGN(const Json keys, call_app("GET", "/keys"));
    TRY_ASSIGN(const crypto::EvSealer sealer, sealer_for(keys));
    TRY_ASSIGN(Json json, read_input(file_, terminal));
    TRY(crypto::seal_leaves(json, sealer, metadata, limits::kEngineItemsMax));
    terminal.result(json, write_json(json, 2) + "\n");
    return 0;
  }

 private:
  std::string role_;
  std::string file_;
};

class Decrypt final : public AppVerb {
 public:
  [[nodiscard]] std::string_view name() const override { return "decrypt"; }
  [[nodiscard]] std::string_view summary() const override {
    return "decrypt the encrypted values of a JSON text, where the app's policy lets API keys do so";
  }
  void declare(Options& options) override {
    AppVerb::declare(options);
    options.positional("file", file_, "JSON; standard input where none or - is given", false);
  }
  Result<int> run(Terminal& terminal) override {
    TRY_ASSIGN(Json json, read_input(file_, terminal));
    const std::string body = write_json(Json::object({{"data", std::move(json)}}));
    TRY_ASSIGN(Json answer, call_app("POST", "/decrypt", as_bytes(body)));
    const Json* data = answer.find("data");
    if (data == nullptr) return fail(Code::JSON, "data", "the opened values", "none");
    terminal.result(*data, write_json(*data, 2) + "\n");
    crypto::wipe_texts(answer);
    return 0;
  }

 private:
  std::string file_;
};

}  // namespace

std::unique_ptr<Verb> make_encrypt() { return std::make_unique<Encrypt>(); }
std::unique_ptr<Verb> make_decrypt() { return std::make_unique<Decrypt>(); }

}  // namespace cages::cli
