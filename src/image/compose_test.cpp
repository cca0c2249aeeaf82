// SPDX-License-Identifier: Apache-2.0
#include "image/compose.h"

#include <gtest/gtest.h>

#include "image/health.h"
#include "image/users.h"
#include "support/image.h"

namespace cages::image {
namespace {

using testing::tar;

// An image with the files that the rules look at.
Image sample() {
  static const std::string kPasswd =
      "root:x:0:0:root:/root:/bin/sh\napp:x:1000:1001:App:/home/app:/bin/sh\n# comment\nbroken\n2000:x:7:8::/srv:\n";
  static const std::string kGroup =
      "root:x:0:\napp:x:1001:\naudio:x:29:app,other\nvideo:x:44:other,app\nall:x:1001:app\n";
  auto image = testing::load_layers({tar({{.name = "etc/passwd", .content = kPasswd},
                                          {.name = "etc/group", .content = kGroup},
                                          {.name = "bin/sh", .mode = 0755},
                                          {.name = "usr/bin/app", .mode = 0755},
                                          {.name = "usr/bin/data", .mode = 0644},
                                          {.name = "srv/run", .mode = 0755}})});
  image->config.env = {{"PATH", "/usr/bin:/bin"}};
  image->config.entrypoint = {"app"};
  image->config.exposed_ports = {"8080/tcp"};
  return std::move(*image);
}

Project project() {
  Project p;
  p.name = "test";
  return p;
}

const PolicyInputs kInputs{.roots = {wire::RootHash{}}, .client_cas = {}};

using Texts = std::vector<std::string>;

Result<Composed> composed(const std::function<void(ImageConfig&, Project&)>& change) {
  Image image = sample();
  Project p = project();
  change(image.config, p);
  return compose(p, image, kInputs);
}

// What the configuration holds after each form of the two instructions, and what Docker then runs.
TEST(Command, FollowsDocker) {
  struct Row {
    Texts entrypoint, cmd;
    std::optional<Texts> toml;
    Texts expected;
  };
  const Row rows[] = {
      {{"app"}, {}, {}, {"app"}},                                              // ENTRYPOINT exec
      {{}, {"app", "-v"}, {}, {"app", "-v"}},                                  // CMD exec
      {{"app", "serve"}, {"-v"}, {}, {"app", "serve", "-v"}},                  // both exec: CMD is the arguments
      {{}, {"/bin/sh", "-c", "app -v"}, {}, {"/bin/sh", "-c", "app -v"}},      // CMD shell
      {{"/bin/sh", "-c", "app"}, {}, {}, {"/bin/sh", "-c", "app"}},            // ENTRYPOINT shell
      {{"/bin/sh", "-c", "app"}, {"-v"}, {}, {"/bin/sh", "-c", "app", "-v"}},  // … and CMD: sh ignores $0
      {{"app"}, {"/bin/sh", "-c", "x"}, {}, {"app", "/bin/sh", "-c", "x"}},    // exec ENTRYPOINT, shell CMD
      {{"app"}, {"x"}, Texts{"/srv/run", "y"}, {"/srv/run", "y"}},             // cage.toml replaces both
  };
  for (const Row& row : rows) {
    const auto result = composed([&](ImageConfig& config, Project& p) {
      config.entrypoint = row.entrypoint;
      config.cmd = row.cmd;
      p.command = row.toml;
    });
    ASSERT_TRUE(result) << describe(result.error());
    EXPECT_EQ(result->manifest.command, row.expected);
  }
}

TEST(Command, MustExistInTheImage) {
  const auto fails = [](Texts command, std::string workdir = "") {
    const auto result = composed([&](ImageConfig& config, Project&) {
      config.entrypoint = command;
      config.workdir = workdir;
    });
    return !result && result.error().code == Code::IMAGE_CONFIG && result.error().subject == "command";
  };
  EXPECT_TRUE(fails({}));
  EXPECT_TRUE(fails({"nothing"}));
  EXPECT_TRUE(fails({"data"})) << "not executable";
  EXPECT_TRUE(fails({"/usr/bin"})) << "a directory";
  EXPECT_TRUE(fails({"./run"}));
  EXPECT_FALSE(fails({"./run"}, "/srv"));
  EXPECT_FALSE(fails({"../bin/sh"}, "/srv"));
}

TEST(User, IsResolvedInTheImage) {
  struct Row {
    const char* text;
    wire::User user;
    const char* home;
  };
  const Row rows[] = {{"", {0, 0, {}}, "/root"},
                      {"root", {0, 0, {}}, "/root"},
                      {"app", {1000, 1001, {29, 44}}, "/home/app"},
                      {"1000", {1000, 1001, {29, 44}}, "/home/app"},
                      {"app:audio", {1000, 29, {}}, "/home/app"},
                      {"app:77", {1000, 77, {}}, "/home/app"},
                      {"5555", {5555, 0, {}}, "/"},
                      {"5555:6666", {5555, 6666, {}}, "/"},
                      {"2000", {7, 8, {}}, "/srv"},
                      {":29", {0, 29, {}}, "/root"}};
  const Image image = sample();
  for (const Row& row : rows) {
    const auto user = resolve_user(image.tree, row.text);
    ASSERT_TRUE(user) << row.text;
    EXPECT_EQ(user->user, row.user) << row.text;
    EXPECT_EQ(user->home, row.home) << row.text;
  }
  for (const char* text : {"nobody", "app:nogroup", "4294967295", "-1", "broken"}) {
    EXPECT_EQ(resolve_user(image.tree, text).error().code, Code::IMAGE_CONFIG) << text;
  }
}

TEST(Environment, AddsWhatDockerWouldAndLetsTomlReplace) {
  const auto result = composed([](ImageConfig& config, Project& p) {
    config.env = {{"A", "1"}, {"PATH", "/usr/bin"}};
    config.user = "app";
    p.environment = {{"A", "2"}, {"B", "3"}};
  });
  ASSERT_TRUE(result);
  EXPECT_EQ(result->manifest.environment,
            (std::vector<wire::Variable>{{"A", "2"}, {"PATH", "/usr/bin"}, {"B", "3"}, {"HOME", "/home/app"}}));
}

TEST(Port, IsTheOneExposedOrTheOneInToml) {
  const auto with = [](Texts exposed, std::optional<std::uint16_t> toml = {}) {
    return composed([&](ImageConfig& config, Project& p) {
      config.exposed_ports = exposed;
      p.port = toml;
    });
  };
  EXPECT_EQ(with({"8080/tcp"})->manifest.port, 8080);
  EXPECT_EQ(with({"80"})->manifest.port, 80);
  EXPECT_EQ(with({"80/tcp", "443/tcp"}, 443)->manifest.port, 443);
  EXPECT_EQ(with({"53/udp", "80/tcp"})->manifest.port, 80);
  EXPECT_EQ(with({"53/udp", "80/tcp"})->warnings.size(), 1U);
  EXPECT_EQ(with({}).error().subject, "port");
  EXPECT_EQ(with({"80/tcp", "443/tcp", "8080/tcp"}).error().got, "several EXPOSEd ports: 80, 443, 8080");
  EXPECT_EQ(with({"0/tcp"}).error().code, Code::IMAGE);
  EXPECT_EQ(with({"x/tcp"}).error().code, Code::IMAGE);
}

TEST(StopSignal, IsHonoured) {
  for (const auto& [text, number] : std::vector<std::pair<std::string, int>>{{"SIGTERM", 15},
                                                                             {"TERM", 15},
                                                                             {"sigint", 2},
                                                                             {"9", 9},
                                                                             {"SIGQUIT", 3},
                                                                             {"SIGRTMIN", 34},
                                                                             {"SIGRTMIN+3", 37},
                                                                             {"RTMAX-1", 63},
                                                                             {"SIGWINCH", 28}}) {
    EXPECT_EQ(parse_signal(text).value(), number) << text;
  }
  for (const char* text : {"SIGNONE", "0", "65", "-1", "SIGRTMIN+99", "", "15x"}) {
    EXPECT_EQ(parse_signal(text).error().code, Code::IMAGE_CONFIG) << text;
  }
  EXPECT_EQ(composed([](ImageConfig& config, Project&) { config.stop_signal = "SIGINT"; })->manifest.stop_signal, 2);
}

TEST(Healthcheck, BecomesAProbeWhereItIsOne) {
  struct Row {
    Texts test;
    std::optional<wire::Health> expected;
  };
  const auto http = [](std::string path, std::uint16_t port) {
    return wire::Health{.kind = wire::HealthKind::http, .path = std::move(path), .port = port, .interval_ms = 5000};
  };
  const auto tcp = [](std::uint16_t port) {
    return wire::Health{.kind = wire::HealthKind::tcp, .path = {}, .port = port, .interval_ms = 5000};
  };
  const Row rows[] = {
      {{"CMD-SHELL", "curl -f http://localhost:8080/healthz || exit 1"}, http("/healthz", 8080)},
      {{"CMD-SHELL", "curl --fail --silent 'http://127.0.0.1/a?b=c' > /dev/null 2>&1 || exit 1"}, http("/a?b=c", 80)},
      {{"CMD", "curl", "-fsS", "-m", "5", "-o", "/dev/null", "http://localhost:9/"}, http("/", 9)},
      {{"CMD", "/usr/bin/curl", "-sf", "localhost:8000"}, http("/", 8000)},
      {{"CMD", "curl", "http://localhost:8080/x"}, tcp(8080)},
      {{"CMD-SHELL", "wget -q --spider http://localhost:8080/ping || exit 1"}, http("/ping", 8080)},
      {{"CMD-SHELL", "wget --no-verbose --tries=1 --spider http://0.0.0.0:80/ || exit 1"}, http("/", 80)},
      {{"CMD", "wget", "-qO-", "http://[::1]:5000/h"}, http("/h", 5000)},
      {{"CMD", "nc", "-z", "localhost", "6379"}, tcp(6379)},
      {{"CMD-SHELL", "nc -zv -w 1 127.0.0.1 5432 || exit 1"}, tcp(5432)},
      {{"NONE"}, wire::Health{}},
      {{"CMD", "curl", "-f", "https://localhost/"}, {}},
      {{"CMD", "curl", "-f", "http://example.com/"}, {}},
      {{"CMD", "curl", "-f", "-X", "POST", "http://localhost/"}, {}},
      {{"CMD", "curl", "-f", "-H", "Host: x", "http://localhost/"}, {}},
      {{"CMD", "curl", "-f", "http://localhost/a", "http://localhost/b"}, {}},
      {{"CMD-SHELL", "curl -f http://localhost/$(cat /x)"}, {}},
      {{"CMD-SHELL", "curl -f http://localhost/ | grep ok"}, {}},
      {{"CMD-SHELL", "curl -f http://localhost/ && test -f /ready"}, {}},
      {{"CMD", "/healthcheck"}, {}},
      {{"CMD", "pg_isready"}, {}},
      {{"CMD", "nc", "-z", "example.com", "80"}, {}},
      {{"CMD", "curl", "-f", "http://localhost:0/"}, {}},
      {{"CMD", "curl", "-f", "http://localhost:99999/"}, {}},
      {{"CMD"}, {}},
      {{}, {}},
  };
  for (const Row& row : rows) {
    std::string text;
    for (const std::string& word : row.test) text += word + " ";
    EXPECT_EQ(recognise_probe({row.test, 0}), row.expected) << text;
  }
  EXPECT_EQ(recognise_probe({{"CMD", "nc", "-z", "localhost", "1"}, 30'000'000'000})->interval_ms, 30000U);
  EXPECT_EQ(recognise_probe({{"CMD", "nc", "-z", "localhost", "1"}, 1'000'000})->interval_ms, 100U) << "clamped";
}

TEST(Healthcheck, WarnsWhereItIsNoProbe) {
  const auto result =
      composed([](ImageConfig& config, Project&) { config.healthcheck = Healthcheck{{"CMD", "/check"}, 0}; });
  ASSERT_TRUE(result);
  ASSERT_EQ(result->warnings.size(), 1U);
  EXPECT_TRUE(result->warnings[0].starts_with("HEALTHCHECK"));
  EXPECT_EQ(result->manifest.health.kind, wire::HealthKind::tcp);
}

TEST(Secrets, NeverReplaceAVariable) {
  const auto with = [](std::string secret) {
    return composed([&](ImageConfig& config, Project& p) {
      config.env.push_back({"TOKEN", "x"});
      p.environment = {{"MINE", "y"}};
      p.secrets = {{secret, wire::Delivery::environment}};
    });
  };
  EXPECT_EQ(with("TOKEN").error().code, Code::SECRET_NAME);
  EXPECT_EQ(with("MINE").error().code, Code::SECRET_NAME);
  EXPECT_TRUE(with("OTHER"));
}

TEST(Workdir, MustBeADirectoryOfTheImage) {
  EXPECT_EQ(composed([](ImageConfig& config, Project&) { config.workdir = "/srv"; })->manifest.workdir, "/srv");
  EXPECT_EQ(composed([](ImageConfig&, Project& p) { p.workdir = "/nothing"; }).error().subject, "workdir");
  EXPECT_EQ(composed([](ImageConfig& config, Project&) { config.workdir = "/usr/bin/app"; }).error().subject,
            "workdir");
}

TEST(Workdir, OfTheConfigurationIsMadeAsDockerDoes) {
  Image image = sample();
  image.config.workdir = "/srv/new/deep";
  ASSERT_TRUE(compose(project(), image, kInputs));
  ASSERT_NE(image.tree.find("srv/new/deep"), nullptr);
  EXPECT_EQ(image.tree.find("srv/new/deep")->permissions, 0755U);
}

}  // namespace
}  // namespace cages::image
