// SPDX-License-Identifier: Apache-2.0
// A client's settings in JSON, for interfaces that other languages use.
#pragma once

#include "base/json.h"
#include "client/connect.h"

namespace cages::client {

struct JsonSettings {
  Settings settings;
  std::string dial;
};

// parse_settings reads the object that include/cage/cage.h describes. CLIENT_SETTINGS on an unknown member or a wrong type;
// else what reading measurements, policy or PEM refuses.
Result<JsonSettings> parse_settings(const Json& json);

}  // namespace cages::client
