// SPDX-License-Identifier: Apache-2.0
// Documents a second: our verifier against the least that any verifier over OpenSSL has to do with the same bytes (read five
// certificates, check four links and one COSE signature; no rule looked at). Interleaved:
//   bench_verify --benchmark_repetitions=5 --benchmark_enable_random_interleaving=true --benchmark_report_aggregates_only=true
#include <benchmark/benchmark.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include <cstdlib>

#include "attest/verify.h"
#include "base/file.h"
#include "crypto/key.h"
#include "wire/cose.h"

namespace {

using namespace cages;

constexpr std::int64_t kTime = 1'767'225'660;

Bytes load(const std::string& name) {
  return read_file(std::string(CAGES_SOURCE_DIR "/tests/vectors/attestation/") + name, 65536).value();
}

void verify_document(benchmark::State& state) {
  const Bytes document = load("a01_definite.cose");
  const attest::TrustRoot roots[] = {attest::TrustRoot::development(load("root.der")).value()};
  policy::AttestationPolicy rules;
  rules.any_pcrs = true;
  const auto policy = policy::admit(rules).value();
  for (auto _ : state) {
    if (!attest::verify(document, roots, kTime, policy)) std::abort();
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()));
}
BENCHMARK(verify_document)->Unit(benchmark::kMicrosecond);

X509* read_certificate(const Bytes& der) {
  const unsigned char* at = der.data();
  return d2i_X509(nullptr, &at, static_cast<long>(der.size()));
}

bool check_cose(EVP_PKEY* key, ByteView message, ByteView raw) {
  ECDSA_SIG* signature = ECDSA_SIG_new();
  const int half = static_cast<int>(raw.size() / 2);
  ECDSA_SIG_set0(signature, BN_bin2bn(raw.data(), half, nullptr), BN_bin2bn(raw.data() + half, half, nullptr));
  unsigned char* der = nullptr;
  const int length = i2d_ECDSA_SIG(signature, &der);
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  const bool good = EVP_DigestVerifyInit(context, nullptr, EVP_sha384(), nullptr, key) == 1 &&
                    EVP_DigestVerify(context, der, static_cast<std::size_t>(length), message.data(), message.size()) == 1;
  EVP_MD_CTX_free(context);
  OPENSSL_free(der);
  ECDSA_SIG_free(signature);
  return good;
}

void bare_openssl(benchmark::State& state) {
  const Bytes document = load("a01_definite.cose");
  const auto cose = wire::parse_cose_sign1(document).value();
  const auto parsed = wire::parse_payload(cose.payload).value();
  std::vector<Bytes> chain = parsed.cabundle;
  chain.push_back(parsed.certificate);
  for (auto _ : state) {
    std::vector<X509*> certificates;
    for (const Bytes& der : chain) certificates.push_back(read_certificate(der));
    bool good = true;
    for (std::size_t i = 1; i < certificates.size(); ++i) {
      good = good && X509_verify(certificates[i], X509_get0_pubkey(certificates[i - 1])) == 1;
    }
    const Bytes message = wire::cose_to_be_signed(cose.protected_header, cose.payload);
    good = good && check_cose(X509_get0_pubkey(certificates.back()), message, cose.signature);
    for (X509* certificate : certificates) X509_free(certificate);
    if (!good) std::abort();
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()));
}
BENCHMARK(bare_openssl)->Unit(benchmark::kMicrosecond);

}  // namespace

BENCHMARK_MAIN();
