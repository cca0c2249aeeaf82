// SPDX-License-Identifier: Apache-2.0
// TrustRoot: a certificate that a verifier believes, and what documents under it are called. Roots are arguments everywhere;
// nothing here keeps a list of them.
#pragma once

#include <string>

#include "base/bytes.h"
#include "base/result.h"

namespace cages::attest {

class TrustRoot {
 public:
  // development takes a root made by a software NSM (DER). Documents under it prove nothing about hardware, and their evidence
  // class says so: "development:<SHA-256 of the DER>". PEM where it is no certificate.
  static Result<TrustRoot> development(ByteView der);

  [[nodiscard]] const Bytes& der() const { return der_; }
  // "nitro" or "development:<hex>".
  [[nodiscard]] const std::string& evidence_class() const { return class_; }
  [[nodiscard]] bool is_production() const { return class_ == kNitro; }

  static constexpr std::string_view kNitro = "nitro";

 private:
  TrustRoot(Bytes der, std::string evidence_class) : der_(std::move(der)), class_(std::move(evidence_class)) {}
  friend const TrustRoot& production_root();
  Bytes der_;
  std::string class_;
};

// production_root is the root of AWS Nitro Enclaves. It is defined in production_root.cpp (library cages_production_root) and
// nowhere else in what ships; tests of the production path link a root of theirs in its place.
const TrustRoot& production_root();

}  // namespace cages::attest
