// SPDX-License-Identifier: Apache-2.0
// Names: which loopback address stands for which name. Each allowed name that the app asks for gets an address of its own
// in 127.64.0.0/10, the next one that nobody had, so that an address that the app kept does not become another name's. At
// most kEgressNamesMax at a time: the least recently used goes, never one that the list names itself, nor one with an open
// stream. Pure.
#pragma once

#include <cstdint>
#include <list>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>

#include "base/ip.h"

namespace cages::runtime::egress {

class Names {
 private:
  struct Entry {
    std::string name;
    std::uint32_t number = 0;
    std::size_t streams = 0;
    bool listed = false;
    bool may_go = true;  // it is in `idle_`
  };

 public:
  // A name in use: it keeps its address. lifetime: the Names outlive it.
  class Use {
   public:
    Use(Use&& other) noexcept : owner_(other.owner_), entry_(other.entry_) { other.owner_ = nullptr; }
    Use& operator=(Use&&) = delete;
    Use(const Use&) = delete;
    Use& operator=(const Use&) = delete;
    ~Use();
    [[nodiscard]] const std::string& name() const { return entry_->name; }

   private:
    friend class Names;
    Use(Names& owner, std::list<Entry>::iterator entry) : owner_(&owner), entry_(entry) {}
    Names* owner_;
    std::list<Entry>::iterator entry_;
  };

  // `listed`: the names that the allow-list holds as they are.
  explicit Names(std::set<std::string> listed) : listed_(std::move(listed)) {}
  // address_of returns the name's address, a new one where it has none; none where kEgressNamesMax are live and none of
  // them may go.
  std::optional<IpAddress> address_of(const std::string& name);
  // use finds the name of an address, for one stream; none where the address is no live name's.
  std::optional<Use> use(const IpAddress& address);
  // contains: an address that could be a name's.
  static bool contains(const IpAddress& address);
  [[nodiscard]] std::size_t size() const { return by_name_.size(); }

 private:
  using Place = std::list<Entry>::iterator;
  // Where an entry belongs: what may go is in `idle_`, oldest first.
  void settle(Place entry);
  std::uint32_t next_free();

  std::set<std::string> listed_;
  std::list<Entry> idle_;
  std::list<Entry> kept_;
  std::unordered_map<std::string, Place> by_name_;
  std::unordered_map<std::uint32_t, Place> by_number_;
  std::uint32_t last_ = 0;
};

}  // namespace cages::runtime::egress
