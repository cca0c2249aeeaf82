// SPDX-License-Identifier: Apache-2.0
#include "host/drivers/idmap.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <vector>

namespace cages::drivers {
namespace {

using machine::IdRange;
using machine::Mode;

Result<void> put(const std::string& path, const std::string& text) {
  const Fd fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!fd || ::write(fd.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()))
    return fail(errno_error(path, errno));
  return {};
}

// The set-user-id helpers of the package uidmap check the range against /etc/subuid themselves.
Result<void> run_helper(const std::string& helper, pid_t pid, std::uint32_t own, const IdRange& range) {
  std::vector<std::string> words{helper,
                                 std::to_string(pid),
                                 "0",
                                 std::to_string(own),
                                 "1",
                                 "1",
                                 std::to_string(range.first),
                                 std::to_string(machine::kImageIds - 1)};
  std::vector<char*> arguments;
  for (auto& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  char* environment[] = {nullptr};
  pid_t child = 0;
  const int number = ::posix_spawn(&child, helper.c_str(), nullptr, nullptr, arguments.data(), environment);
  if (number != 0) return fail(errno_error(helper, number));
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    return fail(Code::MACHINE, helper, "a range that /etc/subuid gives to this user", "refused");
  }
  return {};
}

}  // namespace

Result<IdSlot> IdSlot::take(Mode mode) {
  IdSlot slot;
  if (mode != Mode::root) return slot;
  for (std::uint32_t i = 0; i < machine::kRootIdSlots; ++i) {
    // An abstract socket's name is free again when its last holder dies, and leaves no file.
    const std::string name = "cages/ids/" + std::to_string(i);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path + 1, name.data(), name.size());
    Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!socket) return fail(errno_error("socket", errno));
    const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
    if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), length) != 0) continue;
    slot.lock_ = std::move(socket);
    slot.first_ = machine::kRootIdsFirst + i * machine::kImageIds;
    return slot;
  }
  return fail(Code::MACHINE, "ids", "a free range of 65536 ids",
              "all " + std::to_string(machine::kRootIdSlots) + " are taken");
}

Result<void> map_ids(pid_t pid, const machine::Identity& identity, const IdSlot& slot) {
  const std::string folder = "/proc/" + std::to_string(pid) + "/";
  switch (identity.mode) {
    case Mode::root: {
      const std::string map = "0 " + std::to_string(slot.first()) + " " + std::to_string(machine::kImageIds);
      TRY(put(folder + "uid_map", map));
      return put(folder + "gid_map", map);
    }
    case Mode::rootless:
      TRY(run_helper(identity.newuidmap, pid, identity.uid, identity.uids));
      return run_helper(identity.newgidmap, pid, identity.gid, identity.gids);
    case Mode::single_id:
      TRY(put(folder + "setgroups", "deny"));
      TRY(put(folder + "uid_map", "0 " + std::to_string(identity.uid) + " 1"));
      return put(folder + "gid_map", "0 " + std::to_string(identity.gid) + " 1");
  }
  return {};
}

}  // namespace cages::drivers
