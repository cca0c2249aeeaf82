// SPDX-License-Identifier: Apache-2.0
// Everything around one booting cage, in memory: the platform (the real provisioner), the host, the NSM (the software
// one) and the app; honest but for what Chaos does to their messages. For the boot's chaos test.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "attest/nsm_client.h"
#include "flows/chaos/faults.h"
#include "net/event.h"
#include "net/memory.h"
#include "runtime/app/probe.h"
#include "runtime/app/protocol.h"
#include "runtime/app/spawner.h"
#include "runtime/boot/journal.h"
#include "support/development.h"
#include "support/test_authority.h"
#include "tls/server.h"
#include "wire/manifest.h"

namespace cages::chaos {

inline constexpr std::uint16_t kAppPort = 8080;

// What outlives a boot and is dear to make: the platform with its keys, and the liars' keys.
class World {
 public:
  World();
  [[nodiscard]] ManualClock& clock() { return platform.platform->clock; }
  [[nodiscard]] wire::Manifest manifest() const;
  [[nodiscard]] std::string secret() const { return "value of " + platform.platform->deployment.evidence_class; }
  // token: of the deployment that runs, or of one whose image is another.
  std::string token(bool of_another_image);

  test::DevelopmentPlatform platform;
  std::unique_ptr<tls::Server> provisioner;  // as the platform's own
  std::unique_ptr<tls::Server> impostor;     // under a root of its own
  Bytes grant_of_another;                    // a frame, good for another enclave
  test::TestAuthority other_authority;       // signs documents under another root

 private:
  server::Deployment other_image_;
};

// The NSM over a channel that the host may stand in.
class ChaosNsm final : public attest::NsmChannel {
 public:
  ChaosNsm(World& world, Chaos& chaos) : world_(world), chaos_(chaos) {}
  Result<Bytes> exchange(ByteView request) override;

 private:
  Result<Bytes> strike(Message message, Bytes answer);
  World& world_;
  Chaos& chaos_;
  bool closed_ = false;
  Bytes previous_;
  Bytes left_over_;
};

// The app: starts, prints a line, is healthy; ends when asked to, or by itself where the plan is about that.
class ChaosApp final : public runtime::AppStarter, public runtime::AppDialer {
 public:
  ChaosApp(net::EventLoop& loop, World& world, Chaos& chaos) : loop_(loop), world_(world), chaos_(chaos) {}
  Result<runtime::AppEnds> start(const runtime::AppSpec& spec) override;
  Result<void> end() override;
  Task<Result<net::StreamPtr>> dial(std::uint16_t port) override;
  [[nodiscard]] unsigned starts() const { return starts_; }
  // Whether each start brought the secret that the platform granted, and nothing else.
  [[nodiscard]] bool secrets_were_right() const { return secrets_were_right_; }

 private:
  struct Life;
  static Task<void> live(ChaosApp& app, std::shared_ptr<Life> life);
  Task<void> answer_probe(net::StreamPtr stream);
  Task<Result<void>> say(Life& life, Message message, const runtime::AppMessage& what);

  net::EventLoop& loop_;
  World& world_;
  Chaos& chaos_;
  std::shared_ptr<Life> life_;
  unsigned starts_ = 0;
  bool secrets_were_right_ = true;
};

// The host's side of every port.
class ChaosHost final : public net::PortDialer, public net::PortListener {
 public:
  ChaosHost(net::EventLoop& loop, World& world, Chaos& chaos) : loop_(loop), world_(world), chaos_(chaos) {}
  // serve starts the host.
  void serve();
  // operate waits for a cage that is ready, leaves it so for a while, asks how it is, and has it drained; where that
  // is not heard, calls `stop`, as a signal does.
  Task<void> operate(net::Event& ready, const bool& is_ready, Nanoseconds hold, std::function<void()> stop);
  // As the cage sees it.
  Task<Result<net::StreamPtr>> dial(std::uint32_t port) override;
  Result<net::ListenerPtr> listen(std::uint32_t port) override;

 private:
  Task<void> accept(net::ListenerPtr listener, std::function<Task<void>(net::StreamPtr)> handler);
  Task<void> heartbeat(net::StreamPtr stream);
  Task<void> control(net::StreamPtr stream);
  Task<void> provision(net::StreamPtr stream);
  Task<Result<void>> ask(Message message, Bytes request);
  net::StreamPtr with_faults(net::StreamPtr stream, Classify classify);

  net::EventLoop& loop_;
  World& world_;
  Chaos& chaos_;
  net::MemoryPorts of_host_;
  net::MemoryPorts of_cage_;
};

}  // namespace cages::chaos
