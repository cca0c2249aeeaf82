// SPDX-License-Identifier: Apache-2.0
// Signed release statements and their file, .cage/release.json: the fields to read, and the signed bytes in base64.
// Clients take a policy from one only with the developer's release key, which they got elsewhere. For `cage build` and
// the client library.
#pragma once

#include <string>

#include "crypto/signer.h"
#include "wire/release_statement.h"

namespace cages::crypto {

inline constexpr std::size_t kReleaseFileBytesMax = 64 * 1024;

// write_release_file returns the file's text. Without `key` it says that it is not signed.
Result<std::string> write_release_file(const wire::ReleaseStatement& statement, const Signer* key);

// untrusted: verify_release_file returns the statement where the file is signed by `key` and its readable fields say
// exactly what is signed. RELEASE_STATEMENT (subject: what is wrong), JSON, BASE64 else; never for an unsigned file.
Result<wire::ReleaseStatement> verify_release_file(std::string_view text, const PublicKey& key);

// untrusted: read_unsigned_release_file returns the readable fields. Nothing vouches for them: for a file that came
// from one's own build and nowhere else.
Result<wire::ReleaseStatement> read_unsigned_release_file(std::string_view text);

}  // namespace cages::crypto
