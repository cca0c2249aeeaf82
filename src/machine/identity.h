// SPDX-License-Identifier: Apache-2.0
// identify: which user ids an enclave of the process driver can have on this machine. Root gives every enclave a range of its
// own; a user with `uidmap` and a range in /etc/subuid keeps every id of an image; without those every id is the user's own.
// For cage-host and `cage doctor`. Looks only; changes nothing.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "machine/places.h"

namespace cages::machine {

enum class Mode : std::uint8_t { root, rootless, single_id };
std::string_view name_of(Mode mode);  // "root", "rootless", "single-id"

struct IdRange {
  std::uint32_t first = 0;
  std::uint32_t count = 0;
  bool operator==(const IdRange&) const = default;
};

// Every enclave sees ids 0 … 65535, as images know them.
inline constexpr std::uint32_t kImageIds = 65536;
// Root's enclaves take ranges from here, above what distributions and systemd hand out (524288 … 0x6fffffff) and below the
// reserved end of 31 bits; one slot holds the image's ids.
inline constexpr std::uint32_t kRootIdsFirst = 0x70000000;
inline constexpr std::uint32_t kRootIdSlots = 4000;
// The software NSM's user under root, where no user is called "cage-nsm".
inline constexpr std::uint32_t kNsmUid = kRootIdsFirst + kRootIdSlots * kImageIds;

struct Identity {
  Mode mode = Mode::single_id;
  uid_t uid = 0;
  gid_t gid = 0;
  std::string user;  // name, or the number where it has none
  IdRange uids;      // rootless: the ranges of /etc/subuid and /etc/subgid
  IdRange gids;
  std::string newuidmap;  // paths of the helpers, rootless only
  std::string newgidmap;
  std::vector<std::string> lacking;  // what keeps a user from rootless mode, one sentence each
};

// parse_subid returns the first range of `user` (by name or number) with at least `least` ids. Lines that make no sense are
// passed over, as newuidmap does.
std::optional<IdRange> parse_subid(std::string_view text, std::string_view user, uid_t uid, std::uint32_t least);

// maps_all: true where `uid_map` (the text of /proc/self/uid_map) covers ids first … first + count - 1 in one line.
bool maps_all(std::string_view uid_map, std::uint32_t first, std::uint32_t count);

Identity identify(const Places& places = {});

}  // namespace cages::machine
