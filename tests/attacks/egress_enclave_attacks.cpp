// SPDX-License-Identifier: Apache-2.0
// What an app tries on its way out, and a host on what comes back.
#include "attacks/attack.h"
#include "support/egress_enclave.h"

namespace cages::attacks {
namespace {

using namespace std::chrono_literals;
namespace dns = wire::dns;
using test::EnclaveEgress;

std::string rcode_of(const dns::Reply& reply) {
  return reply.rcode == dns::Rcode::ok ? "" : "rcode " + std::to_string(static_cast<int>(reply.rcode));
}

// The app asks for a name; the text goes into the question as it is.
std::string ask(const std::string& name) {
  EnclaveEgress egress({"api.example.com", "*.example.org"});
  return rcode_of(egress.resolver.at_once({1, true, {name, dns::type::kA}, std::nullopt, {}}).value());
}

// The app fills all addresses with names that have an open stream, then asks for one more.
std::string one_name_too_many() {
  EnclaveEgress egress({"*.example.org"});
  std::vector<runtime::egress::Names::Use> uses;
  for (std::size_t i = 0; i < limits::kEgressNamesMax; ++i) {
    uses.push_back(std::move(*egress.names.use(*egress.names.address_of("n" + std::to_string(i) + ".example.org"))));
  }
  return rcode_of(egress.resolver.at_once({1, true, {"one.more.example.org", dns::type::kA}, std::nullopt, {}}).value());
}

// The host answers a question about mail; returns the error's class, or the targets that reach the app.
std::string host_answers(const dns::Question& answered, const std::string& target) {
  EnclaveEgress egress({"example.com", "mail.example.com:25"});
  const dns::Answer answer{
      0, dns::Rcode::ok, false, answered, {{"example.com", dns::type::kMx, 60, {0, 10}, target, {}}}, std::nullopt};
  const auto reply = runtime::egress::judge({"example.com", dns::type::kMx}, answer, egress.list, egress.tally);
  if (!reply) return error_class(reply.error());
  return reply->records.empty() ? "left out" : "";
}

// The host refuses a connection, and goes on as if it had not.
std::string refused_and_spoken_to() {
  EnclaveEgress egress({"api.example.com"});
  egress.host_egress = [](net::Stream& stream) -> Task<void> {
    if (!co_await test::answer_open(stream, wire::EgressCode::dial)) co_return;
    std::ignore = co_await stream.write_all(as_bytes("not the server"));
    Byte byte = 0;
    std::ignore = co_await stream.read_some({&byte, 1});
  };
  bool ended = false;
  egress.run([&]() -> Task<void> {
    const auto app = egress.connect("api.example.com", 443);
    ended = co_await egress.ended(*app);
    app->close();
  });
  return ended ? "reset" : "";
}

std::vector<Attack> questions() {
  return {
      {"a_name_that_is_not_listed", "rcode 5", [] { return ask("evil.example"); }},
      {"the_apex_of_a_wildcard", "rcode 5", [] { return ask("example.org"); }},
      {"a_listed_name_as_prefix", "rcode 5", [] { return ask("api.example.com.evil.example"); }},
      {"a_listed_name_as_suffix", "rcode 5", [] { return ask("evilapi.example.com"); }},
      {"capitals", "rcode 5", [] { return ask("API.example.com"); }},
      {"a_nul", "rcode 5", [] { return ask(std::string("api.example.com\0.example.org", 27)); }},
      {"a_label_of_64", "rcode 5", [] { return ask(std::string(64, 'a') + ".example.org"); }},
      {"a_name_of_256", "rcode 5", [] { return ask(std::string(60, 'a') + "." + std::string(60, 'b') + "." + std::string(60, 'c') + "." + std::string(61, 'd') + ".example.org"); }},
      {"one_name_too_many", "rcode 2", one_name_too_many},
  };
}

std::vector<Attack> answers() {
  return {
      {"to_another_name", "DNS", [] { return host_answers({"evil.example", dns::type::kMx}, "mail.example.com"); }},
      {"to_another_type", "DNS", [] { return host_answers({"example.com", dns::type::kTxt}, "mail.example.com"); }},
      {"that_leads_elsewhere", "left out", [] { return host_answers({"example.com", dns::type::kMx}, "mail.evil.example"); }},
      {"that_refuses_and_speaks_on", "reset", refused_and_spoken_to},
  };
}

TEST_P(Attempt, IsRefusedByOneCheck) { EXPECT_EQ(GetParam().attempt(), GetParam().refused_as); }
INSTANTIATE_TEST_SUITE_P(Question, Attempt, testing::ValuesIn(questions()), attack_name);
INSTANTIATE_TEST_SUITE_P(Answer, Attempt, testing::ValuesIn(answers()), attack_name);

}  // namespace
}  // namespace cages::attacks
