// SPDX-License-Identifier: Apache-2.0
// ServedCage: a TestCage on a TCP port of this machine, in a thread of its own. For tests of blocking interfaces and verbs.
#pragma once

#include <atomic>
#include <future>
#include <thread>

#include "net/tcp.h"
#include "support/test_cage.h"

namespace cages::test {

class ServedCage {
 public:
  // `change` sees the cage before it serves.
  explicit ServedCage(const std::function<void(TestCage&)>& change = {}) : cage_(SystemClock().wall()) {
    if (change) change(cage_);
    std::promise<std::uint16_t> listening;
    auto port = listening.get_future();
    thread_ = std::thread([this, listening = std::move(listening)]() mutable {
      net::EventLoop loop;
      loop.run(serve(loop, std::move(listening)));
    });
    port_ = port.get();
  }
  ~ServedCage() {
    // One more connection wakes the accept that waits.
    ending_ = true;
    net::EventLoop loop;
    loop.run(knock(loop));
    thread_.join();
  }
  ServedCage(const ServedCage&) = delete;
  ServedCage& operator=(const ServedCage&) = delete;

  [[nodiscard]] const TestCage& cage() const { return cage_; }
  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] std::string url(std::string_view path = "/app") const {
    return "https://" + std::string(kCageHost) + ":" + std::to_string(port_) + std::string(path);
  }
  // What `cage build` would print of it.
  [[nodiscard]] std::string measurements() const {
    std::string text = R"({"HashAlgorithm":"Sha384 { ... }")";
    for (const auto& [index, value] : cage_.pcrs().pcrs) text += ",\"PCR" + std::to_string(index) + "\":\"" + hex(value) + "\"";
    return text + "}";
  }

 private:
  Task<void> serve(net::EventLoop& loop, std::promise<std::uint16_t> listening) {
    const net::ListenerPtr listener = net::listen_tcp(loop, "127.0.0.1", 0).value();
    listening.set_value(static_cast<std::uint16_t>(listener->port()));
    for (;;) {
      auto accepted = co_await listener->accept();
      if (!accepted || ending_) co_return;
      co_await cage_.serve(loop, std::move(accepted->stream));
    }
  }
  Task<void> knock(net::EventLoop& loop) { (void)co_await net::dial_tcp(loop, "127.0.0.1", port_); }

  TestCage cage_;
  std::uint16_t port_ = 0;
  std::atomic<bool> ending_ = false;
  std::thread thread_;
};

}  // namespace cages::test
