// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "cage/cage.h"
#include "cage/client.h"
#include "support/served_cage.h"
#include "wire/pem.h"

namespace cages::test {
namespace {

cage::Options options_for(const ServedCage& served) {
  cage::Options options;
  options.measurements = {served.measurements()};
  options.roots = {wire::write_pem(served.cage().documents.root().der(), wire::kPemCertificate)};
  options.authorities = served.cage().ca.certificate.pem();
  return options;
}

TEST(CppInterface, AsksAnAttestedCage) {
  const ServedCage served;
  auto connection = cage::Connection::open(kCageHost, served.port(), options_for(served));
  ASSERT_TRUE(connection) << connection.error().text;
  EXPECT_NE(connection->evidence().find(served.cage().claims.module_id), std::string::npos);
  for (int i = 0; i < 3; ++i) {
    const auto answer = connection->request("POST", "/app", {{"X-Test", "1"}}, "body");
    ASSERT_TRUE(answer) << answer.error().text;
    EXPECT_EQ(answer->status, 200);
    EXPECT_EQ(answer->body, "hello");
  }
  const auto long_answer = connection->request("GET", "/app", {}, "", 2);
  ASSERT_FALSE(long_answer);
  EXPECT_EQ(long_answer.error().code, "LIMIT");
  EXPECT_EQ(connection->request("GET", "/app", {}, "").error().code, "CLOSED");
}

TEST(CppInterface, RefusesWithTheReason) {
  const ServedCage served;
  cage::Options options = options_for(served);
  options.measurements = {R"({"PCR0":")" + std::string(96, '7') + R"(","PCR1":")" + std::string(96, '7') + R"(","PCR2":")" +
                          std::string(96, '7') + "\"}"};
  const auto refused = cage::Connection::open(kCageHost, served.port(), options);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, "PCR_MISMATCH");
  EXPECT_EQ(refused.error().kind, 10);
  options.measurements.clear();
  EXPECT_EQ(cage::Connection::open(kCageHost, served.port(), options).error().code, "POLICY_EMPTY");
  options.measurements = {"{"};
  EXPECT_EQ(cage::Connection::open(kCageHost, served.port(), options).error().code, "JSON");
  EXPECT_TRUE(served.cage().seen.empty());
}

TEST(CppInterface, SaysThatNobodyIsThere) {
  cage::Options options;
  options.policy = R"({"pcrs":"any"})";
  options.any_identity = true;
  options.dial = "127.0.0.1";
  const auto refused = cage::Connection::open("nobody.example", 1, options);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, 40);
}

TEST(CInterface, AsksAnAttestedCage) {
  const ServedCage served;
  Json json = Json::object({{"measurements", Json::array({parse_json(served.measurements()).value()})},
                            {"roots", Json::array({wire::write_pem(served.cage().documents.root().der(), wire::kPemCertificate)})},
                            {"authorities", served.cage().ca.certificate.pem()},
                            {"binding", "fresh"}});
  cage_failure* failure = nullptr;
  const std::string host(kCageHost);
  cage_connection* connection = cage_open(host.c_str(), served.port(), write_json(json).c_str(), &failure);
  ASSERT_NE(connection, nullptr) << failure->text;
  EXPECT_NE(std::string(cage_evidence(connection)).find("development:"), std::string::npos);
  const cage_header header{"X-Test", "1"};
  cage_response* response = cage_request(connection, "GET", "/app", &header, 1, nullptr, 0, 100, &failure);
  ASSERT_NE(response, nullptr);
  std::size_t bytes = 0;
  const void* body = cage_response_body(response, &bytes);
  EXPECT_EQ(std::string(static_cast<const char*>(body), bytes), "hello");
  EXPECT_EQ(cage_response_status(response), 200);
  EXPECT_NE(cage_response_header(response, 0), nullptr);
  EXPECT_EQ(cage_response_header(response, 100), nullptr);
  cage_response_free(response);
  cage_close(connection);
}

TEST(CInterface, RefusesWithTheReason) {
  const ServedCage served;
  const std::string host(kCageHost);
  for (const auto& [options, code] : {std::pair{R"({"policy":{"pcrs":"any"},"identity":"any"})", "UNTRUSTED_ROOT"},
                                      std::pair{R"({"identity":"any"})", "POLICY_EMPTY"}, std::pair{"{", "JSON"},
                                      std::pair{R"({"polcy":{}})", "CLIENT_SETTINGS"}}) {
    cage_failure* failure = nullptr;
    EXPECT_EQ(cage_open(host.c_str(), served.port(), options, &failure), nullptr);
    ASSERT_NE(failure, nullptr);
    EXPECT_STREQ(failure->code, code);
    cage_failure_free(failure);
  }
  EXPECT_EQ(cage_open(host.c_str(), served.port(), "{", nullptr), nullptr);
}

TEST(CInterface, VerifiesDocuments) {
  char* answer = nullptr;
  EXPECT_EQ(cage_verify("{}", &answer), 20);
  EXPECT_NE(std::string(answer).find("malformed"), std::string::npos);
  cage_string_free(answer);
  std::string text;
  EXPECT_EQ(cage::verify(R"({"document":"","time":0,"policy":{"pcrs":"any"}})", text), 10);
}

}  // namespace
}  // namespace cages::test
