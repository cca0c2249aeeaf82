// SPDX-License-Identifier: Apache-2.0
// A certificate in words, for people and for tools that read what nitro-cli prints. Decides nothing.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "crypto/certificate.h"

namespace cages::crypto {

struct CertificateText {
  std::vector<std::pair<std::string, std::string>> issuer;  // long name of the attribute, value; sorted
  std::string algorithm;                                    // "ecdsa-with-SHA384"
  std::string not_before;                                   // "Jan  1 00:00:00 2026 GMT"
  std::string not_after;
  std::string signature;  // hexadecimal
};

// untrusted: certificate_text escapes what a terminal could be hurt by.
CertificateText certificate_text(const Certificate& certificate);

}  // namespace cages::crypto
