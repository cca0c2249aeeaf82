// SPDX-License-Identifier: Apache-2.0
// probe: what this machine has for running cages, and what it lacks. For `cage doctor` and cage-host's first log lines. Tries
// things in short-lived children (namespaces) and otherwise only looks; it needs no privilege and changes nothing.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "machine/cgroups.h"
#include "machine/identity.h"
#include "machine/places.h"

namespace cages::machine {

enum class Level : std::uint8_t {
  good,
  note,     // worth knowing; nothing is lacking
  weaker,   // cages run, with less than this machine could give
  lacking,  // cages cannot run, or `cage build` cannot
};
std::string_view name_of(Level level);

struct Finding {
  std::string id;     // stable, for scripts: "user_namespaces"
  Level level = Level::good;
  std::string found;  // what there is
  std::string next;   // what to install or do; empty where nothing
};

struct Report {
  Identity identity;
  Cgroups cgroups;
  std::vector<Finding> findings;
  [[nodiscard]] bool usable() const;  // nothing is lacking
};

// is_chroot: true where `mountinfo` (the text of /proc/self/mountinfo) has no mount at the root: a plain folder is it.
bool is_chroot(std::string_view mountinfo);

// `programs`: the folder where cage-host, cage-runtime and cage-nsm are expected: the caller's own.
Report probe(const std::filesystem::path& programs, const Places& places = {});

Json to_json(const Report& report);
// to_text: one line a finding and what to do below it, for people.
std::string to_text(const Report& report);

}  // namespace cages::machine
