// SPDX-License-Identifier: Apache-2.0
#include "wire/client_hello.h"

#include <algorithm>

#include "base/text.h"

namespace cages::wire {
namespace {

constexpr std::size_t kRecordHeadBytes = 5;
constexpr std::size_t kMessageHeadBytes = 4;
constexpr Byte kHandshake = 22;
constexpr Byte kClientHello = 1;
constexpr std::size_t kServerName = 0;  // extension (RFC 6066 §3)

auto refuse(std::string what) { return fail(Code::CLIENT_HELLO, std::move(what)); }

// Reads length-prefixed fields; any that does not fit makes all that follow fail.
class Reader {
 public:
  explicit Reader(ByteView bytes) : rest_(bytes) {}
  std::size_t number(std::size_t width) {
    const ByteView bytes = take(width);
    std::size_t value = 0;
    for (const Byte b : bytes) value = value << 8 | b;
    return value;
  }
  ByteView take(std::size_t count) {
    if (count > rest_.size()) good_ = false;
    if (!good_) return {};
    const ByteView out = rest_.first(count);
    rest_ = rest_.subspan(count);
    return out;
  }
  ByteView vector(std::size_t width) { return take(number(width)); }
  [[nodiscard]] bool good() const { return good_; }
  [[nodiscard]] bool at_end() const { return rest_.empty(); }

 private:
  ByteView rest_;
  bool good_ = true;
};

// Joins the handshake bytes of the records; stops at the first record that is not whole, taking what is there of it.
Result<Bytes> join_records(ByteView arrived) {
  Bytes message;
  while (!arrived.empty()) {
    if (arrived[0] != kHandshake) return refuse("no TLS handshake record");
    if (arrived.size() >= 2 && arrived[1] != 3) return refuse("record version");
    if (arrived.size() < kRecordHeadBytes) break;
    const std::size_t length = std::size_t{arrived[3]} << 8 | arrived[4];
    // RFC 8446 §5.1: no empty handshake records.
    if (length == 0 || length > limits::kTlsRecordBytesMax) return refuse("record length");
    const std::size_t here = std::min(length, arrived.size() - kRecordHeadBytes);
    append(message, arrived.subspan(kRecordHeadBytes, here));
    arrived = arrived.subspan(kRecordHeadBytes + here);
  }
  return message;
}

Result<std::string> read_name(ByteView extension) {
  Reader reader(extension);
  Reader list(reader.vector(2));
  const std::size_t type = list.number(1);
  const ByteView name = list.vector(2);
  // One name of one type (RFC 6066 §3: no more than one of a type, and there is only one type).
  if (!reader.good() || !reader.at_end() || !list.good() || !list.at_end() || type != 0) return refuse("server_name");
  std::string text = ascii_lower(as_text(name));
  if (!is_dns_name(text)) return fail(Code::CLIENT_HELLO, "server_name", "a DNS name", printable(text));
  return text;
}

Result<std::string> read_hello(ByteView body) {
  Reader reader(body);
  reader.take(2 + 32);  // legacy_version, random
  const ByteView session = reader.vector(1);
  const ByteView suites = reader.vector(2);
  const ByteView compression = reader.vector(1);
  const ByteView extensions = reader.vector(2);
  if (!reader.good() || !reader.at_end() || session.size() > 32 || suites.empty() || suites.size() % 2 != 0 ||
      compression.empty()) {
    return refuse("message");
  }
  std::optional<std::string> name;
  for (Reader each(extensions); !each.at_end();) {
    const std::size_t type = each.number(2);
    const ByteView content = each.vector(2);
    if (!each.good()) return refuse("extensions");
    if (type != kServerName) continue;
    if (name) return refuse("server_name, twice");
    TRY_ASSIGN(name, read_name(content));
  }
  if (!name) return fail(Code::MISSING, "server_name", "a server name in the ClientHello", "none");
  return std::move(*name);
}

}  // namespace

bool is_dns_name(std::string_view name) {
  if (name.empty() || name.size() > 253) return false;
  bool letters = false;
  for (const std::string_view label : split(name, '.')) {
    const bool good = !label.empty() && label.size() <= 63 && label.front() != '-' && label.back() != '-' &&
                      std::ranges::all_of(label, [](char c) {
                        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
                      });
    if (!good) return false;
    letters = std::ranges::any_of(label, [](char c) { return c < '0' || c > '9'; });
  }
  // An all-numeric last label is an address.
  return letters;
}

Result<std::optional<std::string>> parse_server_name(ByteView arrived) {
  TRY_ASSIGN(const Bytes message, join_records(arrived));
  if (!message.empty() && message[0] != kClientHello) return refuse("another message first");
  if (message.size() < kMessageHeadBytes) {
    if (arrived.size() > limits::kClientHelloBytesMax) return fail(Code::LIMIT, "ClientHello");
    return std::nullopt;
  }
  const std::size_t length = std::size_t{message[1]} << 16 | std::size_t{message[2]} << 8 | message[3];
  if (length > limits::kClientHelloBytesMax ||
      (message.size() < kMessageHeadBytes + length && arrived.size() > limits::kClientHelloBytesMax)) {
    return fail(Code::LIMIT, "ClientHello", "at most " + std::to_string(limits::kClientHelloBytesMax) + " bytes",
                "more");
  }
  if (message.size() < kMessageHeadBytes + length) return std::nullopt;
  // A ClientHello is followed by nothing until it is answered: no early data is ever accepted here, yet a client may
  // offer it.
  TRY_ASSIGN(std::string name, read_hello(ByteView(message).subspan(kMessageHeadBytes, length)));
  return std::optional(std::move(name));
}

}  // namespace cages::wire
