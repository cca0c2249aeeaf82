// SPDX-License-Identifier: Apache-2.0
#include "wire/manifest.h"

#include <gtest/gtest.h>

#include <functional>

#include "base/limits.h"
#include "wire/cbor.h"

namespace cages::wire {
namespace {

Manifest sample() {
  Manifest m;
  m.name = "payments";
  m.command = {"/payments", "--port", "8080"};
  m.environment = {{"PATH", "/usr/bin:/bin"}, {"EMPTY", ""}};
  m.user = {.uid = 1000, .gid = 1000, .groups = {27, 100}};
  m.workdir = "/srv";
  m.stop_signal = 2;
  m.port = 8080;
  m.client_cas = {"-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n"};
  m.egress = {"api.example.com:443", "*.example.org"};
  m.health = {.kind = HealthKind::http, .path = "/healthz", .port = 8080, .interval_ms = 1000};
  m.trusted_headers = {"x-request-id"};
  m.log_app = true;
  m.secrets = {{"API_KEY", Delivery::file}, {"DB_URL", Delivery::environment}};
  m.api_key = true;
  m.decrypt_routes = {"/v1/charges"};
  m.platform_roots = {RootHash{1, 2, 3}};
  return m;
}

TEST(Manifest, RoundTrips) {
  const Bytes bytes = write_manifest(sample()).value();
  EXPECT_EQ(parse_manifest(bytes).value(), sample());
  EXPECT_EQ(write_manifest(parse_manifest(bytes).value()).value(), bytes);
}

// The bytes decide PCR2: a change here changes every cage's measurement and needs a new version number.
TEST(Manifest, KeepsItsSpelling) {
  Manifest m;
  m.name = "a";
  m.command = {"/a"};
  m.port = 80;
  m.platform_roots = {RootHash{}};
  EXPECT_EQ(hex(write_manifest(m).value()),
            "836e63616765732f6d616e696665737401b50161610281622f6103800483000080"
            "05612f060f071850080009800a800b84006000000c800d83f4f4f40e800ff41082f48011f412f413011481"
            "5830" +
                std::string(96, '0') + "1500");
}

struct Refusal {
  const char* member;
  std::function<void(Manifest&)> break_it;
};

TEST(Manifest, RefusesValuesOutOfBoundsByName) {
  const Refusal refusals[] = {
      {"name", [](Manifest& m) { m.name = "Payments"; }},
      {"name", [](Manifest& m) { m.name = ""; }},
      {"name", [](Manifest& m) { m.name = std::string(33, 'a'); }},
      {"command", [](Manifest& m) { m.command.clear(); }},
      {"command", [](Manifest& m) { m.command[0] = ""; }},
      {"command", [](Manifest& m) { m.command[1] = std::string("a\0b", 3); }},
      {"command", [](Manifest& m) { m.command[1] = "\xff"; }},
      {"command", [](Manifest& m) { m.command.assign(limits::kManifestItemsMax + 1, "x"); }},
      {"environment", [](Manifest& m) { m.environment[0].name = ""; }},
      {"environment", [](Manifest& m) { m.environment[0].name = "A=B"; }},
      {"environment", [](Manifest& m) { m.environment[1].name = "PATH"; }},
      {"environment",
       [](Manifest& m) { m.environment[1].value = std::string(limits::kManifestTextBytesMax + 1, 'x'); }},
      {"user", [](Manifest& m) { m.user.groups.assign(limits::kManifestGroupsMax + 1, 1); }},
      {"workdir", [](Manifest& m) { m.workdir = "srv"; }},
      {"stop_signal", [](Manifest& m) { m.stop_signal = 0; }},
      {"stop_signal", [](Manifest& m) { m.stop_signal = 65; }},
      {"port", [](Manifest& m) { m.port = 0; }},
      {"egress", [](Manifest& m) { m.egress[0] = std::string(limits::kEgressEntryBytesMax + 1, 'x'); }},
      {"health", [](Manifest& m) { m.health.path = "healthz"; }},
      {"health", [](Manifest& m) { m.health.path = "/a b"; }},
      {"health", [](Manifest& m) { m.health.path = "/a\r\nX: y"; }},
      {"health", [](Manifest& m) { m.health.port = 0; }},
      {"health", [](Manifest& m) { m.health.interval_ms = 1; }},
      {"health", [](Manifest& m) { m.health.kind = HealthKind::tcp; }},
      {"health", [](Manifest& m) { m.health.kind = HealthKind::none; }},
      {"secrets", [](Manifest& m) { m.secrets[0].name = "../x"; }},
      {"secrets", [](Manifest& m) { m.secrets[0].name = "1X"; }},
      {"secrets", [](Manifest& m) { std::swap(m.secrets[0], m.secrets[1]); }},
      {"secrets", [](Manifest& m) { m.secrets[1] = m.secrets[0]; }},
      {"secrets", [](Manifest& m) { m.environment[1].name = "DB_URL"; }},
      {"client_ca", [](Manifest& m) { m.client_cas.assign(limits::kClientCasMax + 1, "x"); }},
      {"platform_roots", [](Manifest& m) { m.platform_roots.clear(); }},
      {"platform_roots", [](Manifest& m) { m.platform_roots.resize(5); }},
  };
  for (const Refusal& refusal : refusals) {
    Manifest m = sample();
    refusal.break_it(m);
    const auto written = write_manifest(m);
    ASSERT_FALSE(written) << refusal.member;
    EXPECT_EQ(written.error().code, Code::MANIFEST);
    EXPECT_EQ(written.error().subject, refusal.member);
  }
}

Code parse_code(Bytes bytes) {
  const auto parsed = parse_manifest(bytes);
  return parsed ? Code::INTERNAL : parsed.error().code;  // INTERNAL stands for "accepted"
}

// write_manifest cannot write these, so the bytes are changed by hand. "0602" is key 6, stop signal 2.
Bytes with(std::string_view from, std::string_view to) {
  std::string text = hex(write_manifest(sample()).value());
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  text.replace(at, from.size(), to);
  return parse_hex(text).value();
}

TEST(Manifest, ReadsOnlyTheCanonicalForm) {
  const Bytes good = write_manifest(sample()).value();
  EXPECT_EQ(parse_code(good), Code::INTERNAL);
  for (std::size_t cut = 0; cut < good.size(); ++cut) {
    EXPECT_NE(parse_code(Bytes(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(cut))), Code::INTERNAL) << cut;
  }
  Bytes longer = good;
  longer.push_back(0);
  EXPECT_EQ(parse_code(longer), Code::TRAILING_BYTES);
  EXPECT_EQ(parse_code(with("6e63616765732f6d616e6966657374", "6e63616765732f6d616e6966657375")), Code::MESSAGE_TYPE);
  EXPECT_EQ(parse_code(with("6665737401b5", "6665737402b5")), Code::MESSAGE_VERSION);
  EXPECT_EQ(parse_code(with("0602", "0702")), Code::MISSING) << "a key left out";
  EXPECT_EQ(parse_code(with("0602", "0502")), Code::DUPLICATE_KEY);
  EXPECT_EQ(parse_code(with("0602", "181902")), Code::UNKNOWN_KEY);
  EXPECT_EQ(parse_code(with("0602", "0600")), Code::MANIFEST) << "no signal";
  EXPECT_EQ(parse_code(with("0602", "06f4")), Code::TYPE);
  EXPECT_EQ(parse_code(with("0602", "061802")), Code::NON_MINIMAL);
  EXPECT_EQ(parse_code(Bytes(limits::kManifestBytesMax + 1, 0x83)), Code::LIMIT);
}

}  // namespace
}  // namespace cages::wire
