// SPDX-License-Identifier: Apache-2.0
// A directory as an image: walked by descriptors, so that nobody who changes it meanwhile can lead the walk elsewhere.
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <map>

#include "base/limits.h"
#include "image/load.h"

namespace cages::image {
namespace {

struct CloseFolder {
  void operator()(DIR* folder) const { ::closedir(folder); }
};

class Walker {
 public:
  Walker(const LoadOptions& options, Image& image) : options_(options), image_(image) {}

  Result<void> start(const std::filesystem::path& folder) {
    TRY_ASSIGN(spool_, Spool::in(options_.spool_folder));
    Fd root(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!root) return fail(errno_error(folder.string(), errno));
    struct stat status{};
    if (::fstat(root.get(), &status) != 0) return fail(errno_error(folder.string(), errno));
    folder_ = std::make_shared<const Fd>(::fcntl(root.get(), F_DUPFD_CLOEXEC, 0));
    // Where openat2 is missing or forbidden, contents are copied while the walk has their folder open.
    FolderFile itself{folder_, ".", 0, 0, 0, 0};
    const auto opened = open_folder_file(itself);
    read_later_ = opened || opened.error().code == Code::IMAGE;
    maker_ = status.st_uid;
    maker_group_ = status.st_gid;
    TRY(image_.tree.put("", node_of(status, NodeKind::directory)));
    return walk(std::move(root), "");
  }

 private:
  Node node_of(const struct stat& status, NodeKind kind) const {
    Node node;
    node.kind = kind;
    node.permissions = status.st_mode & 07777;
    node.uid = status.st_uid == maker_ ? 0 : status.st_uid;
    node.gid = status.st_gid == maker_group_ ? 0 : status.st_gid;
    return node;
  }

  Result<std::vector<std::string>> names_in(const Fd& folder, const std::string& path) {
    std::vector<std::string> names;
    const int copy = ::fcntl(folder.get(), F_DUPFD_CLOEXEC, 0);
    const std::unique_ptr<DIR, CloseFolder> list(copy < 0 ? nullptr : ::fdopendir(copy));
    if (!list) return fail(errno_error(path, errno));
    while (const dirent* item = ::readdir(list.get())) {
      const std::string_view name = item->d_name;
      if (name != "." && name != "..") names.emplace_back(name);
      if (names.size() > limits::kImageEntriesMax) {
        return fail(Code::IMAGE_LIMIT, "entries", "at most " + std::to_string(limits::kImageEntriesMax), "more");
      }
    }
    std::ranges::sort(names);
    return names;
  }

  // Depth is bounded by layer_path's kImageDepthMax, and so is the number of open descriptors.
  Result<void> walk(Fd folder, const std::string& path) {
    TRY_ASSIGN(const std::vector<std::string> names, names_in(folder, path));
    for (const std::string& name : names) {
      TRY_ASSIGN(const std::string at, layer_path(path.empty() ? name : path + '/' + name));
      TRY(visit(folder, name, at));
    }
    return {};
  }

  Result<void> visit(const Fd& folder, const std::string& name, const std::string& path) {
    struct stat status{};
    if (::fstatat(folder.get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) return fail(errno_error(path, errno));
    if (S_ISDIR(status.st_mode)) {
      TRY(image_.tree.put(path, node_of(status, NodeKind::directory)));
      Fd child(::openat(folder.get(), name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
      if (!child) return fail(errno_error(path, errno));
      return walk(std::move(child), path);
    }
    if (S_ISLNK(status.st_mode)) return symlink(folder, name, path, status);
    if (S_ISREG(status.st_mode)) return file(folder, name, path, status);
    if (path.starts_with("dev/")) {
      ++image_.left_out.device_entries;
      return {};
    }
    return fail(Code::IMAGE_ENTRY, printable(path, 200), "a file, directory or link", "a device, FIFO or socket");
  }

  Result<void> symlink(const Fd& folder, const std::string& name, const std::string& path, const struct stat& status) {
    std::string target(limits::kImagePathBytesMax + 1, '\0');
    const ssize_t n = ::readlinkat(folder.get(), name.c_str(), target.data(), target.size());
    if (n <= 0) return fail(errno_error(path, errno));
    if (static_cast<std::size_t>(n) > limits::kImagePathBytesMax)
      return fail(Code::IMAGE_LIMIT, path, "a shorter target", "more");
    target.resize(static_cast<std::size_t>(n));
    Node node = node_of(status, NodeKind::symlink);
    node.permissions = 0777;
    node.target = std::move(target);
    return image_.tree.put(path, std::move(node));
  }

  Result<void> file(const Fd& folder, const std::string& name, const std::string& path, const struct stat& seen) {
    Node node = node_of(seen, NodeKind::file);
    const std::pair inode{seen.st_dev, seen.st_ino};
    if (const auto first = links_.find(inode); first != links_.end()) {
      node.file = first->second;
      return image_.tree.put(path, std::move(node));
    }
    node.file = std::make_shared<File>();
    node.file->permissions = node.permissions;
    node.file->uid = node.uid;
    node.file->gid = node.gid;
    const auto size = static_cast<std::uint64_t>(seen.st_size);
    if (size > limits::kImageFileBytesMax || size > limits::kImageContentBytesMax - content_bytes_) {
      return fail(Code::IMAGE_LIMIT, printable(path, 200), "a smaller file", std::to_string(size) + " bytes");
    }
    content_bytes_ += size;
    if (read_later_) {
      node.file->content = Content(FolderFile{folder_, path, seen.st_dev, seen.st_ino, size, change_time(seen)});
      if (options_.progress) options_.progress(size);
    } else {
      TRY_ASSIGN(node.file->content, copy_now(folder, name, path, seen));
    }
    if (seen.st_nlink > 1) links_.emplace(inode, node.file);
    return image_.tree.put(path, std::move(node));
  }

  Result<Content> copy_now(const Fd& folder, const std::string& name, const std::string& path,
                           const struct stat& seen) {
    const Fd fd(::openat(folder.get(), name.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK));
    struct stat status{};
    if (!fd || ::fstat(fd.get(), &status) != 0) return fail(errno_error(path, errno));
    if (!S_ISREG(status.st_mode) || status.st_ino != seen.st_ino || status.st_size != seen.st_size)
      return fail(Code::IMAGE, path, "one and the same file", "a change");
    const auto size = static_cast<std::uint64_t>(status.st_size);
    if (size == 0) return Content();
    Content run(spool_, spool_->reserve(size), size);
    const Source source = file_source(fd.get(), 0, size);
    for (std::uint64_t done = 0; done < size;) {
      TRY_ASSIGN(const std::size_t n, source(buffer_));
      if (n == 0) return fail(Code::IMAGE, printable(path, 200), std::to_string(size) + " bytes", "a file that shrank");
      TRY(spool_->write_at(run.spool_offset() + done, ByteView(buffer_).first(n)));
      if (options_.progress) options_.progress(n);
      done += n;
    }
    return run;
  }

  const LoadOptions& options_;
  Image& image_;
  std::shared_ptr<Spool> spool_;
  std::shared_ptr<const Fd> folder_;
  bool read_later_ = false;
  uid_t maker_ = 0;
  gid_t maker_group_ = 0;
  std::uint64_t content_bytes_ = 0;
  std::map<std::pair<dev_t, ino_t>, std::shared_ptr<File>> links_;
  Bytes buffer_ = Bytes(256 * 1024);
};

}  // namespace

Result<Image> load_rootfs(const std::filesystem::path& folder, const LoadOptions& options) {
  Image image;
  image.config.architecture = options.architecture;
  image.config.os = "linux";
  Walker walker(options, image);
  TRY(walker.start(folder));
  return image;
}

}  // namespace cages::image
