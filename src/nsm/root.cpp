// SPDX-License-Identifier: Apache-2.0
#include "nsm/root.h"

#include <algorithm>

#include "base/private_file.h"
#include "crypto/hash.h"

namespace cages::nsm {
namespace {

using crypto::KeyUsage;
using namespace std::chrono_literals;

constexpr std::string_view kFile = "root.pem";
constexpr std::size_t kFileBytesMax = 8192;
constexpr auto kRootLife = std::chrono::days(30 * 365) + 1h;
// A program of this machine whose clock was read a moment before still finds the root valid.
constexpr auto kBackdate = 1h;

}  // namespace

Result<Bytes> development_name(std::string_view common_name) {
  const std::array<crypto::NameAttribute, 4> attributes{{{crypto::oid::kCountry, "ZZ"},
                                                         {crypto::oid::kOrganisation, "Cages"},
                                                         {crypto::oid::kUnit, "development"},
                                                         {crypto::oid::kCommonName, common_name}}};
  return crypto::encode_name(attributes);
}

Result<DevelopmentRoot> DevelopmentRoot::create(const Clock& clock, crypto::Random& random) {
  TRY_ASSIGN(crypto::PrivateKey key, crypto::PrivateKey::generate(crypto::Curve::p384));
  // The random part tells two developers' roots apart by eye.
  TRY_ASSIGN(const Bytes name, development_name("cages development nitro-enclaves " + hex(random.array<4>())));
  auto serial = random.array<16>();
  serial[0] = static_cast<Byte>((serial[0] & 0x7f) | 0x40);  // positive, and never shorter
  const WallTime now = std::chrono::floor<std::chrono::seconds>(clock.wall());
  const crypto::CertificateFields fields{
      .serial = to_bytes(serial),
      .issuer = name,
      .subject = name,
      .not_before = now - kBackdate,
      .not_after = now - kBackdate + kRootLife,
      .extensions = {crypto::basic_constraints(true), crypto::subject_key_id(crypto::key_id(key.public_key())),
                     crypto::key_usage({KeyUsage::digital_signature, KeyUsage::key_cert_sign, KeyUsage::crl_sign})}};
  TRY_ASSIGN(crypto::Certificate certificate, crypto::issue(fields, key.public_key(), key));
  return DevelopmentRoot(std::move(key), std::move(certificate));
}

Secret DevelopmentRoot::to_pem() const {
  const Secret key = key_.to_pem();
  const std::string certificate = certificate_.pem();
  Secret both(key.size() + certificate.size());
  const auto end = std::ranges::copy(key.reveal(), both.reveal_mutable().begin()).out;
  std::ranges::copy(as_bytes(certificate), end);
  return both;
}

Result<DevelopmentRoot> DevelopmentRoot::from_pem(const Secret& pem) {
  TRY_ASSIGN(crypto::PrivateKey key, crypto::PrivateKey::from_pem(pem));
  TRY_ASSIGN(crypto::Certificate certificate, crypto::Certificate::from_pem(as_text(pem.reveal())));
  if (key.curve() != crypto::Curve::p384 || certificate.public_key().spki() != key.public_key().spki()) {
    return fail(Code::PEM, std::string(kFile), "a P-384 key and its certificate", "another pair");
  }
  return DevelopmentRoot(std::move(key), std::move(certificate));
}

Result<DevelopmentRoot> DevelopmentRoot::open_or_create(const std::filesystem::path& path, const Clock& clock,
                                                        crypto::Random& random) {
  TRY_ASSIGN(const PrivateFolder folder, PrivateFolder::open_or_create(path));
  const std::string file(kFile);
  TRY_ASSIGN(std::optional<Secret> content, folder.read(file, kFileBytesMax));
  if (!content) {
    TRY_ASSIGN(const DevelopmentRoot fresh, create(clock, random));
    TRY(folder.create(file, fresh.to_pem()));
    // Read what is there: another process may have been first.
    TRY_ASSIGN(content, folder.read(file, kFileBytesMax));
    if (!content) return fail(Code::IO, (path / file).string(), "the file just written", "none");
  }
  return from_pem(*content);
}

std::string DevelopmentRoot::fingerprint() const { return hex(crypto::sha256(certificate_.der())); }

}  // namespace cages::nsm
