// SPDX-License-Identifier: Apache-2.0
#include "host/drivers/instance.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <thread>

#include "base/json.h"
#include "base/log.h"
#include "host/drivers/cgroup.h"

namespace cages::drivers {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kOwnerBytesMax = 64 * 1024;
constexpr int kRemoveTries = 50;
constexpr std::chrono::milliseconds kRemovePause{20};

bool valid_id(std::string_view id) {
  return !id.empty() && id.size() <= 40 &&
         std::ranges::all_of(id, [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; });
}

// Killed processes take a moment to leave their group.
bool remove_groups(const std::vector<fs::path>& groups) {
  for (int i = 0; i < kRemoveTries; ++i) {
    if (Cgroup::remove_folders(groups)) return true;
    std::this_thread::sleep_for(kRemovePause);
  }
  return false;
}

Result<void> make_folder(const fs::path& path) {
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) return fail(errno_error(path.string(), errno));
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0) return fail(errno_error(path.string(), errno));
  const bool ours = S_ISDIR(status.st_mode) && status.st_uid == ::geteuid() && (status.st_mode & 022) == 0;
  if (!ours) return fail(Code::IO, path.string(), "a folder of ours that only we can write to", "another one");
  return {};
}

// For whoever looks at the folder; the lock decides, not these.
std::string owner_text(const Belongings& belongings) {
  Json::Array groups;
  for (const auto& group : belongings.cgroups) groups.emplace_back(group.string());
  const auto stat = read_file("/proc/self/stat", kOwnerBytesMax);
  std::string started;
  if (stat) {
    // Field 22, counted after the name, which may hold spaces (proc(5)).
    std::string text(as_text(*stat));
    text.erase(0, text.rfind(')') + 2);
    for (int field = 3; field < 22; ++field) text.erase(0, text.find(' ') + 1);
    started = text.substr(0, text.find(' '));
  }
  return write_json(Json::object({{"pid", std::int64_t{::getpid()}}, {"started", started}, {"cgroups", Json(std::move(groups))}}), 1) + "\n";
}

// A file that was cut short by a crash names nothing: nothing was made before it was whole.
Belongings read_owner(int fd) {
  Belongings out;
  std::string text(kOwnerBytesMax, '\0');
  const ssize_t n = ::pread(fd, text.data(), text.size(), 0);
  text.resize(static_cast<std::size_t>(std::max<ssize_t>(n, 0)));
  const auto json = parse_json(text);
  const Json* const groups = json ? json->find("cgroups") : nullptr;
  if (groups == nullptr || groups->as_array() == nullptr) return out;
  for (const auto& group : *groups->as_array()) {
    if (group.as_string() != nullptr) out.cgroups.emplace_back(*group.as_string());
  }
  return out;
}

}  // namespace

void Instance::remove() {
  if (!remove_groups(belongings_.cgroups)) log::warning("instance.cgroup_left", {{"id", id_}});
  std::error_code ignored;
  fs::remove_all(folder_, ignored);
  lock_.reset();
}

Result<RunFolder> RunFolder::open(const fs::path& run) {
  std::error_code ignored;
  fs::create_directories(run.parent_path(), ignored);
  TRY(make_folder(run));
  TRY(make_folder(run / "e"));
  return RunFolder(run / "e");
}

Result<Fd> RunFolder::lock() const {
  Fd fd(::open((enclaves_ / ".lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd || ::flock(fd.get(), LOCK_EX) != 0) return fail(errno_error((enclaves_ / ".lock").string(), errno));
  return fd;
}

Result<Instance> RunFolder::claim(const std::string& id, Belongings belongings) {
  if (!valid_id(id)) return fail(Code::USAGE, "enclave id", "[a-z0-9-]{1,40}", printable(id));
  TRY_ASSIGN(const Fd held, lock());
  const fs::path folder = enclaves_ / id;
  if (::mkdir(folder.c_str(), 0700) != 0) {
    if (errno == EEXIST) return fail(Code::EXISTS, id);
    return fail(errno_error(folder.string(), errno));
  }
  Fd owner(::open((folder / "owner").c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  const std::string text = owner_text(belongings);
  if (!owner || ::flock(owner.get(), LOCK_EX | LOCK_NB) != 0 ||
      ::write(owner.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
    const int number = errno;
    std::error_code ignored;
    fs::remove_all(folder, ignored);
    return fail(errno_error(folder.string(), number));
  }
  return Instance(id, folder, std::move(belongings), std::move(owner));
}

Result<std::size_t> RunFolder::clean_up() {
  // race: a folder is made and locked under the same lock, so that one without a locked owner has none.
  TRY_ASSIGN(const Fd held, lock());
  std::size_t count = 0;
  std::error_code failed;
  for (const auto& entry : fs::directory_iterator(enclaves_, failed)) {
    if (!entry.is_directory() || entry.is_symlink()) continue;
    const Fd owner(::open((entry.path() / "owner").c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW));
    if (owner && ::flock(owner.get(), LOCK_EX | LOCK_NB) != 0) continue;
    if (owner && !remove_groups(read_owner(owner.get()).cgroups)) {
      log::warning("instance.cgroup_left", {{"id", entry.path().filename().string()}});
      continue;
    }
    std::error_code ignored;
    fs::remove_all(entry.path(), ignored);
    ++count;
  }
  if (failed) return fail(Code::IO, enclaves_.string(), "", failed.message());
  return count;
}

}  // namespace cages::drivers
