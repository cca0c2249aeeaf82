// SPDX-License-Identifier: Apache-2.0
// The REST API over streams in memory: what one caller asks for is not held up by what another one makes caged do.
#include <gtest/gtest.h>

#include <future>

#include "http/client.h"
#include "net/memory.h"
#include "server/api/access.h"
#include "server/api/rest.h"
#include "support/image.h"
#include "support/platform.h"
#include "support/raw_eif.h"

namespace cages::flows {
namespace {

class ApiFlow : public ::testing::Test {
 protected:
  Task<Result<http::WholeResponse>> ask(std::string method, std::string target, Bytes body) {
    auto [near, far] = net::memory_pair();
    loop.spawn("caged", [](ApiFlow& flow, net::StreamPtr stream) -> Task<void> {
      const http::Handler handler = [&flow](http::Request& request, http::Responder& responder) {
        return flow.rest.handle(request, responder);
      };
      (void)co_await http::serve(flow.loop.timers(), *stream, handler, flow.draining);
    }(*this, std::move(far)));
    http::Client client(loop.timers(), std::move(near));
    http::RequestHead head;
    head.method = std::move(method);
    head.target = std::move(target);
    head.authority = "caged";
    head.headers.add("Authorization", "Bearer " + std::string(as_text(key.reveal())));
    co_return co_await client.request(std::move(head), std::move(body), 65536);
  }

  cages::testing::TemporaryFolder folder;
  test::TestPlatform platform;
  net::EventLoop loop{platform.clock};
  net::Worker worker{loop};
  server::Blobs blobs = server::Blobs::open(folder.path()).value();
  server::Registry registry{{.domain = "localhost",
                             .development = true,
                             .default_class = platform.deployment.evidence_class,
                             .classes = {platform.deployment.evidence_class}},
                            platform.store, blobs, platform.random};
  std::unique_ptr<server::KeyWrapper> wrapper = server::wrapper_in_file(folder.path() / "engine.key", platform.random).value();
  server::Engine engine{platform.store, *wrapper, platform.clock};
  server::EngineApi engine_api{engine, platform.clock};
  server::Rest rest{{}, registry, blobs, platform.store, *platform.keyring, engine_api, worker, [] {}};
  http::Draining draining;
  Secret key = server::new_api_key(platform.store, platform.random, "test").value();
};

TEST_F(ApiFlow, AnswersOthersWhileAnImageIsMeasured) {
  std::promise<void> opened;
  std::future<void> open = opened.get_future();
  bool uploaded = false;
  const auto occupy = [&]() -> Task<void> { (void)co_await worker.run([&] { return (open.wait(), 0); }); };
  const auto upload = [&]() -> Task<void> {
    const auto answer = co_await ask("POST", "/v1/apps/pay/deployments", test::build(test::sample_eif()));
    uploaded = true;
    EXPECT_TRUE(answer);
    if (answer) EXPECT_NE(as_text(answer->body).find("\"CPIO\""), std::string::npos) << as_text(answer->body);
  };
  const auto others = [&]() -> Task<void> {
    for (int i = 0; i < 1000; ++i) co_await net::yield();  // as far as the upload gets while no image can be measured
    const auto answer = co_await ask("GET", "/v1/apps", {});
    EXPECT_TRUE(answer && answer->head.status == 200);
    EXPECT_FALSE(uploaded) << "the image is not measured yet";
    opened.set_value();
  };
  loop.run([&]() -> Task<void> {
    loop.spawn("occupy", occupy());
    co_await net::together(upload(), others());
  }());
  EXPECT_TRUE(uploaded);
}

}  // namespace
}  // namespace cages::flows
