// SPDX-License-Identifier: Apache-2.0
// `cage curl URL`: one request to a cage, after its evidence was found good. The answer's body goes to standard output; a
// refusal exits 10 with its reason, and nothing of the request has left this machine then.
#include <fstream>

#include "base/file.h"
#include "base/text.h"
#include "cli/attested.h"
#include "crypto/random.h"

namespace cages::cli {
namespace {

constexpr std::size_t kRequestBodyBytesMax = 256 * 1024 * 1024;
constexpr std::size_t kPieceBytes = 64 * 1024;

class Curl final : public Verb {
 public:
  [[nodiscard]] std::string_view name() const override { return "curl"; }
  [[nodiscard]] std::string_view summary() const override { return "one HTTP request over an attested connection"; }
  void declare(Options& options) override {
    attested_.declare(options);
    options.option("-X,--request", method_, "method (GET; POST where there is data)")
        .option("-H,--header", headers_, "\"Name: value\"")
        .option("-d,--data", data_, "body, or @FILE")
        .option("-o,--output", output_, "write the answer's body to this file")
        .flag("-i,--include", include_, "print the answer's head before its body")
        .flag("-f,--fail", fail_, "exit 10 where the status is 400 or more")
        .flag("-v,--verbose", verbose_, "say what was attested");
  }

  Result<int> run(Terminal& terminal) override {
    TRY_ASSIGN(AttestedOptions::Resolved resolved, attested_.resolve());
    TRY_ASSIGN(http::RequestHead head, request_head(resolved));
    TRY_ASSIGN(Bytes body, request_body());
    std::ofstream file;
    if (!output_.empty()) {
      file.open(output_, std::ios::binary | std::ios::trunc);
      if (!file) return fail(Code::IO, output_, "a file that can be written", "none");
    }
    std::ostream& out = output_.empty() ? terminal.out : file;
    net::EventLoop loop;
    const auto done = loop.run(exchange(loop, terminal, std::move(resolved), std::move(head), std::move(body), out));
    if (!done) return fail(Code::INTERRUPTED);
    return *done;
  }

 private:
  [[nodiscard]] Result<http::RequestHead> request_head(const AttestedOptions::Resolved& resolved) const {
    http::RequestHead head;
    head.method = !method_.empty() ? method_ : data_.empty() ? "GET" : "POST";
    head.target = resolved.url.target;
    head.authority = resolved.target.authority();
    for (const std::string& header : headers_) {
      const std::size_t colon = header.find(':');
      const std::string_view name = std::string_view(header).substr(0, colon);
      const std::string_view value = colon == std::string::npos ? "" : trim(std::string_view(header).substr(colon + 1));
      if (colon == std::string::npos || !http::is_token(name) || !http::is_field_value(value)) {
        return fail(Code::USAGE, "--header", "\"Name: value\"", printable(header));
      }
      if (ascii_iequal(name, "host")) {
        head.authority = value;
      } else {
        head.headers.add(std::string(name), std::string(value));
      }
    }
    if (!data_.empty() && head.headers.find("Content-Type") == nullptr) {
      head.headers.add("Content-Type", "application/x-www-form-urlencoded");
    }
    if (head.headers.find("Accept") == nullptr) head.headers.add("Accept", "*/*");
    return head;
  }

  [[nodiscard]] Result<Bytes> request_body() const {
    if (!data_.starts_with('@')) return to_bytes(data_);
    return read_file(data_.substr(1), kRequestBodyBytesMax);
  }

  Task<Result<int>> exchange(net::EventLoop& loop, Terminal& terminal, AttestedOptions::Resolved resolved,
                             http::RequestHead head, Bytes body, std::ostream& out) const {
    crypto::SystemRandom random;
    CO_TRY_ASSIGN(const client::ConnectionPtr connection,
                  co_await client::connect(loop, random, resolved.target, std::move(resolved.settings)));
    if (verbose_ || resolved.development) {
      const attest::Verified& verified = connection->evidence().verified();
      terminal.err << "cage: attested: " << verified.evidence_class() << " " << verified.claims().module_id << "\n";
    }
    http::Client& http = connection->http();
    http::BytesBody content(std::move(body));
    const Result<void> sent = co_await http.send(head, content);
    Result<http::ResponseHead> answer = fail(Code::CLOSED);
    do {
      answer = co_await http.read_head(head.method);
      // Why sending failed says more than that no answer came.
      if (!answer && !sent) co_return fail(sent.error());
      if (!answer) co_return fail(std::move(answer).error());
    } while (answer->status < 200);
    if (include_) {
      out << "HTTP/1.1 " << answer->status << "\r\n";
      for (const http::Header& header : answer->headers) out << header.name << ": " << header.value << "\r\n";
      out << "\r\n";
    }
    CO_TRY(co_await copy(http.body(), out));
    co_return fail_ && answer->status >= 400 ? static_cast<int>(Kind::reject) : 0;
  }

  static Task<Result<void>> copy(http::Body& body, std::ostream& out) {
    Bytes piece(kPieceBytes);
    for (;;) {
      CO_TRY_ASSIGN(const std::size_t n, co_await body.read_some(piece));
      if (n == 0) break;
      const std::string_view text = as_text(ByteView(piece).first(n));
      out.write(text.data(), static_cast<std::streamsize>(text.size()));
    }
    out.flush();
    if (!out) co_return fail(Code::IO, "output", "all of it written", "less");
    co_return Result<void>();
  }

  AttestedOptions attested_;
  std::string method_;
  std::vector<std::string> headers_;
  std::string data_;
  std::string output_;
  bool include_ = false;
  bool fail_ = false;
  bool verbose_ = false;
};

}  // namespace

std::unique_ptr<Verb> make_curl() { return std::make_unique<Curl>(); }

}  // namespace cages::cli
