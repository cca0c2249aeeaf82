// SPDX-License-Identifier: Apache-2.0
#include "runtime/boot/keys.h"

#include <algorithm>

#include "crypto/hash.h"

namespace cages::runtime {

Result<Keys> Keys::make() {
  TRY_ASSIGN(crypto::PrivateKey tls, crypto::PrivateKey::generate(crypto::Curve::p256));
  TRY_ASSIGN(crypto::PrivateKey ca, crypto::PrivateKey::generate(crypto::Curve::p256));
  TRY_ASSIGN(crypto::PrivateKey session, crypto::PrivateKey::generate(crypto::Curve::p256));
  TRY_ASSIGN(crypto::HpkePrivateKey sealing, crypto::HpkePrivateKey::generate());
  return Keys{std::move(tls), std::move(ca), std::move(session), std::move(sealing)};
}

wire::RuntimeKeySet Keys::public_set() const {
  wire::RuntimeKeySet set;
  set.session_spki = session.public_key().spki();
  std::ranges::copy(sealing.public_key(), set.sealing_key.begin());
  set.ca_digest = crypto::sha384(ca.public_key().spki());
  return set;
}

}  // namespace cages::runtime
