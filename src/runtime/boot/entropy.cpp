// SPDX-License-Identifier: Apache-2.0
#include "runtime/boot/entropy.h"

#include <fcntl.h>
#include <linux/random.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <vector>

#include "base/file.h"
#include "base/limits.h"
#include "crypto/random.h"

namespace cages::runtime {
namespace {

// random(4), struct rand_pool_info: bits, bytes, then the bytes themselves.
bool count_in_kernel(int device, ByteView bytes) {
  const std::array<int, 2> head{static_cast<int>(bytes.size() * 8), static_cast<int>(bytes.size())};
  Secret buffer(sizeof head + bytes.size());
  std::memcpy(buffer.reveal_mutable().data(), head.data(), sizeof head);
  std::memcpy(buffer.reveal_mutable().data() + sizeof head, bytes.data(), bytes.size());
  return ioctl(device, RNDADDENTROPY, buffer.reveal().data()) == 0;
}

}  // namespace

Result<bool> seed(attest::Nsm& nsm) {
  TRY_ASSIGN(const Secret random, nsm.random());
  if (random.size() < limits::kSeedBytesMin || all_zero(random.reveal())) {
    return fail(Code::ENTROPY, "NSM", std::to_string(limits::kSeedBytesMin) + " random bytes",
                std::to_string(random.size()));
  }
  const Fd device(open("/dev/urandom", O_WRONLY | O_CLOEXEC));
  bool counted = false;
  if (device) {
    counted = count_in_kernel(device.get(), random.reveal());
    if (!counted) [[maybe_unused]]
      const ssize_t mixed = write(device.get(), random.reveal().data(), random.size());
  }
  crypto::add_entropy(random);
  return counted;
}

}  // namespace cages::runtime
