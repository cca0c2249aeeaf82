// SPDX-License-Identifier: Apache-2.0
#include "server/store/store.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <string>

#include "base/file.h"

namespace cages::server {
namespace {

class StoreTest : public testing::Test {
 protected:
  StoreTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "caged-store-XXXXXX").string();
    folder = ::mkdtemp(pattern.data());
  }
  ~StoreTest() override { std::filesystem::remove_all(folder); }
  Store open() { return Store::open(folder, clock, random).value(); }
  static Id id(Byte fill) {
    Id out;
    out.fill(fill);
    return out;
  }
  static Deployment deployment(Byte fill, const std::string& app) {
    Deployment d;
    d.id = id(fill);
    d.app = app;
    d.cage = "pay";
    d.evidence_class = "nitro";
    d.names = {"pay.app-1.example"};
    d.secrets = {"KEY"};
    d.egress = "api.example.com:443\n";
    d.pcr0.fill(1);
    d.pcr1.fill(2);
    d.pcr2.fill(3);
    return d;
  }
  std::filesystem::path folder;
  ManualClock clock;
  crypto::SystemRandom random;
};

TEST_F(StoreTest, KeepsItsFilesPrivate) {
  const Store store = open();
  for (const char* name : {"caged.db", "master.key"}) {
    struct stat status{};
    ASSERT_EQ(::stat((folder / name).c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0600U) << name;
  }
}

TEST_F(StoreTest, RefusesAMasterKeyThatOthersCanRead) {
  { const Store store = open(); }
  std::filesystem::permissions(folder / "master.key", std::filesystem::perms(0644));
  EXPECT_EQ(Store::open(folder, clock, random).error().code, Code::MASTER_KEY);
}

TEST_F(StoreTest, RefusesADatabaseOfANewerProgram) {
  {
    Database database = Database::open(folder / "caged.db").value();
    ASSERT_TRUE(database.execute("PRAGMA user_version = 99"));
  }
  EXPECT_EQ(Store::open(folder, clock, random).error().code, Code::DATABASE_VERSION);
}

TEST_F(StoreTest, BurnsATokenOnce) {
  Store store = open();
  EXPECT_TRUE(store.burn_token(id(1), 100).value());
  EXPECT_FALSE(store.burn_token(id(1), 100).value());
  EXPECT_TRUE(store.burn_token(id(2), 200).value());
  ASSERT_TRUE(store.forget_burnt(150));
  EXPECT_TRUE(store.burn_token(id(1), 100).value());
  EXPECT_FALSE(store.burn_token(id(2), 200).value());
}

TEST_F(StoreTest, UsesAnEnrolmentOnce) {
  Store store = open();
  Enrolment enrolment;
  enrolment.id = id(1);
  enrolment.host_name = "h1";
  enrolment.pcr4 = Digest384{};
  enrolment.expires_at = 7;
  ASSERT_TRUE(store.add_enrolment(enrolment));
  const auto used = store.use_enrolment(id(1)).value();
  ASSERT_TRUE(used);
  EXPECT_EQ(used->host_name, "h1");
  EXPECT_TRUE(used->pcr4);
  EXPECT_FALSE(used->pcr3);
  EXPECT_FALSE(store.use_enrolment(id(1)).value());
  EXPECT_FALSE(store.use_enrolment(id(2)).value());
}

TEST_F(StoreTest, FindsHostsByKey) {
  Store store = open();
  Host host;
  host.id = id(1);
  host.name = "h1";
  host.key_hash.fill(9);
  ASSERT_TRUE(store.add_host(host));
  EXPECT_EQ(store.add_host(host).error().code, Code::EXISTS);
  EXPECT_EQ(store.host_by_key(host.key_hash).value()->id, host.id);
  EXPECT_FALSE(store.host_by_key({}).value());
  ASSERT_TRUE(store.revoke_host(host.id));
  EXPECT_TRUE(store.host(host.id).value()->revoked);
  EXPECT_EQ(store.hosts().value().size(), 1U);
}

TEST_F(StoreTest, CountsVersionsPerApp) {
  Store store = open();
  ASSERT_TRUE(store.add_app({"app_000000000001", "one", 0, {}}));
  ASSERT_TRUE(store.add_app({"app_000000000002", "two", 0, {}}));
  EXPECT_EQ(store.add_app({"app_000000000003", "two", 0, {}}).error().code, Code::EXISTS);
  EXPECT_EQ(store.add_deployment(deployment(1, "app_000000000001")).value(), 1);
  EXPECT_EQ(store.add_deployment(deployment(2, "app_000000000001")).value(), 2);
  EXPECT_EQ(store.add_deployment(deployment(3, "app_000000000002")).value(), 1);
  EXPECT_EQ(store.add_deployment(deployment(4, "app_00000000000x")).error().code, Code::EXISTS);
  const Deployment read = store.deployment(id(2)).value().value();
  EXPECT_EQ(read.version, 2);
  EXPECT_EQ(read.names, deployment(2, "").names);
  EXPECT_EQ(read.secrets, deployment(2, "").secrets);
  EXPECT_EQ(read.pcr2, deployment(2, "").pcr2);
  EXPECT_FALSE(read.pcr8);
  EXPECT_EQ(store.deployments("app_000000000001").value().size(), 2U);
  EXPECT_EQ(store.deployment_by_version("app_000000000002", 1).value()->id, id(3));
}

TEST_F(StoreTest, RevokesForGood) {
  Store store = open();
  ASSERT_TRUE(store.add_app({"app_000000000001", "one", 0, {}}));
  ASSERT_TRUE(store.add_deployment(deployment(1, "app_000000000001")));
  ASSERT_TRUE(store.set_state(id(1), DeploymentState::live));
  ASSERT_TRUE(store.set_state(id(1), DeploymentState::revoked));
  EXPECT_EQ(store.set_state(id(1), DeploymentState::live).error().code, Code::PROV_STATE);
}

TEST_F(StoreTest, WhatHasEndedIsNoHostsAnyMoreAndCanOnlyBeRevoked) {
  Store store = open();
  ASSERT_TRUE(store.add_app({"app_000000000001", "one", 0, {}}));
  ASSERT_TRUE(store.add_host(Host{id(9), "host", {}, {}, {}, false}));
  ASSERT_TRUE(store.add_deployment(deployment(1, "app_000000000001")));
  ASSERT_TRUE(store.set_host(id(1), id(9)));
  ASSERT_TRUE(store.set_state(id(1), DeploymentState::draining));
  EXPECT_EQ(store.deployments_of_host(id(9)).value().size(), 1U);
  ASSERT_TRUE(store.set_state(id(1), DeploymentState::ended));
  EXPECT_TRUE(store.deployments_of_host(id(9)).value().empty());
  EXPECT_EQ(store.set_state(id(1), DeploymentState::live).error().code, Code::PROV_STATE);
  EXPECT_TRUE(store.set_state(id(1), DeploymentState::revoked));
}

TEST_F(StoreTest, RaisesTheFloorOnly) {
  Store store = open();
  ASSERT_TRUE(store.add_app({"app_000000000001", "one", 0, {}}));
  ASSERT_TRUE(store.set_floor("app_000000000001", 3));
  EXPECT_EQ(store.set_floor("app_000000000001", 2).error().code, Code::POLICY_CONTRADICTION);
  EXPECT_EQ(store.app("one").value()->floor, 3);
  Digest384 signer;
  signer.fill(8);
  ASSERT_TRUE(store.set_signers("app_000000000001", {signer}));
  EXPECT_EQ(store.app("app_000000000001").value()->signers.size(), 1U);
}

TEST_F(StoreTest, KeepsSecretsOfClassesApart) {
  Store store = open();
  ASSERT_TRUE(store.add_app({"app_000000000001", "one", 0, {}}));
  ASSERT_TRUE(store.set_secret("app_000000000001", "nitro", "KEY", Secret::copy_of(as_bytes("production"))));
  ASSERT_TRUE(store.set_secret("app_000000000001", "development:00", "KEY", Secret::copy_of(as_bytes("test"))));
  EXPECT_EQ(as_text(store.secret("app_000000000001", "nitro", "KEY").value()->reveal()), "production");
  EXPECT_EQ(as_text(store.secret("app_000000000001", "development:00", "KEY").value()->reveal()), "test");
  EXPECT_FALSE(store.secret("app_000000000001", "nitro-debug", "KEY").value());
  EXPECT_EQ(store.secret_names("app_000000000001").value().size(), 2U);
  EXPECT_TRUE(store.remove_secret("app_000000000001", "nitro", "KEY").value());
  EXPECT_FALSE(store.remove_secret("app_000000000001", "nitro", "KEY").value());
}

// A row copied into another place in the database does not open there.
TEST_F(StoreTest, SealsSecretsIntoTheirPlace) {
  Store store = open();
  ASSERT_TRUE(store.add_app({"app_000000000001", "one", 0, {}}));
  ASSERT_TRUE(store.set_secret("app_000000000001", "nitro", "KEY", Secret::copy_of(as_bytes("production-value"))));
  {
    Database other = Database::open(folder / "caged.db").value();
    ASSERT_TRUE(other.execute("INSERT INTO secrets SELECT app, 'nitro-debug', name, sealed, updated FROM secrets"));
  }
  EXPECT_EQ(store.secret("app_000000000001", "nitro-debug", "KEY").error().code, Code::SEALED);
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const Bytes content = read_file(entry.path(), 10'000'000).value();
    EXPECT_EQ(as_text(content).find("production-value"), std::string_view::npos) << entry.path();
  }
}

TEST_F(StoreTest, KeepsPlatformKeysAndTheAudit) {
  Store store = open();
  ASSERT_TRUE(store.set_platform_key("tokens", Secret::copy_of(as_bytes("pem")), as_bytes("certificate")));
  const auto key = store.platform_key("tokens").value();
  EXPECT_EQ(as_text(key->private_pem.reveal()), "pem");
  EXPECT_EQ(as_text(key->certificate), "certificate");
  EXPECT_FALSE(store.platform_key("hosts").value());
  ASSERT_TRUE(store.audit("local", "test", "x", "ok", "line\nbreak"));
  ASSERT_TRUE(store.audit("local", "test", "y", "ok", ""));
  const auto log = store.audit_log(0, 10).value();
  ASSERT_EQ(log.size(), 2U);
  EXPECT_EQ(log[0].subject, "y");
  EXPECT_EQ(log[1].detail, "line\\x0abreak");
  EXPECT_EQ(store.audit_log(log[0].id, 10).value().size(), 1U);
}

TEST_F(StoreTest, CountsApiKeys) {
  Store store = open();
  EXPECT_EQ(store.count_api_keys().value(), 0);
  Digest256 hash;
  hash.fill(4);
  ASSERT_TRUE(store.add_api_key("k1", "first", hash));
  EXPECT_EQ(store.api_key("k1").value(), hash);
  EXPECT_FALSE(store.api_key("k2").value());
  EXPECT_EQ(store.add_api_key("k1", "again", hash).error().code, Code::EXISTS);
}

}  // namespace
}  // namespace cages::server
