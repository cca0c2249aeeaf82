// SPDX-License-Identifier: Apache-2.0
#include "host/drivers/cgroup.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>

#include "base/file.h"
#include "base/text.h"

namespace cages::drivers {
namespace {

namespace fs = std::filesystem;
using machine::CgroupVersion;

constexpr std::uint64_t kPeriodUs = 100'000;
constexpr std::size_t kFileBytesMax = 256 * 1024;

Result<void> put(const fs::path& file, const std::string& text) {
  const Fd fd(::open(file.c_str(), O_WRONLY | O_CLOEXEC));
  if (!fd || ::write(fd.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
    return fail(errno_error(file.string(), errno));
  }
  return {};
}

std::optional<std::uint64_t> number(std::string_view text) {
  std::uint64_t value = 0;
  text = trim(text);
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::string get(const fs::path& file) {
  const auto content = read_file(file, kFileBytesMax);
  return content ? std::string(as_text(*content)) : std::string();
}

bool has(const machine::CgroupPlace& place, std::string_view controller) {
  return std::ranges::find(place.controllers, controller) != place.controllers.end();
}

Result<void> limit_v1(const machine::CgroupPlace& place, const fs::path& folder, const Limits& limits) {
  if (has(place, "memory")) {
    TRY(put(folder / "memory.limit_in_bytes", std::to_string(limits.memory_bytes)));
    // Swap counts together with memory; a kernel without swap accounting has no such file.
    if (fs::exists(folder / "memory.memsw.limit_in_bytes")) {
      TRY(put(folder / "memory.memsw.limit_in_bytes", std::to_string(limits.memory_bytes)));
    }
  }
  if (has(place, "pids")) TRY(put(folder / "pids.max", std::to_string(limits.processes_max)));
  if (has(place, "cpu") && limits.cpus > 0) {
    TRY(put(folder / "cpu.cfs_period_us", std::to_string(kPeriodUs)));
    TRY(put(folder / "cpu.cfs_quota_us", std::to_string(static_cast<std::uint64_t>(limits.cpus * kPeriodUs))));
  }
  return {};
}

Result<void> limit_v2(const machine::CgroupPlace& place, const fs::path& folder, const Limits& limits) {
  TRY(put(folder / "memory.max", std::to_string(limits.memory_bytes)));
  if (fs::exists(folder / "memory.swap.max")) TRY(put(folder / "memory.swap.max", "0"));
  TRY(put(folder / "memory.oom.group", "1"));
  TRY(put(folder / "pids.max", std::to_string(limits.processes_max)));
  if (has(place, "cpu") && limits.cpus > 0) {
    TRY(put(folder / "cpu.max",
            std::to_string(static_cast<std::uint64_t>(limits.cpus * kPeriodUs)) + " " + std::to_string(kPeriodUs)));
  }
  return {};
}

// At the top of v2 the controllers must be handed down before a group there has their files.
void hand_down(const machine::CgroupPlace& place) {
  for (const auto& controller : place.controllers) {
    const auto ignored = put(place.parent / "cgroup.subtree_control", "+" + controller);
    static_cast<void>(ignored);  // handed down already, or limit_v2 says what is missing
  }
}

}  // namespace

std::vector<fs::path> Cgroup::folders_for(const machine::Cgroups& found, const std::string& name) {
  std::vector<fs::path> out;
  for (const auto& place : found.places) out.push_back(place.parent / name);
  return out;
}

Result<Cgroup> Cgroup::create(const machine::Cgroups& found, const std::string& name, const Limits& limits) {
  Cgroup group;
  group.version_ = found.version;
  const auto folders = folders_for(found, name);
  const auto build = [&]() -> Result<void> {
    for (std::size_t i = 0; i < folders.size(); ++i) {
      if (found.version == CgroupVersion::v2) hand_down(found.places[i]);
      if (::mkdir(folders[i].c_str(), 0755) != 0) return fail(errno_error(folders[i].string(), errno));
      group.folders_.push_back(folders[i]);
      TRY(found.version == CgroupVersion::v2 ? limit_v2(found.places[i], folders[i], limits)
                                             : limit_v1(found.places[i], folders[i], limits));
    }
    return {};
  };
  if (auto built = build(); !built) {
    remove_folders(group.folders_);
    return fail(std::move(built).error());
  }
  return group;
}

Result<void> Cgroup::add(pid_t pid) const {
  for (const auto& folder : folders_) TRY(put(folder / "cgroup.procs", std::to_string(pid)));
  return {};
}

Usage Cgroup::usage() const {
  Usage out;
  for (const auto& folder : folders_) {
    const bool v2 = version_ == CgroupVersion::v2;
    if (const auto bytes = number(get(folder / (v2 ? "memory.current" : "memory.usage_in_bytes")))) out.memory_bytes = bytes;
    if (const auto count = number(get(folder / "pids.current"))) out.processes = count;
    if (const auto time = number(get(folder / "cpuacct.usage"))) out.cpu_ns = time;
    for (const auto line : split(v2 ? get(folder / "cpu.stat") : std::string(), '\n')) {
      if (!line.starts_with("usage_usec ")) continue;
      if (const auto time = number(line.substr(11))) out.cpu_ns = *time * 1000;
    }
  }
  return out;
}

bool Cgroup::ran_out_of_memory() const {
  constexpr std::string_view kCount = "oom_kill ";
  for (const auto& folder : folders_) {
    const std::string text = get(folder / (version_ == CgroupVersion::v2 ? "memory.events" : "memory.oom_control"));
    for (const auto line : split(text, '\n')) {
      if (line.starts_with(kCount) && number(line.substr(kCount.size())).value_or(0) > 0) return true;
    }
  }
  return false;
}

bool Cgroup::remove_folders(const std::vector<fs::path>& folders) {
  bool gone = true;
  for (const auto& folder : folders) {
    if (::rmdir(folder.c_str()) == 0 || errno == ENOENT) continue;
    const std::string processes = get(folder / "cgroup.procs");
    for (const auto line : split(processes, '\n')) {
      if (const auto pid = number(line); pid && *pid > 1) ::kill(static_cast<pid_t>(*pid), SIGKILL);
    }
    gone = (::rmdir(folder.c_str()) == 0 || errno == ENOENT) && gone;
  }
  return gone;
}

}  // namespace cages::drivers
