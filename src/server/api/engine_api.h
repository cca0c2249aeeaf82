// SPDX-License-Identifier: Apache-2.0
// EngineApi: keys, data roles, decryption policies and decryption over the REST API (docs/protocol.md, API). JSON in,
// JSON out. For Rest.
#pragma once

#include <string>
#include <string_view>

#include "base/json.h"
#include "server/engine/engine.h"

namespace cages::server {

class EngineApi {
 public:
  EngineApi(Engine& engine, const Clock& clock) : engine_(engine), clock_(clock) {}

  Result<Json> keys(const App& app);
  Result<Json> rotate(const App& app);
  // client_keys: what encrypting clients of the published scheme fetch (`GET /keys`): public halves alone.
  Result<Json> client_keys(const App& app);
  Result<Json> roles(const App& app);
  Result<Json> new_role(const App& app, const Json& body);
  Result<Json> policy(const App& app);
  Result<Json> set_policy(const App& app, const Json& body);
  // test_policy: {"role", "caller", "pcr0", "at"}: the verdict, and by which rule.
  Result<Json> test_policy(const App& app, const Json& body);
  // decrypt: {"data": any JSON}: the same with every encrypted string opened. One that may not be, or cannot be, fails
  // the whole and is named by its path.
  Result<Json> decrypt(const App& app, std::string_view actor, Json body);

 private:
  Engine& engine_;
  const Clock& clock_;
};

}  // namespace cages::server
