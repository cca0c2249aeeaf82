// SPDX-License-Identifier: Apache-2.0
// libcage, the C++ interface: attested connections to cages, blocking. Nothing of a request leaves this process before the
// server has proven which code answers, that this very TLS session ends there, and whose it is. There is no fall-back.
// Thread-safety: one thread at a time for each Connection. For the C interface see cage/cage.h.
#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace cage {

// Why something was refused. `code` is one of the classes of docs/guide/errors.md, e.g. "PCR_MISMATCH"; `text` one line for
// people: the check, what was expected, what came, what to do next. `kind` is the exit code that `cage` would end with:
// 10 refused, 20 input that cannot be read, 30 policy, 40 unreachable.
struct Failure {
  std::string code;
  std::string text;
  int kind = 1;
};
template <class T>
using Outcome = std::expected<T, Failure>;

// What ties the evidence to the connection: this session, signed by the attested key; the same by a document made for it; or
// the TLS key alone (weaker: whoever gets hold of that key can use it elsewhere).
enum class Binding { session, fresh, key };

struct Options {
  // Which code is accepted: texts of measurements.json as `cage build` writes them (any of them), or a whole policy in JSON as
  // `cage verify` takes it, or both (the sets are joined). With neither, connecting fails: POLICY_EMPTY.
  std::vector<std::string> measurements;
  std::string policy;
  // A release statement (text of release.json) and the public key (PEM) of whoever may release, got elsewhere than the file.
  std::string release;
  std::string release_key;
  // Roots of attestation documents, PEM. Empty: AWS Nitro's. A development root proves no hardware.
  std::vector<std::string> roots;
  // Authorities of the server's certificate, PEM. Empty: what this machine trusts.
  std::string authorities;
  // Do not look whose cage it is, only which code it runs.
  bool any_identity = false;
  Binding binding = Binding::session;
  // An address literal to connect to instead of resolving the host's name.
  std::string dial;
  std::chrono::milliseconds timeout{30'000};
};

struct Response {
  int status = 0;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
};

class Connection {
 public:
  // open connects to a cage and attests it.
  static Outcome<Connection> open(std::string_view host, std::uint16_t port, const Options& options);
  ~Connection();
  Connection(Connection&& other) noexcept;
  Connection& operator=(Connection&& other) noexcept;

  // request sends one HTTP/1.1 request and returns the whole answer, whose body is at most `body_max` bytes long (LIMIT above).
  // After a failure the connection is closed; so it is after an answer that ends it: CLOSED from then on. open() again.
  Outcome<Response> request(std::string_view method, std::string_view target,
                            const std::vector<std::pair<std::string, std::string>>& headers, std::string_view body,
                            std::size_t body_max = 64 * 1024 * 1024);
  // evidence: what was proven, one JSON object (as `document` of `cage verify`).
  [[nodiscard]] const std::string& evidence() const;

 private:
  struct State;
  explicit Connection(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// verify judges an attestation document without any connection: `request` and answer are the JSON of `cage verify`
// (docs/protocol.md). Returns the exit code that the program would end with; never fails otherwise.
int verify(std::string_view request, std::string& answer);

}  // namespace cage
