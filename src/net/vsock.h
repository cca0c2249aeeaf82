// SPDX-License-Identifier: Apache-2.0
// vsock ports, over the kernel's AF_VSOCK (Nitro, the enclave's side under a VM), or over Unix sockets by the hybrid
// convention (interfaces, VSOCK): FOLDER/v is where the host dials with "CONNECT port\n" and is answered "OK n\n";
// FOLDER/v_<port> is where the enclave dials. Callers see PortDialer and PortListener alike.
#pragma once

#include <filesystem>
#include <map>
#include <memory>

#include "net/descriptor.h"

namespace cages::net {

inline constexpr std::uint32_t kHostCid = 3;

// AF_VSOCK. Dials ports of `cid`; listens on any CID of this side and closes, unseen, connections of other peers than
// `cid`.
class Vsock final : public PortDialer, public PortListener {
 public:
  Vsock(EventLoop& loop, std::uint32_t cid) : loop_(loop), cid_(cid) {}
  Task<Result<StreamPtr>> dial(std::uint32_t port) override;
  Result<ListenerPtr> listen(std::uint32_t port) override;

 private:
  EventLoop& loop_;
  std::uint32_t cid_;
};

// The host's side of the hybrid convention.
class HybridHost final : public PortDialer, public PortListener {
 public:
  HybridHost(EventLoop& loop, std::filesystem::path folder) : loop_(loop), folder_(std::move(folder)) {}
  // dial: UNREACHABLE where the enclave does not listen on `port`; TIMEOUT after kHybridTime.
  Task<Result<StreamPtr>> dial(std::uint32_t port) override;
  Result<ListenerPtr> listen(std::uint32_t port) override;

 private:
  EventLoop& loop_;
  std::filesystem::path folder_;
};

// The enclave's side: one listener on FOLDER/v, whose connections go to the port that they ask for.
class HybridEnclave final : public PortDialer, public PortListener {
 public:
  // `listener` is FOLDER/v, listening (by path or handed over as a descriptor); `folder` is where v_<port> are.
  HybridEnclave(EventLoop& loop, ListenerPtr listener, std::filesystem::path folder);
  ~HybridEnclave() override;
  Task<Result<StreamPtr>> dial(std::uint32_t port) override;
  Result<ListenerPtr> listen(std::uint32_t port) override;

 private:
  class Port;
  struct Ports;
  static Task<void> serve(EventLoop& loop, std::shared_ptr<Ports> ports);
  static Task<void> greet(EventLoop& loop, std::shared_ptr<Ports> ports, StreamPtr stream);
  EventLoop& loop_;
  std::filesystem::path folder_;
  std::shared_ptr<Ports> ports_;
  TaskGroup tasks_;
};

}  // namespace cages::net
