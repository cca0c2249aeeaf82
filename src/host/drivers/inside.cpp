// SPDX-License-Identifier: Apache-2.0
#include "host/drivers/inside.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "base/clock.h"
#include "base/limits.h"
#include "eif/check.h"
#include "eif/read.h"
#include "host/drivers/fence.h"
#include "host/drivers/furnish.h"
#include "host/drivers/unpack.h"
#include "wire/frame.h"
#include "wire/manifest.h"

namespace cages::drivers {
namespace {

// The image by its descriptor: its path is out of reach by now.
class ImageSource final : public eif::Source {
 public:
  explicit ImageSource(std::uint64_t size) : size_(size) {}
  [[nodiscard]] std::uint64_t size() const override { return size_; }
  [[nodiscard]] Result<void> read_at(std::uint64_t offset, std::span<Byte> into) const override {
    while (!into.empty()) {
      const ssize_t n = ::pread(kImageFd, into.data(), into.size(), static_cast<off_t>(offset));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return fail(errno_error("image", errno));
      if (n == 0) return fail(Code::EIF_TRUNCATED, "", std::to_string(size_) + " bytes", std::to_string(offset));
      into = into.subspan(static_cast<std::size_t>(n));
      offset += static_cast<std::uint64_t>(n);
    }
    return {};
  }

 private:
  std::uint64_t size_;
};

Result<eif::EifFile> open_image() {
  const off_t size = ::lseek(kImageFd, 0, SEEK_END);
  if (size < 0) return fail(errno_error("image", errno));
  return eif::EifFile::open(std::make_shared<const ImageSource>(static_cast<std::uint64_t>(size)));
}

std::uint64_t since(Nanoseconds start) { return static_cast<std::uint64_t>((SystemClock().monotonic() - start).count()); }

Result<eif::Measurements> check_image(const eif::EifFile& image) {
  const Nanoseconds start = SystemClock().monotonic();
  TRY_ASSIGN(const eif::Checked checked, eif::check(image));
  const auto& pcrs = checked.measurements;
  send_report(Checked{pcrs.pcr0, pcrs.pcr1, pcrs.pcr2, pcrs.pcr8.value_or(crypto::Digest384{}), since(start)});
  return pcrs;
}

// In single-id mode there is one id; an image that runs as another would run as root of the enclave instead.
Result<void> check_user() {
  const auto bytes = read_file("/cage/manifest", limits::kManifestBytesMax);
  if (!bytes) return {};  // no cage of ours: its init will make of it what it can
  TRY_ASSIGN(const wire::Manifest manifest, wire::parse_manifest(*bytes));
  if (manifest.user.uid == 0 && manifest.user.gid == 0) return {};
  return fail(Code::DRIVER_SINGLE_ID, "", "USER 0:0", std::to_string(manifest.user.uid) + ":" + std::to_string(manifest.user.gid));
}

Result<void> hand_over(const std::vector<Fd>& descriptors) {
  std::array<int, limits::kEnclavePortsMax + 1> numbers{};
  for (std::size_t i = 0; i < descriptors.size(); ++i) numbers.at(i) = descriptors[i].get();
  const std::size_t bytes = descriptors.size() * sizeof(int);
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof numbers)> control{};
  char byte = 'v';
  iovec data{&byte, 1};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = CMSG_SPACE(bytes);
  cmsghdr* const head = CMSG_FIRSTHDR(&message);
  head->cmsg_level = SOL_SOCKET;
  head->cmsg_type = SCM_RIGHTS;
  head->cmsg_len = CMSG_LEN(bytes);
  std::memcpy(CMSG_DATA(head), numbers.data(), bytes);
  if (::sendmsg(kHandoverFd, &message, MSG_NOSIGNAL) != 1) return fail(errno_error("handover", errno));
  return {};
}

Result<void> wait_for_go() {
  char byte = 0;
  ssize_t n = 0;
  do n = ::read(kPlanFd, &byte, 1);
  while (n < 0 && errno == EINTR);
  if (n != 1) return fail(Code::CLOSED, "host");
  return {};
}

Result<void> run_init() {
  std::array<char, 6> init{"/init"};
  std::array<char, 7> home{"HOME=/"};
  std::array<char, 11> term{"TERM=linux"};
  const std::array<char*, 2> arguments{init.data(), nullptr};
  const std::array<char*, 3> environment{home.data(), term.data(), nullptr};
  // Closed by exec, so that a failure can still be reported.
  ::close_range(kNsmFd + 1, ~0U, CLOSE_RANGE_CLOEXEC);
  ::execve(init.data(), arguments.data(), environment.data());
  return fail(Code::DRIVER_INIT, "/init", "a program", errno_error("", errno).got);
}

Result<void> prepare(const Plan& plan) {
  // The rest is for programs: a full root must be an error of writing, not the end of the enclave.
  TRY_ASSIGN(Spares spares, leave_old_root(plan.memory_bytes / 4 * 3));
  TRY_ASSIGN(const eif::EifFile image, open_image());
  TRY_ASSIGN(const eif::Measurements pcrs, check_image(image));
  const Nanoseconds start = SystemClock().monotonic();
  {
    const Fd root(::open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!root) return fail(errno_error("/", errno));
    TRY_ASSIGN(Unpacked unpacked, unpack(image, pcrs, root.get(), plan.keep_owners ? Owners::keep : Owners::collapse));
    if (!plan.keep_owners) TRY(check_user());
    TRY(furnish(std::move(spares), image.cmdline()));
    TRY_ASSIGN(const std::vector<Fd> descriptors, open_ports(plan.ports));
    TRY(hand_over(descriptors));
    unpacked.nanoseconds = since(start);
    send_report(unpacked);
  }
  TRY(wait_for_go());
  send_report(Begun{});
  return raise_fence({plan.limit_by_rlimits, plan.memory_bytes});
}

}  // namespace

Error become_enclave(const Plan& plan) {
  auto ready = prepare(plan);
  if (!ready) return std::move(ready).error();
  return std::move(run_init()).error();
}

Result<Plan> read_plan() {
  std::array<Byte, wire::kFrameLengthBytes> prefix{};
  const auto read_exact = [](std::span<Byte> into) -> Result<void> {
    while (!into.empty()) {
      const ssize_t n = ::read(kPlanFd, into.data(), into.size());
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) return fail(Code::CLOSED, "host");
      into = into.subspan(static_cast<std::size_t>(n));
    }
    return {};
  };
  TRY(read_exact(prefix));
  TRY_ASSIGN(const std::size_t length, wire::frame_length(prefix));
  Bytes payload(length);
  TRY(read_exact(payload));
  return parse_plan(payload);
}

void send_report(const Report& report) {
  // One short message; a host that does not read them is gone, and so are we.
  const Bytes frame = write_report(report);
  [[maybe_unused]] const ssize_t n = ::send(kControlFd, frame.data(), frame.size(), MSG_NOSIGNAL);
}

}  // namespace cages::drivers
