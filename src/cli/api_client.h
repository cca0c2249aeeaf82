// SPDX-License-Identifier: Apache-2.0
// ApiClient: one call of caged's REST API. Where it is and who may ask comes from CAGE_URL, CAGE_API_KEY and a CA file, or from
// the state folder of `caged --development`. For the verbs that speak to the platform.
#pragma once

#include <filesystem>
#include <string>

#include "base/json.h"
#include "base/secret.h"

namespace cages::cli {

struct ApiEndpoint {
  std::string host;
  std::uint16_t port = 8443;
  std::string name;     // in the server's certificate
  std::string ca_pem;   // empty: the authorities that this machine trusts
  Secret key;           // id.secret; empty: only what anybody may ask
};

// find_endpoint: `url` and `ca_file` as given on the command line, both may be empty; then the environment; then the platform of
// this folder's `cage dev`; then that of `caged --development`. USAGE where there is none of them.
Result<ApiEndpoint> find_endpoint(const std::string& url, const std::string& ca_file);

// development_endpoint: of the `caged --development` whose state lies in `state`/caged. USAGE where there is none.
Result<ApiEndpoint> development_endpoint(const std::filesystem::path& state);

// dev_state_folder: of the platform that `cage dev` keeps for a project: dev/<12 hex of its path> in the user's state
// (interfaces: DIRS).
Result<std::filesystem::path> dev_state_folder(const std::filesystem::path& project);

// upload sends a file as the body of a POST, in pieces, and returns the answer's JSON.
Result<Json> upload(const ApiEndpoint& endpoint, std::string_view path, const std::filesystem::path& file);

// parse_endpoint reads https://host[:port]; USAGE else.
Result<ApiEndpoint> parse_endpoint(std::string_view url);

// call sends one request and returns the answer's JSON; an error that caged reported comes back as itself.
Result<Json> call(const ApiEndpoint& endpoint, std::string_view method, std::string_view path, ByteView body);

// path_word: a segment of a path or a query's value: [A-Za-z0-9_.:-]+; USAGE else.
Result<std::string> path_word(std::string_view text, std::string_view what);

}  // namespace cages::cli
