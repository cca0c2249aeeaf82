// SPDX-License-Identifier: Apache-2.0
#include "host/enrolment.h"

#include "base/log.h"
#include "base/private_file.h"
#include "crypto/authority.h"
#include "crypto/certificate.h"
#include "wire/enrol_code.h"

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

// The platform is known by one key: the enrolment code names it, and the chain that came of it keeps it.
LinkSettings settings_of(const HostConfig& config, const crypto::KeyHash& root) {
  return {config.caged.host, config.caged.port, {root}, {}, kProgram, {"process"}};
}

// What is kept names the platform from now on: it ends in the key that the code named.
Result<void> check_root(const wire::Enrolled& enrolled, const crypto::KeyHash& root) {
  if (enrolled.chain.size() != 2) return fail(Code::PLATFORM_CHAIN, "", "[host, root]", std::to_string(enrolled.chain.size()));
  TRY_ASSIGN(const crypto::Certificate last, crypto::Certificate::from_der(enrolled.chain.back()));
  const crypto::KeyHash hash = crypto::key_hash(last.public_key());
  if (hash != root) return fail(Code::PLATFORM_ROOT, "enrolment", hex(root), hex(hash));
  return {};
}

}  // namespace

Result<std::unique_ptr<Link>> load_link(net::EventLoop& loop, const HostConfig& config) {
  TRY_ASSIGN(const PrivateFolder folder, PrivateFolder::open_or_create(config.state));
  TRY_ASSIGN(const auto chain, folder.read(kChainFile, kFileBytesMax));
  if (!chain) return fail(Code::HOST_NOT_ENROLLED, config.state.string());
  TRY_ASSIGN(const std::vector<crypto::Certificate> kept, crypto::Certificate::all_from_pem(as_text(chain->reveal())));
  LinkSettings settings = settings_of(config, crypto::key_hash(kept.back().public_key()));
  TRY_ASSIGN(const crypto::PrivateKey key, load_key(folder));
  TRY_ASSIGN(settings.identity, tls::Identity::from_pem(as_text(chain->reveal()), key));
  return Link::make(loop, std::move(settings));
}

Task<Result<void>> enrol(net::EventLoop& loop, const HostConfig& config, std::string code) {
  CO_TRY_ASSIGN(const wire::EnrolCode parts, wire::parse_enrol_code(code));
  LinkSettings settings = settings_of(config, parts.root);
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
  CO_TRY(check_root(enrolled, parts.root));
  // An answer with a certificate that is not this key's is refused before it is kept.
  CO_TRY(tls::Identity::from_pem(chain, key));
  CO_TRY(folder.create(kChainFile, Secret::copy_of(as_bytes(chain))));
  log::info("host.enrolled", {{"host", wire::write_id(enrolled.host)}});
  co_return Result<void>{};
}

}  // namespace cages::host
