// SPDX-License-Identifier: Apache-2.0
// Key and certificate files of the developer: read, and made without ever replacing one. For the verbs that sign.
#pragma once

#include <string>

#include "crypto/certificate.h"
#include "crypto/key.h"

namespace cages::cli {

// read_private_key: an unencrypted PEM. PEM, IO.
Result<crypto::PrivateKey> read_private_key(const std::string& path);
Result<crypto::PublicKey> read_public_key(const std::string& path);
Result<crypto::Certificate> read_certificate(const std::string& path);

// require_absent: EXISTS where there is something at `path`: a key must never be lost to a repeated command.
Result<void> require_absent(const std::string& path);
// write_private_key writes PKCS#8, mode 0600.
Result<void> write_private_key(const std::string& path, const crypto::PrivateKey& key);

// parse_curve reads "p256", "p384" or "p521"; USAGE else.
Result<crypto::Curve> parse_curve(const std::string& text);

}  // namespace cages::cli
