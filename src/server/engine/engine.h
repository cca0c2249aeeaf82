// SPDX-License-Identifier: Apache-2.0
// Engine: keeps apps' key pairs, and opens encrypted values for whom the app's policy allows (design §7). Values pass
// through it in memory and reach no log, no error and no audit line. One thread. Beside caged it is operator-trusted:
// whoever runs it can open what was sealed for it. For server/api.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "crypto/ev.h"
#include "policy/decrypt_policy.h"
#include "server/engine/wrapper.h"
#include "server/store/store.h"

namespace cages::server {

// What clients seal to: the newest key of each curve.
struct PublicKeys {
  crypto::EvPoint p256{};
  crypto::EvPoint secp256k1{};
};

struct OpenedValue {
  wire::EvType type = wire::EvType::string;
  Secret value;
};
// One for each value asked for, in order.
using OpenedValues = std::vector<Result<OpenedValue>>;

class Engine {
 public:
  // lifetime: everything outlives it.
  Engine(Store& store, KeyWrapper& wrapper, const Clock& clock) : store_(store), wrapper_(wrapper), clock_(clock) {}

  // public_keys makes the app's first pairs where it has none. `app` is an id that exists.
  Result<PublicKeys> public_keys(const std::string& app);
  // rotate makes a new pair on each curve: they seal from now on; the old ones go on opening.
  Result<PublicKeys> rotate(const std::string& app);
  Result<std::vector<EngineKey>> list_keys(const std::string& app) { return store_.engine_keys(app); }

  // Roles and the policy. new_role: USAGE where the name is not [a-z0-9-]{1,20}.
  Result<void> new_role(const std::string& app, std::string_view name);
  Result<std::vector<std::string>> roles(const std::string& app) { return store_.roles(app); }
  Result<policy::DecryptPolicy> policy_of(const std::string& app);
  Result<policy::DecryptPolicy> set_policy(const std::string& app, const Json& json);

  // untrusted: open opens each value that `caller` may have opened; the whole fails with LIMIT above kEngineItemsMax.
  // One value's refusal (EV_FORMAT, EV_VERSION, EV_KEY, SEALED, ENGINE_POLICY) is its own. `actor` is who asks, for the
  // audit log, which says how many values of which role were opened or refused, never which.
  Result<OpenedValues> open(const std::string& app, const policy::DecryptCaller& caller, std::string_view actor,
                            const std::vector<std::string_view>& values);

 private:
  struct AppKey {
    std::int64_t version;
    crypto::EvPrivateKey key;
  };
  struct Tally;
  // An ephemeral key and one of ours agree on one key for everything sealed with them; clients keep an ephemeral key
  // for a while.
  using ContentKeys = std::map<std::pair<crypto::EvPoint, crypto::EvPoint>, Secret>;

  Result<const std::vector<AppKey>*> private_keys(const std::string& app);
  Result<void> make_pair(const std::string& app, wire::EvCurve curve);
  Result<const Secret*> content_key(const crypto::EvPrivateKey& key, const wire::EvString& value);
  Result<crypto::EvOpened> open_with_any(const std::vector<AppKey>& keys, const wire::EvString& value);
  Result<OpenedValue> open_one(const std::vector<AppKey>& keys, const policy::DecryptPolicy& policy,
                               const policy::DecryptCaller& caller, std::string_view text, Tally& tally);

  Store& store_;
  KeyWrapper& wrapper_;
  const Clock& clock_;
  std::map<std::string, std::vector<AppKey>, std::less<>> keys_;  // unwrapped, newest first
  std::array<ContentKeys, 2> content_keys_;                       // by derivation
};

// curve_name: "p256" or "secp256k1", as the store has it.
std::string_view curve_name(wire::EvCurve curve);

}  // namespace cages::server
