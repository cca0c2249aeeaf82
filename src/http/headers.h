// SPDX-License-Identifier: Apache-2.0
// Headers: the fields of a message in the order given, found by name whatever its case. Head and body of requests and
// responses, free of any HTTP version's framing: parse.h reads HTTP/1.1 into these. For every part that speaks HTTP.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/task.h"

namespace cages::http {

struct Header {
  std::string name;
  std::string value;
};

class Headers {
 public:
  Headers() = default;
  Headers(std::initializer_list<Header> list) : list_(list) {}
  void add(std::string name, std::string value) { list_.push_back({std::move(name), std::move(value)}); }
  // set replaces every field of this name by one.
  void set(std::string_view name, std::string value);
  // remove takes away every field of this name and returns how many there were.
  std::size_t remove(std::string_view name);
  // find returns the first value, or null. lifetime: until these headers change.
  [[nodiscard]] const std::string* find(std::string_view name) const;
  [[nodiscard]] std::size_t count(std::string_view name) const;
  // has_token: one of the comma-separated values of this name is `token`, whatever its case.
  [[nodiscard]] bool has_token(std::string_view name, std::string_view token) const;
  // tokens returns the comma-separated values of this name, trimmed, empty ones left out.
  [[nodiscard]] std::vector<std::string> tokens(std::string_view name) const;
  [[nodiscard]] std::size_t size() const { return list_.size(); }
  [[nodiscard]] bool empty() const { return list_.empty(); }
  [[nodiscard]] auto begin() const { return list_.begin(); }
  [[nodiscard]] auto end() const { return list_.end(); }

 private:
  std::vector<Header> list_;
};

// is_token: RFC 9110 §5.6.2. is_field_value: no control character but the tab (§5.5).
bool is_token(std::string_view text);
bool is_field_value(std::string_view text);

struct RequestHead {
  std::string method;
  std::string target;     // origin-form, or "*"
  std::string authority;  // the Host; never among `headers`
  Headers headers;        // without hop-by-hop and framing fields
  std::string upgrade;    // the one protocol asked for, in lower case, or nothing
};

struct ResponseHead {
  int status = 200;
  Headers headers;      // without hop-by-hop and framing fields
  std::string upgrade;  // with 101: the protocol changed to
  // Content-Length of what a GET would have brought, in answers to HEAD and in 304; else the body knows.
  std::optional<std::uint64_t> declared_length = {};
};

// A body to pull from.
class Body {
 public:
  virtual ~Body() = default;
  // read_some waits for at least one byte; 0 = the end, after which trailers() holds what followed.
  virtual Task<Result<std::size_t>> read_some(std::span<Byte> into) = 0;
  // length of the whole, where it is known beforehand.
  [[nodiscard]] virtual std::optional<std::uint64_t> length() const = 0;
  [[nodiscard]] virtual const Headers& trailers() const = 0;
  // ready: the next read_some need not wait.
  [[nodiscard]] virtual bool ready() const { return false; }
};
using BodyPtr = std::unique_ptr<Body>;

// A body that is at hand.
class BytesBody final : public Body {
 public:
  explicit BytesBody(Bytes bytes = {}) : bytes_(std::move(bytes)) {}
  Task<Result<std::size_t>> read_some(std::span<Byte> into) override;
  [[nodiscard]] std::optional<std::uint64_t> length() const override { return bytes_.size(); }
  [[nodiscard]] const Headers& trailers() const override { return trailers_; }
  [[nodiscard]] bool ready() const override { return true; }

 private:
  Bytes bytes_;
  std::size_t used_ = 0;
  Headers trailers_;
};

// read_body returns the whole body; LIMIT above `bytes_max`.
Task<Result<Bytes>> read_body(Body& body, std::size_t bytes_max);

}  // namespace cages::http
