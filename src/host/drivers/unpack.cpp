// SPDX-License-Identifier: Apache-2.0
#include "host/drivers/unpack.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/check.h"
#include "base/file.h"
#include "eif/measure.h"
#include "image/cpio.h"
#include "machine/identity.h"

namespace cages::drivers {
namespace {

constexpr std::size_t kPieceBytes = 256 * 1024;

// Reads one ramdisk in big pieces; each piece is measured before anybody sees it.
class MeasuredSource {
 public:
  MeasuredSource(const eif::EifFile& image, const eif::Section& section, eif::Measurer& measurer)
      : image_(image), section_(section), measurer_(measurer), piece_(kPieceBytes) {}

  Result<std::size_t> read(std::span<Byte> into) {
    if (begin_ == end_) {
      end_ = static_cast<std::size_t>(std::min<std::uint64_t>(piece_.size(), section_.bytes - offset_));
      begin_ = 0;
      if (end_ == 0) return std::size_t{0};
      TRY(image_.read_at(section_, offset_, std::span(piece_).first(end_)));
      offset_ += end_;
      measurer_.update(ByteView(piece_).first(end_));
    }
    const std::size_t count = std::min(into.size(), end_ - begin_);
    std::copy_n(piece_.begin() + static_cast<std::ptrdiff_t>(begin_), count, into.begin());
    begin_ += count;
    return count;
  }

 private:
  const eif::EifFile& image_;
  const eif::Section& section_;
  eif::Measurer& measurer_;
  Bytes piece_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::uint64_t offset_ = 0;
};

Error system_error(const std::string& path, int number) {
  if (number == ENOSPC || number == ENOMEM || number == EDQUOT) return Error(Code::DRIVER_MEMORY, printable(path));
  if (number == EEXIST) return {Code::CPIO, printable(path), "one ramdisk to give it", "another one gave it before"};
  return errno_error(printable(path), number);
}

// Writes entries below one folder, never through a symlink: the reader promises it, and the kernel is asked to refuse
// as well.
class Tree {
 public:
  Tree(int root, Owners owners) : root_(root), owners_(owners) {}

  Result<void> add(const image::CpioEntry& entry, image::CpioReader& reader, Unpacked& counts) {
    ++counts.entries;
    if (owners_ == Owners::keep && std::max(entry.uid, entry.gid) >= machine::kImageIds) {
      return fail(Code::DRIVER_IDS, printable(entry.path), "ids up to 65535",
                  std::to_string(std::max(entry.uid, entry.gid)));
    }
    const std::size_t slash = entry.path.rfind('/');
    const std::string name = slash == std::string::npos ? entry.path : entry.path.substr(slash + 1);
    TRY_ASSIGN(const Fd parent, folder(slash == std::string::npos ? "." : entry.path.substr(0, slash)));
    if (entry.is_directory()) return directory(parent.get(), name, entry);
    if (!entry.hard_link_to.empty()) return hard_link(parent.get(), name, entry);
    if (entry.is_symlink()) {
      if (::symlinkat(entry.target.c_str(), parent.get(), name.c_str()) != 0)
        return fail(system_error(entry.path, errno));
      return own(parent.get(), name, entry, false);
    }
    if (entry.is_regular()) return file(parent.get(), name, entry, reader, counts);
    if (S_ISFIFO(entry.mode)) {
      if (::mkfifoat(parent.get(), name.c_str(), 0600) != 0) return fail(system_error(entry.path, errno));
      return own(parent.get(), name, entry, true);
    }
    ++counts.left_out;
    return {};
  }

 private:
  // The folder `path`; those that the archive left out on the way are made.
  Result<Fd> folder(const std::string& path) {
    Fd at = open_folder(root_, path);
    if (at) return at;
    if (errno != ENOENT) return fail(system_error(path, errno));
    const std::size_t slash = path.rfind('/');
    TRY_ASSIGN(const Fd above, folder(slash == std::string::npos ? "." : path.substr(0, slash)));
    const std::string name = slash == std::string::npos ? path : path.substr(slash + 1);
    if (::mkdirat(above.get(), name.c_str(), 0755) != 0) return fail(system_error(path, errno));
    at = open_folder(root_, path);
    if (!at) return fail(system_error(path, errno));
    return at;
  }

  static Fd open_folder(int root, const std::string& path) {
    open_how how{};
    how.flags = O_PATH | O_DIRECTORY | O_CLOEXEC;
    how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV;
    return Fd(static_cast<int>(::syscall(SYS_openat2, root, path.c_str(), &how, sizeof how)));
  }

  Result<void> directory(int parent, const std::string& name, const image::CpioEntry& entry) {
    if (entry.path == ".") {
      if (::fchownat(root_, "", owner(entry.uid), owner(entry.gid), AT_EMPTY_PATH) != 0)
        return fail(system_error(".", errno));
      return ::fchmod(root_, entry.mode & 07777) == 0 ? Result<void>{} : Result<void>(fail(system_error(".", errno)));
    }
    if (::mkdirat(parent, name.c_str(), 0700) != 0) {
      struct stat status{};
      const int number = errno;
      const bool again = number == EEXIST && ::fstatat(parent, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0 &&
                         S_ISDIR(status.st_mode);
      if (!again) return fail(system_error(entry.path, number));
    }
    return own(parent, name, entry, true);
  }

  static Result<void> hard_link_at(int root, const image::CpioEntry& entry, int parent, const std::string& name) {
    open_how how{};
    how.flags = O_PATH | O_NOFOLLOW | O_CLOEXEC;
    how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV;
    const Fd target(static_cast<int>(::syscall(SYS_openat2, root, entry.hard_link_to.c_str(), &how, sizeof how)));
    if (!target) return fail(system_error(entry.hard_link_to, errno));
    if (::linkat(target.get(), "", parent, name.c_str(), AT_EMPTY_PATH) == 0) return {};
    // Without CAP_DAC_READ_SEARCH in the first user namespace the kernel wants the link's own path.
    if (::linkat(root, entry.hard_link_to.c_str(), parent, name.c_str(), 0) != 0)
      return fail(system_error(entry.path, errno));
    return {};
  }
  Result<void> hard_link(int parent, const std::string& name, const image::CpioEntry& entry) {
    return hard_link_at(root_, entry, parent, name);
  }

  Result<void> file(int parent, const std::string& name, const image::CpioEntry& entry, image::CpioReader& reader,
                    Unpacked& counts) {
    const Fd fd(::openat(parent, name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!fd) return fail(system_error(entry.path, errno));
    for (;;) {
      TRY_ASSIGN(const std::size_t got, reader.read(buffer_));
      if (got == 0) break;
      for (std::size_t done = 0; done < got;) {
        const ssize_t n = ::write(fd.get(), buffer_.data() + done, got - done);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return fail(system_error(entry.path, errno));
        done += static_cast<std::size_t>(n);
      }
      counts.bytes += got;
    }
    if (::fchown(fd.get(), owner(entry.uid), owner(entry.gid)) != 0) return fail(system_error(entry.path, errno));
    if (::fchmod(fd.get(), entry.mode & 07777) != 0) return fail(system_error(entry.path, errno));
    const timespec time{static_cast<time_t>(entry.mtime), 0};
    const std::array<timespec, 2> times{time, time};
    if (::futimens(fd.get(), times.data()) != 0) return fail(system_error(entry.path, errno));
    return {};
  }

  // Owner first: changing it takes set-user-id bits away.
  Result<void> own(int parent, const std::string& name, const image::CpioEntry& entry, bool with_mode) {
    if (::fchownat(parent, name.c_str(), owner(entry.uid), owner(entry.gid), AT_SYMLINK_NOFOLLOW) != 0) {
      return fail(system_error(entry.path, errno));
    }
    if (with_mode && ::fchmodat(parent, name.c_str(), entry.mode & 07777, 0) != 0)
      return fail(system_error(entry.path, errno));
    return {};
  }

  [[nodiscard]] std::uint32_t owner(std::uint32_t id) const { return owners_ == Owners::keep ? id : 0; }

  int root_;
  Owners owners_;
  Bytes buffer_ = Bytes(kPieceBytes);
};

Result<void> unpack_ramdisk(MeasuredSource& source, Tree& tree, Unpacked& counts) {
  const auto pull = [&source](std::span<Byte> into) { return source.read(into); };
  image::CpioReader reader(pull);
  for (;;) {
    TRY_ASSIGN(const auto entry, reader.next());
    if (!entry) break;
    TRY(tree.add(*entry, reader, counts));
  }
  // What follows the end is measured too.
  Bytes rest(kPieceBytes);
  for (;;) {
    TRY_ASSIGN(const std::size_t got, source.read(rest));
    if (got == 0) return {};
  }
}

}  // namespace

Result<Unpacked> unpack(const eif::EifFile& image, const eif::Measurements& expected, int root, Owners owners) {
  Unpacked counts;
  Tree tree(root, owners);
  eif::Measurer measurer;
  for (const auto& section : image.sections()) {
    measurer.begin(section.type);
    if (section.type == eif::SectionType::ramdisk) {
      MeasuredSource source(image, section, measurer);
      TRY(unpack_ramdisk(source, tree, counts));
    } else {
      TRY(image.read(section, [&](ByteView piece) {
        measurer.update(piece);
        return Result<void>{};
      }));
    }
  }
  eif::Measurements found = measurer.finish();
  found.pcr8 = expected.pcr8;
  if (!CAGES_CHECK("DRIVER_CHANGED", found == expected))
    return fail(Code::DRIVER_CHANGED, "", hex(expected.pcr0), hex(found.pcr0));
  return counts;
}

}  // namespace cages::drivers
