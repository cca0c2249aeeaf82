// SPDX-License-Identifier: Apache-2.0
#include "image/project.h"

#include <gtest/gtest.h>

namespace cages::image {
namespace {

std::string with(std::string_view more) { return "version = 1\nname = \"test\"\n" + std::string(more); }
Error refusal(std::string_view more) {
  const auto project = parse_project(with(more));
  return project ? Error(Code::INTERNAL, "accepted") : project.error();
}

TEST(Project, ReadsEverySetting) {
  const Project p = parse_project(with(R"(
port = 8080
legacy_attestation = true
trusted_headers = ["X-Request-Id"]
[image]
oci = "image"
kernel = "bzImage"
command = ["/app", "x"]
env = { A = "1" }
user = "app"
workdir = "/srv"
[tls]
client_ca = ["a.pem", "b.pem"]
[egress]
allow = ["example.com:443"]
[health]
path = "/healthz"
interval_ms = 500
[logs]
app = "forward"
context = "forward"
query = true
[resources]
memory_mib = 512
cpus = 2
[signing]
certificate = "c.pem"
key = "k.pem"
[secrets]
B = { deliver = "env" }
A_KEY = { }
[auth]
api_key = true
[decrypt]
public = true
routes = ["/v1"]
[runtime]
version = "0.1.0"
[local_api]
token = true
)"))
                        .value();
  EXPECT_EQ(p.name, "test");
  EXPECT_EQ(p.port, 8080);
  EXPECT_EQ(p.source, ImageSource::oci);
  EXPECT_EQ(p.source_path, "image");
  EXPECT_EQ(p.command, (std::vector<std::string>{"/app", "x"}));
  EXPECT_EQ(p.environment, (std::vector<wire::Variable>{{"A", "1"}}));
  EXPECT_EQ(p.trusted_headers, (std::vector<std::string>{"x-request-id"}));
  EXPECT_EQ(p.secrets,
            (std::vector<wire::SecretName>{{"A_KEY", wire::Delivery::file}, {"B", wire::Delivery::environment}}));
  EXPECT_EQ(p.health_interval_ms, 500U);
  EXPECT_EQ(p.memory_mib, 512U);
  EXPECT_TRUE(p.log_app && p.log_context && p.log_query && p.api_key && p.decrypt_public && p.local_api_token &&
              p.legacy_attestation);
}

TEST(Project, TakesACommandStringForAShellLine) {
  EXPECT_EQ(parse_project(with("[image]\ncommand = \"a && b\"\n"))->command,
            (std::vector<std::string>{"/bin/sh", "-c", "a && b"}));
}

TEST(Project, RefusesByLineAndNamesTheNearestKey) {
  EXPECT_EQ(refusal("prot = 1\n").subject, "cage.toml line 3, prot");
  EXPECT_EQ(refusal("prot = 1\n").expected, "port");
  EXPECT_EQ(refusal("[egres]\nallow = []\n").expected, "egress");
  EXPECT_EQ(refusal("[image]\ndockerfil = \"x\"\n").expected, "image.dockerfile");
  EXPECT_EQ(refusal("[secrets]\nA = { delivery = \"env\" }\n").expected, "secrets.A.deliver");
  for (const char* bad :
       {"port = 0\n", "port = 65536\n", "port = \"80\"\n", "[tls]\nmode = \"off\"\n", "[health]\npath = \"x\"\n",
        "[health]\ninterval_ms = 1\n", "[logs]\napp = \"yes\"\n", "[logs]\nquery = true\n", "[resources]\ncpus = 0\n",
        "[signing]\nkey = \"k\"\n", "[image]\noci = \"a\"\nrootfs = \"b\"\n", "[image]\ncommand = []\n",
        "[image]\nenv = { A = 1 }\n", "[secrets]\n\"a-b\" = {}\n", "[secrets]\n\"../x\" = {}\n", "[secrets]\nA = 1\n",
        "[tls]\nmode = \"passthrough\"\nclient_ca = \"x\"\n"}) {
    EXPECT_EQ(refusal(bad).code, Code::TOML_KEY) << bad;
  }
  EXPECT_EQ(parse_project("name = \"test\"\n").error().code, Code::TOML_KEY) << "no version";
  EXPECT_EQ(parse_project("version = 2\nname = \"test\"\n").error().code, Code::TOML_KEY);
  EXPECT_EQ(parse_project("version = 1\nname = \"Test\"\n").error().code, Code::TOML_KEY);
}

TEST(Project, RefusesSecretsNamedLikeLoaderVariables) {
  EXPECT_EQ(refusal("[secrets]\nLD_PRELOAD = {}\n").code, Code::SECRET_NAME);
  EXPECT_EQ(refusal("[secrets]\nLD_PRELOAD = {}\n").subject, "cage.toml line 4, secrets.LD_PRELOAD");
}

TEST(Project, ItsTemplateIsOneItReads) {
  const Project p = parse_project(project_template("demo")).value();
  EXPECT_EQ(p.name, "demo");
  EXPECT_TRUE(p.log_app);
  EXPECT_TRUE(p.egress.empty());
}

TEST(Lock, RoundTrips) {
  Lock lock;
  lock.platform_url = "https://cages.example.com:8443";
  lock.roots = {wire::RootHash{1}, wire::RootHash{2}};
  lock.counter = 7;
  lock.not_after = 1800000000;
  lock.pcr0 = "ab";
  EXPECT_EQ(parse_lock(write_lock(lock)).value(), lock);
  EXPECT_EQ(parse_lock(write_lock({})).value(), Lock{});
}

TEST(Lock, RefusesOtherShapes) {
  const std::string head = "version = 1\n[platform]\n";
  for (const std::string& bad : {std::string("x = 1\n"), std::string("version = 2\n"), head + "roots = [\"00\"]\n",
                                 head + "roots = 1\n", head + "rots = []\n", std::string("= =")}) {
    EXPECT_EQ(parse_lock(bad).error().code, Code::LOCK) << bad;
  }
  Lock many;
  many.roots.resize(5);
  EXPECT_EQ(parse_lock(write_lock(many)).error().code, Code::LOCK);
}

}  // namespace
}  // namespace cages::image
