// SPDX-License-Identifier: Apache-2.0
#include "base/clock.h"
#include "base/file.h"
#include "cli/key_files.h"
#include "cli/verb.h"
#include "crypto/certificate.h"
#include "crypto/random.h"
#include "eif/signature.h"

namespace cages::cli {
namespace {

constexpr std::int64_t kDaysMax = 20 * 365;

Result<crypto::Certificate> self_signed(const crypto::PrivateKey& key, const std::string& name, std::int64_t days) {
  TRY_ASSIGN(const Bytes subject, crypto::common_name(name));
  crypto::SystemRandom random;
  auto serial = random.array<16>();
  serial[0] = static_cast<Byte>((serial[0] & 0x7f) | 0x40);  // positive, and 16 bytes whatever was drawn
  const WallTime now = std::chrono::floor<std::chrono::seconds>(SystemClock().wall());
  const crypto::CertificateFields fields{
      .serial = to_bytes(ByteView(serial)),
      .issuer = subject,
      .subject = subject,
      .not_before = now,
      .not_after = now + std::chrono::days(days),
      .extensions = {crypto::basic_constraints(false), crypto::key_usage({crypto::KeyUsage::digital_signature}),
                     crypto::subject_key_id(crypto::key_id(key.public_key()))}};
  return crypto::issue(fields, key.public_key(), key);
}

class CertNew final : public Verb {
 public:
  [[nodiscard]] std::string_view name() const override { return "cert new"; }
  [[nodiscard]] std::string_view summary() const override {
    return "make a key and a certificate to sign images with (PCR8)";
  }
  void declare(Options& options) override {
    options.option("--certificate", certificate_, "where to write the certificate (signing-cert.pem)")
        .option("--key", key_, "where to write the private key, mode 0600 (signing-key.pem)")
        .option("--curve", curve_, "p256, p384 or p521 (p384)")
        .option("--name", subject_, "common name (cage image signer)")
        .option("--days", days_, "validity (3650); nitro-cli runs no image whose certificate has expired");
  }
  Result<int> run(Terminal& terminal) override {
    TRY_ASSIGN(const crypto::Curve curve, parse_curve(curve_));
    if (days_ < 1 || days_ > kDaysMax)
      return fail(Code::USAGE, "--days", "1 to " + std::to_string(kDaysMax), std::to_string(days_));
    TRY(require_absent(key_));
    TRY(require_absent(certificate_));
    TRY_ASSIGN(const crypto::PrivateKey key, crypto::PrivateKey::generate(curve));
    TRY_ASSIGN(const crypto::Certificate certificate, self_signed(key, subject_, days_));
    TRY(write_private_key(key_, key));
    TRY(write_file(certificate_, as_bytes(certificate.pem())));
    const std::string pcr8 = hex(eif::measure_certificate(certificate));
    terminal.result(Json::object({{"certificate", certificate_}, {"key", key_}, {"PCR8", pcr8}}),
                    "certificate  " + certificate_ + "\nkey          " + key_ +
                        "  (keep it offline; whoever has it signs as you)\nPCR8         " + pcr8 + "\n");
    return 0;
  }

 private:
  std::string certificate_ = "signing-cert.pem";
  std::string key_ = "signing-key.pem";
  std::string curve_ = "p384";
  std::string subject_ = "cage image signer";
  std::int64_t days_ = 3650;
};

}  // namespace

std::unique_ptr<Verb> make_cert_new() { return std::make_unique<CertNew>(); }

}  // namespace cages::cli
