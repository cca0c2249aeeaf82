// SPDX-License-Identifier: Apache-2.0
// Authority: the certificates between the development root and the key that signs documents, in the shape of a Nitro
// enclave's (nitro.md §3.2): root, regional, zonal, instance, leaf, all P-384. It keeps the leaf fresh. Keys live in memory
// alone. For the software NSM.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "crypto/certificate.h"
#include "crypto/key.h"
#include "crypto/random.h"
#include "nsm/root.h"

namespace cages::nsm {

// i-<17 hex>-enc<16 hex>, lower case.
class ModuleId {
 public:
  // parse: USAGE where it has another form.
  static Result<ModuleId> parse(std::string_view text);
  [[nodiscard]] const std::string& text() const { return text_; }
  [[nodiscard]] const std::string& instance() const { return instance_; }  // "i-…"
  [[nodiscard]] const std::array<Byte, 8>& slot() const { return slot_; }  // what follows "-enc"

 private:
  ModuleId(std::string_view text, std::string_view instance, std::array<Byte, 8> slot)
      : text_(text), instance_(instance), slot_(slot) {}
  std::string text_;
  std::string instance_;
  std::array<Byte, 8> slot_;
};

// The leaf: valid 3 seconds before its issue and 3 hours after, renewed 15 minutes before its end.
inline constexpr std::chrono::seconds kLeafBackdate{3};
inline constexpr std::chrono::hours kLeafLife{3};
inline constexpr std::chrono::minutes kLeafRenewal{15};

// Who signs a document now. lifetime: until the next call of Authority::signer().
struct Signer {
  const crypto::PrivateKey& key;
  ByteView certificate;            // the leaf's DER
  std::vector<ByteView> cabundle;  // root, regional, zonal, instance
};

class Authority {
 public:
  // lifetime: `clock` and `random` outlive it.
  Authority(DevelopmentRoot root, ModuleId module, const Clock& clock, crypto::Random& random)
      : root_(std::move(root)), module_(std::move(module)), clock_(clock), random_(random) {}

  // signer returns the leaf, renewing it and what is above it where they would not last. MACHINE where the root itself is
  // not valid at this time.
  Result<Signer> signer();
  [[nodiscard]] const ModuleId& module() const { return module_; }

 private:
  struct Level {
    crypto::PrivateKey key;
    crypto::Certificate certificate;
  };
  struct Profile;

  [[nodiscard]] WallTime now() const;
  // covers: what is issued now for `life` ends before `certificate` does.
  [[nodiscard]] bool covers(const crypto::Certificate& certificate, std::chrono::seconds life) const;
  Result<void> renew();
  Result<Level> issue(const Profile& profile, const crypto::PrivateKey& issuer_key, const crypto::Certificate& issuer);
  Bytes random_serial(std::size_t bytes);
  Bytes leaf_serial();
  std::string random_label();

  DevelopmentRoot root_;
  ModuleId module_;
  const Clock& clock_;
  crypto::Random& random_;
  std::optional<Level> regional_;
  std::optional<Level> zonal_;
  std::optional<Level> instance_;
  std::optional<Level> leaf_;
};

}  // namespace cages::nsm
