// SPDX-License-Identifier: Apache-2.0
#include "machine/probe.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "base/file.h"
#include "base/text.h"
#include "machine/trial.h"

namespace cages::machine {
namespace {

constexpr rlim_t kDescriptorsLeast = 1024;
constexpr rlim_t kDescriptorsServer = 65536;
constexpr std::size_t kMountsBytesMax = 4UL * 1024 * 1024;

Finding namespaces(const Places& places) {
  const std::string failed = try_namespaces();
  if (failed.empty())
    return {"namespaces", Level::good, "user, mount, pid, uts, ipc, net and cgroup namespaces work", ""};
  const auto mounts = read_file(places.proc / "self/mountinfo", kMountsBytesMax);
  if (mounts && is_chroot(as_text(*mounts))) {
    return {"namespaces", Level::lacking, failed,
            "this is a chroot, where the kernel lets nobody make user namespaces: make the folder the root of a mount "
            "namespace instead (pivot_root as in setup/bare.sh, or systemd-nspawn)"};
  }
  return {"namespaces", Level::lacking, failed,
          "allow unprivileged user namespaces (sysctl user.max_user_namespaces, kernel.unprivileged_userns_clone=1, "
          "kernel.apparmor_restrict_unprivileged_userns=0), or run cage-host as root"};
}

Finding seccomp() {
  if (has_seccomp()) return {"seccomp", Level::good, "system call filters work", ""};
  return {"seccomp", Level::lacking, "the kernel has no seccomp filters", "boot a kernel with CONFIG_SECCOMP_FILTER"};
}

Finding mount_api() {
  if (has_mount_api()) return {"mount_api", Level::good, "fsopen and openat2 work", ""};
  return {"mount_api", Level::lacking, "the kernel is older than 5.6", "boot Linux 5.6 or newer"};
}

Finding landlock() {
  const int abi = landlock_abi();
  if (abi > 0) return {"landlock", Level::good, "Landlock ABI " + std::to_string(abi), ""};
  return {"landlock", Level::weaker, "no Landlock: the runtime's own fence relies on seccomp and namespaces alone",
          "boot a kernel with CONFIG_SECURITY_LANDLOCK and lsm=landlock"};
}

Finding ids(const Identity& identity) {
  switch (identity.mode) {
    case Mode::root: return {"ids", Level::good, "root: each enclave gets 65536 host ids of its own", ""};
    case Mode::rootless:
      return {"ids", Level::good,
              "rootless: the image's ids are " + identity.user + "'s own and " + std::to_string(identity.uids.first) +
                  " upwards",
              ""};
    case Mode::single_id: break;
  }
  std::string next;
  for (const auto& line : identity.lacking) next += (next.empty() ? "" : "; ") + line;
  return {"ids", Level::weaker,
          "single-id: every owner in an image becomes " + identity.user +
              ", and an image whose USER is not root is refused",
          next};
}

Finding limits(const Cgroups& cgroups) {
  if (cgroups.version == CgroupVersion::none) {
    return {"limits", Level::weaker,
            cgroups.why_not + ": an enclave is limited by resource limits (processes in all, memory per process)",
            "run under a systemd user session with control groups v2, or run cage-host as root"};
  }
  std::string found = "control groups " + std::string(name_of(cgroups.version)) + ":";
  for (const auto name : {"memory", "pids", "cpu"}) {
    if (cgroups.limits(name)) found += std::string(" ") + name;
  }
  return {"limits", Level::good, found, ""};
}

Finding descriptors() {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  const std::string found =
      std::to_string(limit.rlim_cur) + " open files allowed, " + std::to_string(limit.rlim_max) + " at most";
  if (limit.rlim_max < kDescriptorsLeast) {
    return {"descriptors", Level::lacking, found, "raise nofile to 1024 or more in /etc/security/limits.conf"};
  }
  if (limit.rlim_max < kDescriptorsServer) return {"descriptors", Level::note, found, "a busy host wants 65536"};
  return {"descriptors", Level::good, found, ""};
}

bool runs(const std::filesystem::path& path) { return ::access(path.c_str(), X_OK) == 0; }

void find_programs(std::vector<Finding>& findings, const std::filesystem::path& folder) {
  for (const std::string name : {"cage-host", "cage-nsm", "cage-runtime", "cage-runtime-isolated"}) {
    const auto path = folder / name;
    if (runs(path)) {
      findings.push_back({name, Level::good, path.string(), ""});
    } else {
      findings.push_back({name, Level::lacking, "not in " + folder.string(), "install it beside `cage`"});
    }
  }
}

Finding builder(const Places& places) {
  std::string found;
  for (const std::string name : {"docker", "podman", "buildah"}) {
    const bool there = std::ranges::any_of(places.programs, [&](const auto& folder) { return runs(folder / name); });
    if (there) found += (found.empty() ? "" : ", ") + name;
  }
  if (!found.empty()) return {"builder", Level::good, found, ""};
  return {"builder", Level::weaker, "none of docker, podman, buildah: Dockerfiles cannot be built, ready images can",
          "install the package buildah"};
}

Finding nitro(const Places& places) {
  if (::access((places.dev / "nitro_enclaves").c_str(), F_OK) == 0) {
    return {"nitro", Level::note, "/dev/nitro_enclaves: this machine can start Nitro enclaves", ""};
  }
  return {"nitro", Level::note,
          "no /dev/nitro_enclaves: cages run under the process driver, which proves nothing about hardware", ""};
}

}  // namespace

std::string_view name_of(Level level) {
  constexpr std::array<std::string_view, 4> kNames{"good", "note", "weaker", "lacking"};
  return kNames.at(static_cast<std::size_t>(level));
}

bool Report::usable() const {
  return std::ranges::none_of(findings, [](const Finding& finding) { return finding.level == Level::lacking; });
}

bool is_chroot(std::string_view mountinfo) {
  // proc(5): id, parent, device, root of the mount, where it is mounted.
  for (const std::string_view line : split(mountinfo, '\n')) {
    const auto fields = split(line, ' ');
    if (fields.size() > 4 && fields[4] == "/") return false;
  }
  return true;
}

Report probe(const std::filesystem::path& programs, const Places& places) {
  Report report;
  report.identity = identify(places);
  report.cgroups = find_cgroups(report.identity.mode == Mode::root, places);
  report.findings = {namespaces(places),     seccomp(),    mount_api(), landlock(), ids(report.identity),
                     limits(report.cgroups), descriptors()};
  find_programs(report.findings, programs);
  report.findings.push_back(builder(places));
  report.findings.push_back(nitro(places));
  return report;
}

Json to_json(const Report& report) {
  Json::Array findings;
  for (const auto& finding : report.findings) {
    findings.push_back(Json::object({{"id", finding.id},
                                     {"level", name_of(finding.level)},
                                     {"found", finding.found},
                                     {"next", finding.next.empty() ? Json() : Json(finding.next)}}));
  }
  return Json::object({{"usable", report.usable()},
                       {"mode", name_of(report.identity.mode)},
                       {"cgroups", name_of(report.cgroups.version)},
                       {"findings", Json(std::move(findings))}});
}

std::string to_text(const Report& report) {
  std::string out = "process driver: " + std::string(name_of(report.identity.mode)) + " mode\n";
  for (const auto& finding : report.findings) {
    std::string id = finding.id;
    id.resize(std::max<std::size_t>(id.size(), 14), ' ');
    std::string level(name_of(finding.level));
    level.resize(8, ' ');
    out += level + id + finding.found + "\n";
    if (!finding.next.empty()) out += "                      -> " + finding.next + "\n";
  }
  return out + (report.usable() ? "This machine can run cages.\n" : "This machine lacks something.\n");
}

}  // namespace cages::machine
