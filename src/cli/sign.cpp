// SPDX-License-Identifier: Apache-2.0
#include "cli/key_files.h"
#include "cli/verb.h"
#include "crypto/deterministic/signer.h"
#include "eif/check.h"
#include "eif/describe.h"
#include "eif/measure.h"
#include "eif/write.h"

namespace cages::cli {
namespace {

class Sign final : public Verb {
 public:
  [[nodiscard]] std::string_view name() const override { return "sign"; }
  [[nodiscard]] std::string_view summary() const override {
    return "sign an enclave image, or sign it anew (PCR0, 1 and 2 stay; PCR8 is the certificate's)";
  }
  void declare(Options& options) override {
    options.positional("FILE", file_, "the image")
        .option("--certificate", certificate_, "PEM certificate (`cage cert new` makes one)")
        .option("--key", key_, "PEM private key of the certificate")
        .option("-o,--output", output_, "where to write; the image itself is replaced without it");
  }
  Result<int> run(Terminal& terminal) override {
    if (certificate_.empty() || key_.empty()) return fail(Code::USAGE, "--certificate and --key are needed");
    TRY_ASSIGN(const crypto::Certificate certificate, read_certificate(certificate_));
    TRY_ASSIGN(const crypto::PrivateKey key, read_private_key(key_));
    TRY_ASSIGN(auto source, eif::open_source(file_));
    TRY_ASSIGN(const eif::EifFile file, eif::EifFile::open(std::move(source), eif::Gaps::report));
    TRY_ASSIGN(const eif::Measured before, eif::measure(file));
    if (before.crc != file.header().crc) return fail(Code::EIF_CRC);  // not to be hidden under a fresh checksum
    TRY_ASSIGN(eif::EifWriter writer, eif::EifWriter::create(output_.empty() ? file_ : output_, file.header()));
    TRY(writer.copy(file));
    const crypto::DeterministicSigner signer(key);
    const eif::Signing signing{certificate, signer};
    TRY_ASSIGN(const eif::Measurements after, writer.finish(&signing));
    const Json json = Json::object({{"Measurements", eif::measurements_json(after)}});
    terminal.result(json, write_json(json, 2) + "\n");
    return 0;
  }

 private:
  std::string file_;
  std::string certificate_;
  std::string key_;
  std::string output_;
};

}  // namespace

std::unique_ptr<Verb> make_sign() { return std::make_unique<Sign>(); }

}  // namespace cages::cli
