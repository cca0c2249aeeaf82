// SPDX-License-Identifier: Apache-2.0
// Meeting: a client that knows what to expect, and a TestCage that may lie, joined by a stream in memory. For tests of clients.
#pragma once

#include <gtest/gtest.h>

#include "client/connect.h"
#include "net/memory.h"
#include "support/test_cage.h"

namespace cages::test {

struct Meeting {
  ManualClock clock;
  net::EventLoop loop{clock};
  crypto::SystemRandom random;
  TestCage cage{clock.wall()};
  client::Target target{std::string(kCageHost), 443, ""};
  client::Settings settings;

  Meeting() {
    settings.policy.pcr_sets = {cage.pcrs()};
    settings.roots = {cage.documents.root()};
    settings.authorities.pem = cage.ca.certificate.pem();
  }

  Task<Result<std::string>> ask() {
    auto [near, far] = net::memory_pair();
    loop.spawn("cage", cage.serve(loop, std::move(far)));
    const client::World world{loop.timers(), loop.clock(), random};
    CO_TRY_ASSIGN(const client::ConnectionPtr connection,
                  co_await client::attest_stream(world, std::move(near), target, settings));
    http::RequestHead head;
    head.method = "GET";
    head.target = "/app";
    head.authority = target.authority();
    CO_TRY_ASSIGN(const http::WholeResponse answer, co_await connection->http().request(std::move(head), Bytes(), 100));
    co_return std::string(as_text(answer.body));
  }

  // The class of the refusal, nothing where the app answered. Whatever was refused, the app heard of nothing.
  std::string outcome() {
    const auto answered = loop.run(ask()).value();
    if (answered) {
      EXPECT_EQ(*answered, "hello");
      return "";
    }
    for (const std::string& target_seen : cage.seen) EXPECT_EQ(target_seen, wire::kSessionPath);
    return error_class(answered.error());
  }
};

}  // namespace cages::test
