// SPDX-License-Identifier: Apache-2.0
// Secret: bytes that wipe themselves, cannot be printed or copied by accident, and compare in constant time. For keys,
// tokens and user secrets. Never a std::string; never logged; read only through reveal(), which a reader can grep for.
#pragma once

#include <cstddef>
#include <utility>

#include "base/bytes.h"

namespace cages {

// wipe overwrites memory in a way that the compiler may not remove.
void wipe(std::span<Byte> memory);

class Secret {
 public:
  Secret() = default;
  explicit Secret(std::size_t size) : bytes_(size) {}
  // Takes the bytes over; nothing is left behind in `bytes`.
  explicit Secret(Bytes&& bytes) : bytes_(std::move(bytes)) {}
  static Secret copy_of(ByteView bytes) { return Secret(Bytes(bytes.begin(), bytes.end())); }
  ~Secret() { wipe(bytes_); }
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;
  Secret(Secret&& other) noexcept : bytes_(std::move(other.bytes_)) { other.bytes_.clear(); }
  Secret& operator=(Secret&& other) noexcept {
    if (this != &other) {
      wipe(bytes_);
      bytes_ = std::move(other.bytes_);
      other.bytes_.clear();
    }
    return *this;
  }

  // secret: the bytes themselves. lifetime: valid until this object changes or goes.
  [[nodiscard]] ByteView reveal() const { return bytes_; }
  [[nodiscard]] std::span<Byte> reveal_mutable() { return bytes_; }
  [[nodiscard]] Secret clone() const { return copy_of(bytes_); }
  [[nodiscard]] std::size_t size() const { return bytes_.size(); }
  [[nodiscard]] bool empty() const { return bytes_.empty(); }
  friend bool operator==(const Secret& a, const Secret& b) { return equal_constant_time(a.bytes_, b.bytes_); }

 private:
  Bytes bytes_;
};

}  // namespace cages
