// SPDX-License-Identifier: Apache-2.0
#include "runtime/boot/machine.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "base/file.h"
#include "base/limits.h"
#include "runtime/boot/cmdline.h"

namespace cages::runtime {
namespace {

constexpr unsigned long kPlain = MS_NOSUID | MS_NODEV | MS_NOEXEC;

struct Place {
  const char* target;
  const char* type;
  unsigned long flags;
  const char* options;
  unsigned long magic;  // what statfs says where it is there already
  bool needed;
};

constexpr std::array<Place, 5> kPlaces{{
    {"/proc", "proc", kPlain, nullptr, PROC_SUPER_MAGIC, true},
    {"/dev", "devtmpfs", MS_NOSUID | MS_NOEXEC, "mode=0755", TMPFS_MAGIC, true},
    {"/sys", "sysfs", kPlain, nullptr, SYSFS_MAGIC, false},
    {"/run", "tmpfs", kPlain, "mode=0755", TMPFS_MAGIC, false},
    {"/tmp", "tmpfs", kPlain, "mode=1777", TMPFS_MAGIC, false},
}};

bool there(const Place& place) {
  struct statfs info{};
  if (statfs(place.target, &info) != 0 || static_cast<unsigned long>(info.f_type) != place.magic) return false;
  // The root of an initramfs may be a tmpfs itself: a mount of its own has another device.
  struct stat root{};
  struct stat target{};
  return stat("/", &root) == 0 && stat(place.target, &target) == 0 && root.st_dev != target.st_dev;
}

// errno, or 0.
int have(const Place& place) {
  if (mkdir(place.target, 0755) != 0 && errno != EEXIST) return errno;
  if (there(place)) return 0;
  if (mount(place.type, place.target, place.type, place.flags, place.options) == 0) return 0;
  return errno == EBUSY ? 0 : errno;
}

// The kernel of a release has the NSM's driver built in, or its ramdisk has the module (design §3).
int load_nsm_module() {
  if (access("/dev/nsm", F_OK) == 0) return 0;
  const Fd module(open("/nsm.ko", O_RDONLY | O_CLOEXEC));
  if (!module) return 0;
  if (syscall(SYS_finit_module, module.get(), "", 0) == 0 || errno == EEXIST) return 0;
  return errno;
}

int raise_loopback() {
  const Fd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!socket) return errno;
  ifreq request{};
  std::memcpy(request.ifr_name, "lo", sizeof "lo");
  if (ioctl(socket.get(), SIOCGIFFLAGS, &request) != 0) return errno;
  if ((request.ifr_flags & IFF_UP) != 0) return 0;
  request.ifr_flags |= IFF_UP;
  return ioctl(socket.get(), SIOCSIFFLAGS, &request) == 0 ? 0 : errno;
}

// The app's root has no capability over this network namespace, and still expects to listen on port 80.
int open_low_ports() {
  const Fd file(open("/proc/sys/net/ipv4/ip_unprivileged_port_start", O_WRONLY | O_CLOEXEC));
  if (!file) return errno;
  return write(file.get(), "0\n", 2) == 2 ? 0 : errno;
}

std::string reason(int number) { return errno_error("", number).got; }

}  // namespace

Result<std::vector<std::string>> prepare_machine() {
  std::vector<std::string> missing;
  for (const Place& place : kPlaces) {
    const int error = have(place);
    if (error == 0) continue;
    if (place.needed) return fail(Code::BOOT_MOUNT, place.target, place.type, reason(error));
    missing.push_back(std::string("no ") + place.target + " (" + reason(error) + ")");
  }
  if (const int error = load_nsm_module())
    return fail(Code::MACHINE, "/nsm.ko", "a module for this kernel", reason(error));
  if (const int error = raise_loopback())
    return fail(Code::MACHINE, "loopback", "an interface that is up", reason(error));
  if (const int error = open_low_ports()) missing.push_back("ports below 1024 need root (" + reason(error) + ")");
  return missing;
}

Result<std::vector<std::string>> check_cmdline(const std::string& copy) {
  TRY_ASSIGN(const Bytes measured, read_file(copy, limits::kCmdlineBytesMax));
  TRY_ASSIGN(const Bytes running, read_file("/proc/cmdline", limits::kCmdlineBytesMax));
  return compare_cmdline(as_text(measured), as_text(running));
}

}  // namespace cages::runtime
