// SPDX-License-Identifier: Apache-2.0
#include "cli/work_folder.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>

#include <cerrno>
#include <string>
#include <vector>

namespace cages::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPrefix = "build.";

Fd open_folder(const fs::path& path) {
  return Fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
}

void remove_dead(const fs::path& parent) {
  std::error_code ignored;
  std::vector<fs::path> found;
  for (fs::directory_iterator at(parent, ignored), end; !ignored && at != end; at.increment(ignored)) {
    if (at->path().filename().string().starts_with(kPrefix)) found.push_back(at->path());
  }
  for (const fs::path& path : found) {
    const Fd folder = open_folder(path);
    if (folder && ::flock(folder.get(), LOCK_EX | LOCK_NB) == 0) fs::remove_all(path, ignored);
  }
}

}  // namespace

Result<WorkFolder> WorkFolder::make(const fs::path& parent) {
  std::error_code error;
  fs::create_directories(parent, error);
  if (error) return fail(Code::IO, parent.string(), "", error.message());
  // Everything in .cage/ can be made again: version control need not be told.
  if (!fs::exists(parent / ".gitignore", error)) TRY(write_file(parent / ".gitignore", as_bytes("*\n")));
  // race: between a folder's making and its locking another build would take it for a dead one's.
  const Fd all = open_folder(parent);
  if (!all || ::flock(all.get(), LOCK_EX) != 0) return fail(errno_error(parent.string(), errno));
  remove_dead(parent);
  std::string name = (parent / (std::string(kPrefix) + "XXXXXX")).string();
  if (::mkdtemp(name.data()) == nullptr) return fail(errno_error(name, errno));
  Fd lock = open_folder(name);
  if (!lock || ::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) return fail(errno_error(name, errno));
  return WorkFolder(name, std::move(lock));
}

WorkFolder::~WorkFolder() {
  std::error_code ignored;
  if (!path_.empty()) fs::remove_all(path_, ignored);
}

}  // namespace cages::cli
