// SPDX-License-Identifier: Apache-2.0
// DevelopmentRoot: the root under which one developer's software NSM signs, made once and kept in a private folder. Nothing
// trusts it but who is handed its certificate; every name in it says "development". For the software NSM.
#pragma once

#include <filesystem>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "crypto/certificate.h"
#include "crypto/key.h"
#include "crypto/random.h"

namespace cages::nsm {

// development_name returns the DER Name that every certificate of the development PKI has but for its common name.
Result<Bytes> development_name(std::string_view common_name);

class DevelopmentRoot {
 public:
  // open_or_create reads root.pem (key and certificate) from `folder`, or makes it. UNSAFE_FILE where others could have
  // read or written it; PEM where it is not one of ours.
  static Result<DevelopmentRoot> open_or_create(const std::filesystem::path& folder, const Clock& clock,
                                                crypto::Random& random);
  // create makes a root that is kept nowhere.
  static Result<DevelopmentRoot> create(const Clock& clock, crypto::Random& random);

  [[nodiscard]] const crypto::PrivateKey& key() const { return key_; }
  [[nodiscard]] const crypto::Certificate& certificate() const { return certificate_; }
  // fingerprint: SHA-256 of the certificate's DER, in hex. The evidence class is "development:" and this.
  [[nodiscard]] std::string fingerprint() const;

 private:
  DevelopmentRoot(crypto::PrivateKey key, crypto::Certificate certificate)
      : key_(std::move(key)), certificate_(std::move(certificate)) {}
  static Result<DevelopmentRoot> from_pem(const Secret& pem);
  [[nodiscard]] Secret to_pem() const;
  crypto::PrivateKey key_;
  crypto::Certificate certificate_;
};

}  // namespace cages::nsm
