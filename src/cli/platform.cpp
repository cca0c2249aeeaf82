// SPDX-License-Identifier: Apache-2.0
// cage platform root-new | certify: the operator's offline root, and its word for an online key (design §3): what
// images name, and what caged's provisioner shows them. Run where the root's key is kept; nothing here speaks to
// anybody.
#include "base/clock.h"
#include "base/file.h"
#include "base/limits.h"
#include "cli/key_files.h"
#include "cli/verb.h"
#include "crypto/authority.h"
#include "crypto/random.h"
#include "wire/provision.h"

namespace cages::cli {
namespace {

constexpr std::chrono::hours kRootLife{24 * 365 * 20};
constexpr std::int64_t kDaysMax = 90;

WallTime now() { return std::chrono::floor<std::chrono::seconds>(SystemClock().wall()); }

class PlatformRootNew final : public Verb {
 public:
  [[nodiscard]] std::string_view name() const override { return "platform root-new"; }
  [[nodiscard]] std::string_view summary() const override { return "make a platform's offline root"; }
  void declare(Options& options) override {
    options.option("--certificate", certificate_, "where to write the certificate (platform-root.pem)")
        .option("--key", key_, "where to write the private key, mode 0600 (platform-root-key.pem)");
  }
  Result<int> run(Terminal& terminal) override {
    TRY(require_absent(key_));
    TRY(require_absent(certificate_));
    crypto::SystemRandom random;
    TRY_ASSIGN(const crypto::Authority root,
               crypto::make_authority("cages platform root", crypto::Curve::p384, 0, now(), kRootLife, random));
    TRY(write_private_key(key_, root.key));
    TRY(write_file(certificate_, as_bytes(root.certificate.pem())));
    const std::string hash = hex(crypto::key_hash(root.certificate.public_key()));
    terminal.result(Json::object({{"certificate", certificate_}, {"key", key_}, {"root", hash}}),
                    "certificate  " + certificate_ + "\nkey          " + key_ + "  (keep it offline)\nroot         " +
                        hash + "  (cage.lock of every image names it)\n");
    return 0;
  }

 private:
  std::string certificate_ = "platform-root.pem";
  std::string key_ = "platform-root-key.pem";
};

class PlatformCertify final : public Verb {
 public:
  [[nodiscard]] std::string_view name() const override { return "platform certify"; }
  [[nodiscard]] std::string_view summary() const override {
    return "certify a caged's online key with the offline root";
  }
  void declare(Options& options) override {
    options.option("--certificate", certificate_, "the root's certificate (platform-root.pem)")
        .option("--key", key_, "the root's private key (platform-root-key.pem)")
        .option("--days", days_, "validity, at most 90 (90)")
        .option("--out", out_, "where to write [server, root] in PEM (provisioner-chain.pem)")
        .positional("request", request_, "provisioner.csr, as caged wrote it");
  }
  Result<int> run(Terminal& terminal) override {
    if (days_ < 1 || days_ > kDaysMax) return fail(Code::USAGE, "--days", "1 to 90", std::to_string(days_));
    TRY_ASSIGN(const Bytes request, read_file(request_, limits::kCsrBytesMax));
    TRY_ASSIGN(const crypto::Csr csr, crypto::Csr::from_der(request));
    TRY_ASSIGN(crypto::PrivateKey key, read_private_key(key_));
    TRY_ASSIGN(crypto::Certificate certificate, read_certificate(certificate_));
    const crypto::Authority root{std::move(key), std::move(certificate)};
    crypto::SystemRandom random;
    TRY_ASSIGN(const crypto::Certificate server, crypto::certify_server(root, wire::kProvisionerName, csr.public_key(),
                                                                        now(), std::chrono::days(days_), random));
    const std::vector<Bytes> chain{server.der(), root.certificate.der()};
    const crypto::KeyHash hash = crypto::key_hash(root.certificate.public_key());
    // What an image would say of it: a key that is not the certificate's shows here.
    TRY(crypto::verify_server_chain(chain, {&hash, 1}, wire::kProvisionerName, now()));
    TRY(write_file(out_, as_bytes(server.pem() + root.certificate.pem())));
    terminal.result(
        Json::object({{"chain", out_}, {"days", days_}, {"root", hex(hash)}}),
        "wrote " + out_ + ", good for " + std::to_string(days_) + " days: provisioner_chain in caged.toml\n");
    return 0;
  }

 private:
  std::string certificate_ = "platform-root.pem";
  std::string key_ = "platform-root-key.pem";
  std::string request_;
  std::string out_ = "provisioner-chain.pem";
  std::int64_t days_ = kDaysMax;
};

}  // namespace

std::unique_ptr<Verb> make_platform_root_new() { return std::make_unique<PlatformRootNew>(); }
std::unique_ptr<Verb> make_platform_certify() { return std::make_unique<PlatformCertify>(); }

}  // namespace cages::cli
