// SPDX-License-Identifier: Apache-2.0
#include "runtime/egress/names.h"

#include "base/check.h"
#include "base/limits.h"

namespace cages::runtime::egress {
namespace {

constexpr std::uint32_t kFirst = 0x7f400000;  // 127.64.0.0
constexpr std::uint32_t kCount = 1U << 22;    // /10
constexpr std::uint32_t kUsable = kCount - 512;  // the top end is the runtime's own (redirect.h)

std::uint32_t as_number(const IpAddress& address) {
  const auto& b = address.bytes;
  return std::uint32_t{b[0]} << 24 | std::uint32_t{b[1]} << 16 | std::uint32_t{b[2]} << 8 | b[3];
}

IpAddress as_address(std::uint32_t number) {
  IpAddress address;
  for (unsigned i = 0; i < 4; ++i) address.bytes.at(i) = static_cast<Byte>(number >> (24 - 8 * i));
  return address;
}

}  // namespace

Names::Use::~Use() {
  if (owner_ == nullptr) return;
  --entry_->streams;
  owner_->settle(entry_);
}

bool Names::contains(const IpAddress& address) {
  return !address.v6 && as_number(address) - kFirst < kCount;
}

void Names::settle(Place entry) {
  std::list<Entry>& from = entry->may_go ? idle_ : kept_;
  entry->may_go = entry->streams == 0 && !entry->listed;
  std::list<Entry>& to = entry->may_go ? idle_ : kept_;
  to.splice(to.end(), from, entry);
}

std::uint32_t Names::next_free() {
  do {
    last_ = last_ % kUsable + 1;
  } while (by_number_.contains(kFirst + last_));
  return kFirst + last_;
}

std::optional<IpAddress> Names::address_of(const std::string& name) {
  if (const auto found = by_name_.find(name); found != by_name_.end()) {
    settle(found->second);
    return as_address(found->second->number);
  }
  if (!CAGES_CHECK("EGRESS_OVERLOAD names", by_name_.size() < limits::kEgressNamesMax)) {
    if (idle_.empty()) return std::nullopt;
    by_name_.erase(idle_.front().name);
    by_number_.erase(idle_.front().number);
    idle_.pop_front();
  }
  const bool listed = listed_.contains(name);
  std::list<Entry>& where = listed ? kept_ : idle_;
  where.push_back({name, next_free(), 0, listed, !listed});
  const Place entry = std::prev(where.end());
  by_name_.emplace(name, entry);
  by_number_.emplace(entry->number, entry);
  return as_address(entry->number);
}

std::optional<Names::Use> Names::use(const IpAddress& address) {
  if (address.v6) return std::nullopt;
  const auto found = by_number_.find(as_number(address));
  if (found == by_number_.end()) return std::nullopt;
  ++found->second->streams;
  settle(found->second);
  return Use(*this, found->second);
}

}  // namespace cages::runtime::egress
