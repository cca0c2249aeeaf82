// SPDX-License-Identifier: Apache-2.0
#include "host/enrolment.h"

#include "base/log.h"
#include "base/private_file.h"
#include "crypto/certificate.h"

namespace cages::host {
namespace {

constexpr std::size_t kFileBytesMax = 64 * 1024;
constexpr const char* kKeyFile = "host.key";
constexpr const char* kChainFile = "host.pem";
constexpr const char* kProgram = "cage-host";

Result<crypto::PrivateKey> load_key(const PrivateFolder& folder) {
  TRY_ASSIGN(auto pem, folder.read(kKeyFile, kFileBytesMax));
  if (pem) return crypto::PrivateKey::from_pem(*pem);
  TRY_ASSIGN(crypto::PrivateKey key, crypto::PrivateKey::generate(crypto::Curve::p256));
  TRY_ASSIGN(const bool made, folder.create(kKeyFile, key.to_pem()));
  if (!made) return load_key(folder);
  return key;
}

LinkSettings settings_of(const HostConfig& config) {
  return {config.caged.host, config.caged.port, config.caged_roots, {}, kProgram, {"process"}};
}

}  // namespace

Result<std::unique_ptr<Link>> load_link(net::EventLoop& loop, const HostConfig& config) {
  LinkSettings settings = settings_of(config);
  TRY_ASSIGN(const PrivateFolder folder, PrivateFolder::open_or_create(config.state));
  TRY_ASSIGN(const auto chain, folder.read(kChainFile, kFileBytesMax));
  if (!chain) return fail(Code::HOST_NOT_ENROLLED, config.state.string());
  TRY_ASSIGN(const crypto::PrivateKey key, load_key(folder));
  TRY_ASSIGN(settings.identity, tls::Identity::from_pem(as_text(chain->reveal()), key));
  return Link::make(loop, std::move(settings));
}

Task<Result<void>> enrol(net::EventLoop& loop, const HostConfig& config, std::string code) {
  LinkSettings settings = settings_of(config);
  CO_TRY_ASSIGN(const PrivateFolder folder, PrivateFolder::open_or_create(config.state));
  CO_TRY_ASSIGN(const auto there, folder.read(kChainFile, kFileBytesMax));
  if (there) co_return Result<void>{};
  CO_TRY_ASSIGN(const crypto::PrivateKey key, load_key(folder));
  CO_TRY_ASSIGN(const Bytes subject, crypto::common_name(kProgram));
  CO_TRY_ASSIGN(Bytes csr, crypto::make_csr(key, subject));
  CO_TRY_ASSIGN(const auto link, Link::make(loop, std::move(settings)));
  CO_TRY_ASSIGN(const wire::Enrolled enrolled, co_await link->enrol(std::move(code), std::move(csr)));
  std::string chain;
  for (const auto& der : enrolled.chain) {
    CO_TRY_ASSIGN(const crypto::Certificate certificate, crypto::Certificate::from_der(der));
    chain += certificate.pem();
  }
  // An answer with a certificate that is not this key's is refused before it is kept.
  CO_TRY(tls::Identity::from_pem(chain, key));
  CO_TRY(folder.create(kChainFile, Secret::copy_of(as_bytes(chain))));
  log::info("host.enrolled", {{"host", wire::write_id(enrolled.host)}});
  co_return Result<void>{};
}

}  // namespace cages::host
