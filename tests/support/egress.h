// SPDX-License-Identifier: Apache-2.0
// EgressHost: the host's half of one cage's egress in one process, with names and destinations that a test makes up. The
// test is the enclave, honest or not. For tests of host/egress.
#pragma once

#include <functional>
#include <map>
#include <set>

#include "base/limits.h"
#include "crypto/list_digest.h"
#include "host/egress/egress.h"
#include "net/frame.h"
#include "net/memory.h"
#include "wire/ports.h"

namespace cages::test {

class FakeNames final : public net::NameSource {
 public:
  explicit FakeNames(net::EventLoop& loop) : loop_(loop) {}
  Task<Result<net::NameAddresses>> addresses(std::string name, Nanoseconds time) override {
    ++asked[name];
    if (delay > Nanoseconds(0)) co_await loop_.timers().sleep(std::min(delay, time));
    const auto found = known.find(name);
    if (found == known.end()) co_return fail(Code::EGRESS_RESOLVE, name, "an address", "none");
    co_return found->second;
  }
  Task<Result<Bytes>> message(std::string name, std::uint16_t type, Nanoseconds) override {
    ++asked[name + "/" + std::to_string(type)];
    if (delay > Nanoseconds(0)) co_await loop_.timers().sleep(delay);
    co_return to_bytes("DNS " + name + " " + std::to_string(type));
  }
  void set(const std::string& name, const std::vector<std::string>& addresses,
           std::chrono::seconds ttl = std::chrono::seconds(60)) {
    net::NameAddresses all{{}, ttl};
    for (const std::string& address : addresses) all.addresses.push_back(parse_ip(address).value());
    known[name] = all;
  }
  std::map<std::string, net::NameAddresses> known;
  std::map<std::string, int> asked;
  Nanoseconds delay{0};

 private:
  net::EventLoop& loop_;
};

// A destination that is up hands its end of the stream to the test.
class FakeConnector final : public host::Connector {
 public:
  explicit FakeConnector(net::EventLoop& loop) : loop_(loop) {}
  Task<Result<net::StreamPtr>> connect(const policy::Destination& destination) override {
    const std::string address = write_ip(destination.address());
    dialled.push_back(address + ":" + std::to_string(destination.port()));
    if (const auto slow = delays.find(address); slow != delays.end()) co_await loop_.timers().sleep(slow->second);
    if (!up.contains(address)) co_return fail(Code::UNREACHABLE, address, "", "Connection refused");
    auto [near, far] = net::memory_pair();
    ends.push_back(std::move(far));
    co_return std::move(near);
  }
  std::set<std::string> up;
  std::map<std::string, Nanoseconds> delays;
  std::vector<std::string> dialled;
  std::vector<net::StreamPtr> ends;

 private:
  net::EventLoop& loop_;
};

class EgressHost {
 public:
  explicit EgressHost(const std::vector<std::string>& allow, const std::vector<std::string>& ranges = {})
      : destinations(policy::DestinationPolicy::make(ranges).value()),
        egress(loop, {names, connector, destinations}, policy::AllowList::parse(allow).value(), "test") {}

  // run serves both ports while `body` is the enclave.
  template <class Body>
  void run(Body body) {
    loop.run(drive(body));
  }
  template <class Body>
  Task<void> drive(Body& body) {
    net::TaskGroup serving(loop);
    serving.spawn("streams", egress.serve_streams(network.listen(wire::port::kEgress).value()));
    serving.spawn("names", egress.serve_names(network.listen(wire::port::kDns).value()));
    co_await body();
    co_await serving.stop();
    co_await egress.stop();
  }
  wire::EgressOpen to(std::string name, std::uint16_t port = 443) const { return {std::move(name), port, egress.digest()}; }
  wire::EgressOpen to_address(std::string_view address, std::uint16_t port = 443) const {
    return {parse_ip(address).value(), port, egress.digest()};
  }

  struct Opened {
    net::StreamPtr stream;
    wire::EgressAnswer answer;
  };
  // open dials as the enclave does and returns the answer; its code is `list` + 1 where none came.
  Task<Opened> open(wire::EgressOpen open) {
    Opened out;
    out.stream = (co_await network.dial(wire::port::kEgress)).value();
    std::ignore = co_await out.stream->write_all(wire::write_egress(open));
    const auto payload = co_await net::read_frame(*out.stream);
    out.answer = payload ? wire::parse_egress_answer(*payload).value() : wire::EgressAnswer{wire::EgressCode(99), ""};
    co_return out;
  }
  // code_of: the answer's code alone. code_for runs the host for it, once.
  Task<wire::EgressCode> code_of(wire::EgressOpen wanted) {
    const Opened opened = co_await open(std::move(wanted));
    co_return opened.answer.code;
  }
  wire::EgressCode code_for(const wire::EgressOpen& wanted) {
    wire::EgressCode code{99};
    run([&]() -> Task<void> { code = co_await code_of(wanted); });
    return code;
  }

  ManualClock clock;
  net::EventLoop loop{clock};
  net::MemoryPorts network;
  FakeNames names{loop};
  FakeConnector connector{loop};
  policy::DestinationPolicy destinations;
  host::Egress egress;
};

}  // namespace cages::test
