// SPDX-License-Identifier: Apache-2.0
#include "cli/api_client.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdlib>

#include "base/file.h"
#include "base/limits.h"
#include "base/paths.h"
#include "base/text.h"
#include "crypto/hash.h"
#include "http/client.h"
#include "net/event_loop.h"
#include "net/resolve.h"
#include "tls/client.h"

namespace cages::cli {
namespace {

constexpr std::size_t kAnswerBytesMax = 4 * 1024 * 1024;

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

// A file read as it is sent, so that an image never lies in memory whole.
class FileBody final : public http::Body {
 public:
  FileBody(Fd file, std::uint64_t bytes) : file_(std::move(file)), bytes_(bytes) {}
  Task<Result<std::size_t>> read_some(std::span<Byte> into) override {
    const ssize_t n = ::read(file_.get(), into.data(), into.size());
    if (n < 0) co_return fail(errno_error("upload", errno));
    co_return static_cast<std::size_t>(n);
  }
  [[nodiscard]] std::optional<std::uint64_t> length() const override { return bytes_; }
  [[nodiscard]] const http::Headers& trailers() const override { return trailers_; }
  [[nodiscard]] bool ready() const override { return true; }

 private:
  Fd file_;
  std::uint64_t bytes_;
  http::Headers trailers_;
};

// code_named: caged's errors are ours, so that exit codes mean the same; one that this version does not know is INTERNAL.
Code code_named(std::string_view name) {
  constexpr std::pair<std::string_view, Code> kCodes[] = {
#define CAGES_ERROR(code, audience, kind, sentence, next) {#code, Code::code},
#include "base/errors.def"
#undef CAGES_ERROR
  };
  const auto found = std::ranges::find(kCodes, name.substr(0, name.find(' ')), &std::pair<std::string_view, Code>::first);
  return found == std::end(kCodes) ? Code::INTERNAL : found->second;
}

Task<Result<Json>> exchange(net::EventLoop& loop, const ApiEndpoint& endpoint, std::string method, std::string path,
                            http::Body& body) {
  tls::ClientSettings settings;
  settings.roots.system = endpoint.ca_pem.empty();
  settings.roots.pem = endpoint.ca_pem;
  settings.alpn = {"http/1.1"};
  CO_TRY_ASSIGN(const std::unique_ptr<tls::Client> tls, tls::Client::make(std::move(settings), loop.clock()));
  CO_TRY_ASSIGN(net::StreamPtr tcp, co_await net::dial_host(loop, endpoint.host, endpoint.port, limits::kClientConnectTime));
  CO_TRY_ASSIGN(tls::TlsStreamPtr stream, co_await tls->connect(loop.timers(), std::move(tcp), endpoint.name));
  http::Client client(loop.timers(), std::move(stream));
  http::RequestHead head;
  head.method = std::move(method);
  head.target = std::move(path);
  head.authority = endpoint.name + ":" + std::to_string(endpoint.port);
  if (!endpoint.key.empty()) head.headers.add("Authorization", "Bearer " + std::string(as_text(endpoint.key.reveal())));
  CO_TRY_ASSIGN(const http::WholeResponse answer, co_await client.request(std::move(head), body, kAnswerBytesMax));
  CO_TRY_ASSIGN(Json json, parse_json(as_text(answer.body), kAnswerBytesMax));
  if (answer.head.status == 200) co_return json;
  const Json* error = json.find("error");
  if (error == nullptr) co_return fail(Code::UNREACHABLE, "caged", "status 200", std::to_string(answer.head.status));
  co_return fail(code_named(error->text_or("code", "")), error->text_or("check", ""), error->text_or("expected", ""),
                 error->text_or("got", ""));
}

}  // namespace

Result<ApiEndpoint> parse_endpoint(std::string_view url) {
  constexpr std::string_view kScheme = "https://";
  if (!url.starts_with(kScheme)) return fail(Code::USAGE, "url", "https://host[:port]", printable(url));
  std::string_view rest = url.substr(kScheme.size());
  if (rest.ends_with('/')) rest.remove_suffix(1);
  ApiEndpoint endpoint;
  const std::size_t colon = rest.rfind(':');
  if (colon != std::string_view::npos) {
    const std::string_view port = rest.substr(colon + 1);
    const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), endpoint.port);
    if (error != std::errc() || end != port.data() + port.size()) return fail(Code::USAGE, "url", "a port", printable(port));
    rest = rest.substr(0, colon);
  }
  if (rest.empty() || rest.find_first_of("/?#@ ") != std::string_view::npos) {
    return fail(Code::USAGE, "url", "https://host[:port]", printable(url));
  }
  endpoint.host = rest;
  endpoint.name = rest;
  return endpoint;
}

Result<ApiEndpoint> find_endpoint(const std::string& url, const std::string& ca_file) {
  const std::string chosen = url.empty() ? environment("CAGE_URL") : url;
  if (chosen.empty()) {
    // That of the `cage dev` of this folder, while it runs; else the developer's own.
    TRY_ASSIGN(const std::filesystem::path here, dev_state_folder("."));
    std::error_code ignored;
    if (std::filesystem::exists(here / "state" / "caged" / "ports.json", ignored)) return development_endpoint(here / "state");
    TRY_ASSIGN(const std::filesystem::path state, user_folder(UserFolder::state));
    return development_endpoint(state);
  }
  TRY_ASSIGN(ApiEndpoint endpoint, parse_endpoint(chosen));
  if (!ca_file.empty()) {
    TRY_ASSIGN(const Bytes ca, read_file(ca_file, limits::kX509BytesMax));
    endpoint.ca_pem = as_text(ca);
  }
  const std::string key = environment("CAGE_API_KEY");
  if (key.empty()) return fail(Code::USAGE, "CAGE_API_KEY", "an API key, id.secret", "none");
  endpoint.key = Secret::copy_of(as_bytes(key));
  return endpoint;
}

Result<Json> call(const ApiEndpoint& endpoint, std::string_view method, std::string_view path, ByteView body) {
  http::BytesBody whole(to_bytes(body));
  net::EventLoop loop;
  auto outcome = loop.run(exchange(loop, endpoint, std::string(method), std::string(path), whole));
  if (!outcome) return fail(Code::INTERNAL, "API call");
  return std::move(*outcome);
}

Result<Json> upload(const ApiEndpoint& endpoint, std::string_view path, const std::filesystem::path& file) {
  Fd open_file(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat status {};
  if (!open_file || ::fstat(open_file.get(), &status) != 0) return fail(errno_error(file.string(), errno));
  FileBody body(std::move(open_file), static_cast<std::uint64_t>(status.st_size));
  net::EventLoop loop;
  auto outcome = loop.run(exchange(loop, endpoint, "POST", std::string(path), body));
  if (!outcome) return fail(Code::INTERNAL, "API call");
  return std::move(*outcome);
}

Result<ApiEndpoint> development_endpoint(const std::filesystem::path& state) {
  const std::filesystem::path folder = state / "caged";
  const auto ports = read_file(folder / "ports.json", limits::kJsonBytesMax);
  if (!ports) return fail(Code::USAGE, "CAGE_URL", "where caged is: --url or CAGE_URL", "none, and no caged --development");
  TRY_ASSIGN(const Json json, parse_json(as_text(*ports)));
  ApiEndpoint endpoint;
  endpoint.host = json.text_or("address", "127.0.0.1");
  endpoint.port = static_cast<std::uint16_t>(json.int_or("api", 0));
  endpoint.name = "localhost";
  TRY_ASSIGN(const Bytes ca, read_file(folder / "api-ca.pem", limits::kX509BytesMax));
  endpoint.ca_pem = as_text(ca);
  TRY_ASSIGN(endpoint.key, read_secret_file(folder / "api-key", 256));
  return endpoint;
}

Result<std::filesystem::path> dev_state_folder(const std::filesystem::path& project) {
  std::error_code failed;
  const std::filesystem::path canonical = std::filesystem::canonical(project, failed);
  if (failed) return fail(errno_error(project.string(), failed.value()));
  TRY_ASSIGN(const std::filesystem::path state, user_folder(UserFolder::state));
  return state / "dev" / hex(crypto::sha256(as_bytes(canonical.string()))).substr(0, 12);
}

Result<std::string> path_word(std::string_view text, std::string_view what) {
  const bool plain = !text.empty() && std::ranges::all_of(text, [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || std::string_view("_.:-").contains(c);
  });
  if (!plain) return fail(Code::USAGE, std::string(what), "letters, digits and _ . : -", printable(text));
  return std::string(text);
}

}  // namespace cages::cli
