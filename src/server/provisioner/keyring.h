// SPDX-License-Identifier: Apache-2.0
// Keyring: the platform's online keys, one for each purpose, none of which certifies another (design §4.6): host tokens, engine
// tokens, the hosts' root, one cages' root for each evidence class, and the provisioner's TLS key, which the platform root
// certified. Kept sealed in the store. For caged.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "crypto/authority.h"
#include "crypto/random.h"
#include "server/store/store.h"

namespace cages::server {

// A TLS server's key and its chain, [server, root].
struct ServerIdentity {
  crypto::PrivateKey key;
  std::vector<Bytes> chain;
  WallTime until;
};

class Keyring {
 public:
  // open reads the keys, making those that are missing. lifetime: store and random outlive it.
  static Result<Keyring> open(Store& store, crypto::Random& random);

  [[nodiscard]] const crypto::PrivateKey& token_key() const { return token_key_; }
  [[nodiscard]] const crypto::PrivateKey& engine_token_key() const { return engine_token_key_; }
  [[nodiscard]] const crypto::Authority& hosts_root() const { return hosts_root_; }
  // cages_root: the root that certifies cages of this evidence class; made at its first use.
  Result<const crypto::Authority*> cages_root(std::string_view evidence_class);

  // host_link_identity: a fresh certificate for kHostLinkName under the hosts' root.
  Result<ServerIdentity> host_link_identity();
  // api_identity: the same for the API, under a root of its own; `names` beside the first go unmentioned by clients that pin it.
  Result<ServerIdentity> api_identity(std::string_view name);
  [[nodiscard]] Result<crypto::Certificate> api_root();

  // development_provisioner: the provisioner's identity under a platform root that this caged made and keeps itself. A fleet's
  // root is offline: see provisioner_csr.
  Result<ServerIdentity> development_provisioner();
  // provisioner_csr: the request that the offline platform root answers. provisioner takes that answer, PEM [server, root]:
  // PLATFORM_CHAIN where it is not for our key.
  Result<Bytes> provisioner_csr();
  Result<ServerIdentity> provisioner(std::string_view chain_pem);

 private:
  Keyring(Store& store, crypto::Random& random, crypto::PrivateKey token_key, crypto::PrivateKey engine_token_key,
          crypto::Authority hosts_root)
      : store_(&store), random_(&random), token_key_(std::move(token_key)), engine_token_key_(std::move(engine_token_key)),
        hosts_root_(std::move(hosts_root)) {}
  Result<ServerIdentity> serve_under(const crypto::Authority& root, std::string_view name, crypto::PrivateKey key);
  Store* store_;
  crypto::Random* random_;
  crypto::PrivateKey token_key_;
  crypto::PrivateKey engine_token_key_;
  crypto::Authority hosts_root_;
  std::map<std::string, crypto::Authority, std::less<>> cages_roots_;
};

}  // namespace cages::server
