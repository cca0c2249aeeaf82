// SPDX-License-Identifier: Apache-2.0
#include "base/file.h"
#include "cli/key_files.h"
#include "cli/verb.h"
#include "crypto/hash.h"

namespace cages::cli {
namespace {

class ReleaseKeyNew final : public Verb {
 public:
  [[nodiscard]] std::string_view name() const override { return "release-key new"; }
  [[nodiscard]] std::string_view summary() const override {
    return "make the key that signs release statements; clients get its public half from you, never from the platform";
  }
  void declare(Options& options) override {
    options.option("--key", key_, "where to write the private key, mode 0600 (release-key.pem)")
        .option("--public", public_, "where to write the public key (release-key.pub.pem)")
        .option("--curve", curve_, "p256, p384 or p521 (p384)");
  }
  Result<int> run(Terminal& terminal) override {
    TRY_ASSIGN(const crypto::Curve curve, parse_curve(curve_));
    TRY(require_absent(key_));
    TRY(require_absent(public_));
    TRY_ASSIGN(const crypto::PrivateKey key, crypto::PrivateKey::generate(curve));
    TRY(write_private_key(key_, key));
    TRY(write_file(public_, as_bytes(key.public_key().pem())));
    const std::string fingerprint = hex(crypto::sha256(key.public_key().spki()));
    terminal.result(Json::object({{"key", key_}, {"public", public_}, {"sha256", fingerprint}}),
                    "key          " + key_ + "  (keep it offline; whoever has it releases as you)\npublic key   " +
                        public_ + "  (give it to your clients)\nfingerprint  " + fingerprint + "\n");
    return 0;
  }

 private:
  std::string key_ = "release-key.pem";
  std::string public_ = "release-key.pub.pem";
  std::string curve_ = "p384";
};

}  // namespace

std::unique_ptr<Verb> make_release_key_new() { return std::make_unique<ReleaseKeyNew>(); }

}  // namespace cages::cli
