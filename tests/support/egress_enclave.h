// SPDX-License-Identifier: Apache-2.0
// The enclave's half of egress over memory streams: an app's connections as the kernel would hand them over, and a host
// that does what a test says.
#pragma once

#include <deque>
#include <functional>

#include "crypto/list_digest.h"
#include "net/deadline.h"
#include "net/event.h"
#include "net/frame.h"
#include "net/memory.h"
#include "net/relay.h"
#include "runtime/egress/gateway.h"
#include "runtime/egress/resolver.h"
#include "wire/egress.h"
#include "wire/name_query.h"
#include "wire/ports.h"

namespace cages::test {

// Connections that were on their way elsewhere, made by the test.
class MemoryDiverted final : public net::DivertedListener {
 public:
  // connect returns the app's end.
  net::StreamPtr connect(const IpAddress& to, std::uint16_t port) {
    auto [app, ours] = net::memory_pair();
    waiting_.push_back({std::move(ours), to, port});
    changed_.notify();
    return std::move(app);
  }
  Task<Result<net::Diverted>> accept() override {
    while (waiting_.empty() && open_) co_await changed_.wait();
    if (!open_) co_return fail(Code::CLOSED);
    net::Diverted next = std::move(waiting_.front());
    waiting_.pop_front();
    co_return next;
  }
  void close() override {
    open_ = false;
    changed_.notify();
  }

 private:
  std::deque<net::Diverted> waiting_;
  net::Event changed_;
  bool open_ = true;
};

// The enclave's half and a host's two ports. `host_egress` and `host_dns` are what the host does with each stream.
struct EnclaveEgress {
  explicit EnclaveEgress(std::vector<std::string> entries) : list(policy::AllowList::parse(entries).value()) {}

  using HostAct = std::function<Task<void>(net::Stream&)>;
  ManualClock clock;
  net::EventLoop loop{clock};
  policy::AllowList list;
  wire::ListDigest digest = crypto::list_digest(list.canonical());
  std::vector<std::string> said;
  runtime::egress::Tally tally{list, clock, [this](std::string_view line) { said.emplace_back(line); }};
  runtime::egress::Names names{{}};
  net::MemoryPorts host;
  runtime::egress::HostNames host_names{loop, host, list, digest, tally};
  runtime::egress::Resolver resolver{list, clock, names, host_names, tally};
  runtime::egress::Gateway gateway{loop, host, list, digest, names, tally};
  MemoryDiverted caught;
  HostAct host_egress = [](net::Stream&) -> Task<void> { co_return; };
  HostAct host_dns = host_egress;
  std::size_t host_streams = 0;

  // run: everything is up while `test` runs.
  template <class F>
  void run(F test) {
    loop.run([](EnclaveEgress& self, F inner) -> Task<void> {
      const net::ListenerPtr egress = self.host.listen(wire::port::kEgress).value();
      const net::ListenerPtr dns = self.host.listen(wire::port::kDns).value();
      net::TaskGroup tasks(self.loop);
      tasks.spawn("gateway", self.gateway.serve(self.caught));
      tasks.spawn("host", self.serve_host(*egress, self.host_egress));
      tasks.spawn("host dns", self.serve_host(*dns, self.host_dns));
      co_await inner();
      self.caught.close();
      co_await tasks.stop();
    }(*this, std::move(test)));
  }

  // connect: the app's end of a connection to a name, by the address that the resolver gave.
  net::StreamPtr connect(const std::string& name, std::uint16_t port) { return caught.connect(*names.address_of(name), port); }

  // ended returns whether the app's connection ends, without a byte, within `time`.
  Task<bool> ended(net::Stream& app, Nanoseconds time = std::chrono::seconds(1)) {
    const net::Deadline deadline(loop.timers(), app, time);
    Byte byte = 0;
    const auto got = co_await app.read_some({&byte, 1});
    co_return !deadline.expired() && (!got || *got == 0);
  }

  Task<wire::dns::Reply> ask(const std::string& name, std::uint16_t type) {
    const wire::dns::Query query{1, true, {name, type}, std::nullopt, {}};
    if (auto reply = resolver.at_once(query)) co_return std::move(*reply);
    co_return co_await resolver.ask_host(query.question);
  }

 private:
  Task<void> serve_host(net::Listener& listener, const HostAct& act) {
    net::TaskGroup streams(loop);
    for (;;) {
      auto accepted = co_await listener.accept();
      if (!accepted) co_return;
      ++host_streams;
      streams.spawn("host stream", one(act, std::move(accepted->stream)));
    }
  }
  static Task<void> one(const HostAct& act, net::StreamPtr stream) { co_await act(*stream); }
};

// answer reads the open message, answers `code`, and returns what was asked for.
inline Task<Result<wire::EgressOpen>> answer_open(net::Stream& stream, wire::EgressCode code, std::string text = {}) {
  CO_TRY_ASSIGN(const Bytes payload, co_await net::read_frame(stream));
  CO_TRY_ASSIGN(wire::EgressOpen open, wire::parse_egress_open(payload));
  CO_TRY(co_await stream.write_all(wire::write_egress(wire::EgressAnswer{code, std::move(text)})));
  co_return open;
}

// A host whose destinations send back what they get.
inline Task<void> echo(net::Stream& stream) {
  if (!co_await answer_open(stream, wire::EgressCode::ok)) co_return;
  std::uint64_t bytes = 0;
  std::ignore = co_await net::copy_all(stream, stream, bytes);
}

}  // namespace cages::test
