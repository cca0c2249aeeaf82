// SPDX-License-Identifier: Apache-2.0
#include "cli/key_files.h"

#include <array>
#include <filesystem>

#include "base/file.h"
#include "base/limits.h"
#include "base/text.h"

namespace cages::cli {

Result<crypto::PrivateKey> read_private_key(const std::string& path) {
  TRY_ASSIGN(const Secret pem, read_secret_file(path, limits::kX509BytesMax));
  return crypto::PrivateKey::from_pem(pem);
}

Result<crypto::PublicKey> read_public_key(const std::string& path) {
  TRY_ASSIGN(const Bytes pem, read_file(path, limits::kX509BytesMax));
  return crypto::PublicKey::from_pem(as_text(pem));
}

Result<crypto::Certificate> read_certificate(const std::string& path) {
  TRY_ASSIGN(const Bytes pem, read_file(path, limits::kX509BytesMax));
  return crypto::Certificate::from_pem(as_text(pem));
}

Result<void> require_absent(const std::string& path) {
  std::error_code error;
  if (std::filesystem::exists(std::filesystem::symlink_status(path, error))) return fail(Code::EXISTS, path);
  return {};
}

Result<void> write_private_key(const std::string& path, const crypto::PrivateKey& key) {
  const Secret pem = key.to_pem();
  return write_file(path, pem.reveal(), 0600);
}

Result<crypto::Curve> parse_curve(const std::string& text) {
  const std::string name = ascii_lower(text);
  if (name == "p256" || name == "p-256") return crypto::Curve::p256;
  if (name == "p384" || name == "p-384") return crypto::Curve::p384;
  if (name == "p521" || name == "p-521") return crypto::Curve::p521;
  return fail(Code::USAGE, "--curve", "p256, p384 or p521", printable(text));
}

}  // namespace cages::cli
