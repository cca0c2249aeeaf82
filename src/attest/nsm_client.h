// SPDX-License-Identifier: Apache-2.0
// The asking side of the NSM: a channel that carries one request and its answer (the /dev/nsm ioctl, or the socket that the
// `process` driver leaves on descriptor 3), and Nsm, one typed call an operation. Plain blocking system calls: an NSM answers
// in about a millisecond. Documents come back as bytes, unverified. For the runtime.
#pragma once

#include <filesystem>
#include <memory>
#include <mutex>

#include "base/bytes.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/result.h"
#include "base/secret.h"
#include "wire/nsm.h"

namespace cages::attest {

// Where the `process` driver leaves the NSM's socket (interfaces: NSM).
inline constexpr int kNsmSocketFd = 3;

class NsmChannel {
 public:
  virtual ~NsmChannel() = default;
  // exchange sends `request` (at most kNsmRequestBytesMax, LIMIT else) and returns the answer, at most kNsmResponseBytesMax.
  // IO, TIMEOUT or CLOSED where the NSM did not answer.
  virtual Result<Bytes> exchange(ByteView request) = 0;
};

// The NSM of a Nitro enclave: ioctl 0xC0200A00 on /dev/nsm (Linux drivers/misc/nsm.c).
class NsmDevice final : public NsmChannel {
 public:
  // open: MACHINE where there is no such device.
  static Result<std::unique_ptr<NsmChannel>> open(const std::filesystem::path& path = "/dev/nsm");
  explicit NsmDevice(Fd device) : device_(std::move(device)) {}
  Result<Bytes> exchange(ByteView request) override;

 private:
  Fd device_;
};

// The NSM behind a SOCK_SEQPACKET socket, one datagram each way. After a failed exchange the channel stays closed, so that
// a late answer is never taken for the next request's. May be shared by threads; they wait for each other.
class NsmSocket final : public NsmChannel {
 public:
  explicit NsmSocket(Fd socket, std::chrono::milliseconds timeout = limits::kNsmAnswerTimeout)
      : timeout_(timeout), socket_(std::move(socket)) {}
  Result<Bytes> exchange(ByteView request) override;

 private:
  Result<Bytes> exchange_once(ByteView request);
  const std::chrono::milliseconds timeout_;
  std::mutex mutex_;
  Fd socket_;
};

// open_nsm returns the channel this process was started with: descriptor `fd` where it is a SOCK_SEQPACKET Unix socket
// (taken over, closed on exec), else /dev/nsm. MACHINE where there is neither.
Result<std::unique_ptr<NsmChannel>> open_nsm(int fd = kNsmSocketFd);

// One call an operation. NSM_REFUSED names the NSM's reason; NSM_RESPONSE where the answer is another operation's.
class Nsm {
 public:
  explicit Nsm(std::unique_ptr<NsmChannel> channel) : channel_(std::move(channel)) {}

  Result<wire::NsmDescription> describe();
  // random returns as many bytes as the NSM gives (256 seen), at least one.
  Result<Secret> random();
  // attestation returns a new document (COSE_Sign1, unverified). Each of the three at most 1024 bytes, all together in one
  // request; every *locked* PCR is in it. Costs a round trip to the hypervisor: about 860 a second.
  Result<Bytes> attestation(const wire::NsmAttestationRequest& request);
  Result<wire::NsmPcr> describe_pcr(std::uint16_t index);
  // extend_pcr: new = SHA-384(old || data); returns the new value. Cannot be undone.
  Result<Bytes> extend_pcr(std::uint16_t index, ByteView data);
  // lock_pcr fixes one PCR for the enclave's life, and so puts it into documents; lock_pcrs all of [0, range).
  Result<void> lock_pcr(std::uint16_t index);
  Result<void> lock_pcrs(std::uint16_t range);

 private:
  template <class T>
  Result<T> ask(const wire::NsmRequest& request);
  std::unique_ptr<NsmChannel> channel_;
};

}  // namespace cages::attest
