// SPDX-License-Identifier: Apache-2.0
#include "server/api/rest.h"

#include <charconv>
#include <map>

#include "base/limits.h"
#include "base/secret.h"
#include "base/text.h"

namespace cages::server {
namespace {

constexpr std::size_t kBodyBytesMax = 64 * 1024;
constexpr std::size_t kUploadPieceBytes = 256 * 1024;
// Where encrypting clients of the published scheme fetch an app's public keys, and the header that names the app.
constexpr std::string_view kClientKeysPath = "/keys";
constexpr std::string_view kClientAppHeader = "x-evervault-app-id";

std::map<std::string, std::string, std::less<>> read_query(std::string_view text) {
  // Values here are words of a fixed alphabet: nothing that would need percent-decoding is taken.
  std::map<std::string, std::string, std::less<>> out;
  for (const std::string_view pair : split(text, '&')) {
    const std::size_t equals = pair.find('=');
    if (equals != std::string_view::npos) out[std::string(pair.substr(0, equals))] = pair.substr(equals + 1);
  }
  return out;
}

Result<std::int64_t> read_number(std::string_view text, std::string_view name) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < 0) {
    return fail(Code::JSON, std::string(name), "a number", printable(text));
  }
  return value;
}

Result<std::optional<Digest384>> read_pcr(const Json& json, std::string_view name) {
  const Json* member = json.find(name);
  if (member == nullptr || member->is_null()) return std::optional<Digest384>();
  if (member->as_string() == nullptr) return fail(Code::JSON, std::string(name), "96 hexadecimal digits", "another value");
  TRY_ASSIGN(const Bytes bytes, parse_hex(*member->as_string()));
  Digest384 pcr{};
  if (bytes.size() != pcr.size()) return fail(Code::HEX, std::string(name), "96 digits", std::to_string(2 * bytes.size()));
  std::ranges::copy(bytes, pcr.begin());
  return std::optional(pcr);
}

Json to_json(const App& app) {
  Json::Array signers;
  for (const Digest384& signer : app.signers) signers.emplace_back(hex(signer));
  return Json::object({{"id", app.id}, {"name", app.name}, {"floor", app.floor}, {"signers", Json(std::move(signers))}});
}

Json to_json(const Deployment& d) {
  Json::Array names;
  for (const std::string& name : d.names) names.emplace_back(name);
  Json out = Json::object({{"id", wire::write_id(d.id)}, {"app", d.app}, {"version", d.version}, {"cage", d.cage},
                           {"class", d.evidence_class}, {"state", to_text(d.state)}, {"names", Json(std::move(names))},
                           {"pcr0", hex(d.pcr0)}, {"pcr1", hex(d.pcr1)}, {"pcr2", hex(d.pcr2)}});
  out.set("pcr8", d.pcr8 ? Json(hex(*d.pcr8)) : Json());
  out.set("host", d.host ? Json(wire::write_id(*d.host)) : Json());
  out.set("image_sha256", hex(d.image_sha256));
  return out;
}

Result<Json> parse_body(ByteView body) {
  TRY_ASSIGN(Json json, parse_json(as_text(body)));
  if (!json.is_object()) return fail(Code::JSON, "", "an object", "another value");
  return json;
}

// What an error means to an HTTP client.
int http_status(const Error& error) {
  if (error.code == Code::UNAUTHORISED) return 401;
  if (error.code == Code::NOT_FOUND) return 404;
  if (error.code == Code::EXISTS) return 409;
  if (error.code == Code::LIMIT) return 413;
  if (error.kind() == Kind::malformed || error.kind() == Kind::usage) return 400;
  return error.kind() == Kind::internal || error.kind() == Kind::machine ? 500 : 422;
}

}  // namespace

struct Rest::Call {
  std::vector<std::string> words;  // what stood for each {} of the route
  std::map<std::string, std::string, std::less<>> query;
  Bytes body;
  std::string actor;

  [[nodiscard]] std::string query_or(std::string_view name, std::string_view otherwise) const {
    const auto found = query.find(name);
    return found == query.end() ? std::string(otherwise) : found->second;
  }
};

// A step of the engine's about one app, with the request's body where it takes one.
template <auto Ask>
Result<Json> Rest::ask_engine(const Call& call) {
  TRY_ASSIGN(const App app, registry_.find_app(call.words[0]));
  if constexpr (std::is_invocable_v<decltype(Ask), EngineApi&, const App&>) {
    return (engine_.*Ask)(app);
  } else {
    TRY_ASSIGN(const Json body, parse_body(call.body));
    return (engine_.*Ask)(app, body);
  }
}

struct Rest::Route {
  std::string_view method;
  std::string_view pattern;  // {} stands for one segment
  Step step;                 // null: the upload, which streams
  std::string_view action;   // for the audit log; empty: reads only
};

const std::vector<Rest::Route>& Rest::routes() {
  static const std::vector<Route> all{
      {"GET", "/v1/platform", &Rest::get_platform, ""},
      {"GET", "/v1/apps", &Rest::list_apps, ""},
      {"POST", "/v1/apps", &Rest::create_app, "app.create"},
      {"GET", "/v1/apps/{}/deployments", &Rest::list_deployments, ""},
      {"POST", "/v1/apps/{}/deployments", nullptr, "deploy"},
      {"POST", "/v1/apps/{}/versions/{}/revoke", &Rest::revoke, "revoke"},
      {"POST", "/v1/apps/{}/versions/{}/release", &Rest::release, "release"},
      {"PUT", "/v1/apps/{}/floor", &Rest::set_floor, "floor"},
      {"PUT", "/v1/apps/{}/signers", &Rest::set_signers, "signers"},
      {"GET", "/v1/apps/{}/secrets", &Rest::list_secrets, ""},
      {"PUT", "/v1/apps/{}/secrets/{}", &Rest::set_secret, "secret.set"},
      {"DELETE", "/v1/apps/{}/secrets/{}", &Rest::remove_secret, "secret.remove"},
      {"POST", "/v1/enrolments", &Rest::enrol_code, "host.enroll-code"},
      {"GET", "/v1/hosts", &Rest::list_hosts, ""},
      {"POST", "/v1/hosts/{}/revoke", &Rest::revoke_host, "host.revoke"},
      {"GET", "/v1/audit", &Rest::list_audit, ""},
      {"GET", "/v1/apps/{}/keys", &Rest::ask_engine<&EngineApi::keys>, ""},
      {"POST", "/v1/apps/{}/keys/rotate", &Rest::ask_engine<&EngineApi::rotate>, "keys.rotate"},
      {"GET", "/v1/apps/{}/roles", &Rest::ask_engine<&EngineApi::roles>, ""},
      {"POST", "/v1/apps/{}/roles", &Rest::ask_engine<&EngineApi::new_role>, "role.new"},
      {"GET", "/v1/apps/{}/policy", &Rest::ask_engine<&EngineApi::policy>, ""},
      {"PUT", "/v1/apps/{}/policy", &Rest::ask_engine<&EngineApi::set_policy>, "policy.set"},
      {"POST", "/v1/apps/{}/policy/test", &Rest::ask_engine<&EngineApi::test_policy>, ""},
      {"POST", "/v1/apps/{}/decrypt", &Rest::decrypt, ""},  // the engine writes its own line of the audit log
  };
  return all;
}

namespace {

// match: the words that stand for each {} of `pattern`, or nothing.
std::optional<std::vector<std::string>> match(std::string_view pattern, std::string_view path) {
  const auto wanted = split(pattern, '/');
  const auto got = split(path, '/');
  if (wanted.size() != got.size()) return {};
  std::vector<std::string> words;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (wanted[i] == "{}" && !got[i].empty()) {
      words.emplace_back(got[i]);
    } else if (wanted[i] != got[i]) {
      return {};
    }
  }
  return words;
}

}  // namespace

Task<Result<void>> Rest::handle(http::Request& request, http::Responder& responder) {
  auto outcome = co_await dispatch(request);
  const int status = outcome ? 200 : http_status(outcome.error());
  const Json body = outcome ? std::move(outcome).value() : error_json(outcome.error());
  http::Headers headers{{"Content-Type", "application/json"}, {"Cache-Control", "no-store"}};
  if (status == 401) headers.add("WWW-Authenticate", "Bearer");
  co_return co_await http::answer(responder, status, std::move(headers), to_bytes(write_json(body) + "\n"));
}

Task<Result<Json>> Rest::dispatch(http::Request& request) {
  const std::string* authorization = request.head.headers.find("Authorization");
  const std::string path = request.head.target.substr(0, request.head.target.find('?'));
  const std::string query = path.size() < request.head.target.size() ? request.head.target.substr(path.size() + 1) : "";
  if (path == kClientKeysPath && request.head.method == "GET") co_return client_keys(request);
  Call call;
  call.query = read_query(query);
  // The platform's public facts are what a client needs before it has a key.
  if (path != "/v1/platform") {
    CO_TRY_ASSIGN(const Caller caller, authorise(store_, authorization == nullptr ? "" : *authorization));
    call.actor = "key:" + caller.key_id();
  }
  for (const Route& route : routes()) {
    if (route.method != request.head.method) continue;
    auto words = match(route.pattern, path);
    if (!words) continue;
    call.words = std::move(*words);
    Result<Json> outcome = fail(Code::INTERNAL);
    if (route.step == nullptr) {
      outcome = co_await upload(request, call);
    } else {
      CO_TRY_ASSIGN(call.body, co_await http::read_body(request.body, kBodyBytesMax));
      outcome = (this->*route.step)(call);
      wipe(call.body);  // secret: it may have been one's value
    }
    if (!route.action.empty()) {
      const std::string subject = call.words.empty() ? "" : call.words.back();
      CO_TRY(store_.audit(call.actor, route.action, printable(subject), outcome ? "ok" : error_class(outcome.error()),
                          outcome ? "" : describe(outcome.error())));
      if (outcome) changed_();
    }
    co_return outcome;
  }
  co_return fail(Code::NOT_FOUND, "path", "a path of docs/protocol.md", printable(request.head.method + " " + path));
}

Task<Result<Json>> Rest::upload(http::Request& request, const Call& call) {
  CO_TRY_ASSIGN(const App app, registry_.find_app(call.words[0]));
  CO_TRY_ASSIGN(Upload upload, blobs_.begin());
  Bytes piece(kUploadPieceBytes);
  while (true) {
    CO_TRY_ASSIGN(const std::size_t count, co_await request.body.read_some(piece));
    if (count == 0) break;
    CO_TRY(upload.write(ByteView(piece).first(count)));
  }
  DeployRequest wanted;
  wanted.app = app.id;
  wanted.evidence_class = call.query_or("class", "");
  CO_TRY_ASSIGN(wanted.memory_mib, read_number(call.query_or("memory_mib", "0"), "memory_mib"));
  CO_TRY_ASSIGN(wanted.cpus, read_number(call.query_or("cpus", "0"), "cpus"));
  // One at a time: what is refused is forgotten, and another upload may be of the same bytes.
  const auto turn = co_await measuring_.take();
  CO_TRY_ASSIGN(const Blob blob, co_await worker_.run([&] { return upload.finish(); }));
  const auto image = co_await worker_.run([&] { return measure_image(blob.path); });
  Result<Deployment> deployment = fail(Code::INTERNAL);
  if (image) {
    deployment = registry_.deploy(wanted, blob, *image);
  } else {
    deployment = fail(image.error());
  }
  if (deployment) co_return to_json(*deployment);
  CO_TRY(registry_.forget(blob));  // what nobody can run need not fill the disk
  co_return fail(std::move(deployment).error());
}

Result<Json> Rest::get_platform(const Call&) {
  Json::Array roots;
  for (const crypto::KeyHash& root : platform_.roots) roots.emplace_back(hex(root));
  Json out = Json::object({{"roots", Json(std::move(roots))},
                           {"domain", registry_.settings().domain},
                           {"development", registry_.settings().development},
                           {"class", registry_.settings().default_class}});
  Json cas = Json::object();
  for (const std::string& name : registry_.settings().classes) {
    if (!registry_.takes_class(name)) continue;
    TRY_ASSIGN(const crypto::Authority* root, keyring_.cages_root(name));
    cas.set(name, root->certificate.pem());
  }
  out.set("cage_authorities", std::move(cas));
  return out;
}

Result<Json> Rest::list_apps(const Call&) {
  TRY_ASSIGN(const std::vector<App> apps, store_.apps());
  Json::Array list;
  for (const App& app : apps) list.push_back(to_json(app));
  return Json::object({{"apps", Json(std::move(list))}});
}

Result<Json> Rest::create_app(const Call& call) {
  TRY_ASSIGN(const Json body, parse_body(call.body));
  TRY_ASSIGN(const App app, registry_.create_app(body.text_or("name", "")));
  return to_json(app);
}

Result<Json> Rest::list_deployments(const Call& call) {
  TRY_ASSIGN(const App app, registry_.find_app(call.words[0]));
  TRY_ASSIGN(const std::vector<Deployment> deployments, store_.deployments(app.id));
  Json::Array list;
  for (const Deployment& deployment : deployments) {
    Json one = to_json(deployment);
    TRY_ASSIGN(const std::int64_t until, store_.lease_until(deployment.id));
    one.set("lease_until", until);
    list.push_back(std::move(one));
  }
  return Json::object({{"deployments", Json(std::move(list))}});
}

Result<Json> Rest::revoke(const Call& call) {
  TRY_ASSIGN(const std::int64_t version, read_number(call.words[1], "version"));
  TRY_ASSIGN(const Deployment deployment, registry_.revoke(call.words[0], version));
  return to_json(deployment);
}

Result<Json> Rest::release(const Call& call) {
  TRY_ASSIGN(const std::int64_t version, read_number(call.words[1], "version"));
  TRY_ASSIGN(const Deployment deployment, registry_.release(call.words[0], version));
  return to_json(deployment);
}

Result<Json> Rest::set_floor(const Call& call) {
  TRY_ASSIGN(const App app, registry_.find_app(call.words[0]));
  TRY_ASSIGN(const Json body, parse_body(call.body));
  TRY(store_.set_floor(app.id, body.int_or("floor", 0)));
  TRY_ASSIGN(const App changed, registry_.find_app(app.id));
  return to_json(changed);
}

Result<Json> Rest::set_signers(const Call& call) {
  TRY_ASSIGN(const App app, registry_.find_app(call.words[0]));
  TRY_ASSIGN(const Json body, parse_body(call.body));
  const Json* list = body.find("signers");
  if (list == nullptr || !list->is_array()) return fail(Code::JSON, "signers", "a list of PCR8 values", "another value");
  std::vector<Digest384> signers;
  for (const Json& item : *list->as_array()) {
    TRY_ASSIGN(const std::optional<Digest384> signer, read_pcr(Json::object({{"signer", item}}), "signer"));
    if (signer) signers.push_back(*signer);
  }
  TRY(store_.set_signers(app.id, signers));
  TRY_ASSIGN(const App changed, registry_.find_app(app.id));
  return to_json(changed);
}

Result<Json> Rest::list_secrets(const Call& call) {
  TRY_ASSIGN(const App app, registry_.find_app(call.words[0]));
  TRY_ASSIGN(const std::vector<SecretEntry> entries, store_.secret_names(app.id));
  Json::Array list;
  for (const SecretEntry& entry : entries) {
    list.push_back(Json::object({{"name", entry.name}, {"class", entry.evidence_class}, {"updated", entry.updated}}));
  }
  return Json::object({{"secrets", Json(std::move(list))}});
}

Result<Json> Rest::set_secret(const Call& call) {
  TRY_ASSIGN(const App app, registry_.find_app(call.words[0]));
  const std::string evidence_class = call.query_or("class", registry_.settings().default_class);
  const Secret value = Secret::copy_of(call.body);
  TRY(registry_.set_secret(app, evidence_class, call.words[1], value));
  return Json::object({{"name", call.words[1]}, {"class", evidence_class}});
}

Result<Json> Rest::remove_secret(const Call& call) {
  TRY_ASSIGN(const App app, registry_.find_app(call.words[0]));
  const std::string evidence_class = call.query_or("class", registry_.settings().default_class);
  TRY_ASSIGN(const bool removed, store_.remove_secret(app.id, evidence_class, call.words[1]));
  if (!removed) return fail(Code::NOT_FOUND, "secret", "a secret of class " + printable(evidence_class), printable(call.words[1]));
  return Json::object({{"name", call.words[1]}, {"class", evidence_class}});
}

Result<Json> Rest::enrol_code(const Call& call) {
  TRY_ASSIGN(const Json body, parse_body(call.body));
  TRY_ASSIGN(const std::optional<Digest384> pcr3, read_pcr(body, "pcr3"));
  TRY_ASSIGN(const std::optional<Digest384> pcr4, read_pcr(body, "pcr4"));
  const crypto::PublicKey& root = keyring_.hosts_root().certificate.public_key();
  TRY_ASSIGN(const std::string code, registry_.enrol_code(body.text_or("name", ""), pcr3, pcr4, root));
  return Json::object({{"code", code}, {"valid_s", std::int64_t{limits::kEnrolCodeLife.count()}}});
}

Result<Json> Rest::list_hosts(const Call&) {
  TRY_ASSIGN(const std::vector<Host> hosts, store_.hosts());
  Json::Array list;
  for (const Host& host : hosts) {
    list.push_back(Json::object({{"id", wire::write_id(host.id)}, {"name", host.name}, {"revoked", host.revoked},
                                 {"pcr4", host.pcr4 ? Json(hex(*host.pcr4)) : Json()}}));
  }
  return Json::object({{"hosts", Json(std::move(list))}});
}

Result<Json> Rest::revoke_host(const Call& call) {
  TRY_ASSIGN(const Id id, wire::parse_id(call.words[0]));
  TRY_ASSIGN(const std::optional<Host> host, store_.host(id));
  if (!host) return fail(Code::NOT_FOUND, "host", "a host", printable(call.words[0]));
  TRY(store_.revoke_host(id));
  return Json::object({{"id", call.words[0]}, {"revoked", true}});
}

Result<Json> Rest::list_audit(const Call& call) {
  TRY_ASSIGN(const std::int64_t before, read_number(call.query_or("before", "0"), "before"));
  TRY_ASSIGN(const std::vector<AuditEntry> entries, store_.audit_log(before, 100));
  Json::Array list;
  for (const AuditEntry& e : entries) {
    list.push_back(Json::object({{"id", e.id}, {"time", e.time}, {"actor", e.actor}, {"action", e.action},
                                 {"subject", e.subject}, {"code", e.code}, {"detail", e.detail}}));
  }
  return Json::object({{"audit", Json(std::move(list))}});
}

Result<Json> Rest::client_keys(const http::Request& request) {
  const std::string* name = request.head.headers.find(kClientAppHeader);
  TRY_ASSIGN(const App app, registry_.find_app(name == nullptr ? "" : *name));
  return engine_.client_keys(app);
}

Result<Json> Rest::decrypt(const Call& call) {
  TRY_ASSIGN(const App app, registry_.find_app(call.words[0]));
  TRY_ASSIGN(Json body, parse_body(call.body));
  return engine_.decrypt(app, call.actor, std::move(body));
}

}  // namespace cages::server
