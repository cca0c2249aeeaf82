// SPDX-License-Identifier: Apache-2.0
// Requests that two parsers would read in two ways. parse_test.cpp has the whole table; here is one for each check.
#include "attacks/attack.h"
#include "http/parse.h"

namespace cages::attacks {
namespace {

std::string send(std::string_view bytes) {
  std::size_t scanned = 0;
  const auto end = http::head_end(bytes, scanned);
  if (!end) return class_of(end);
  return class_of(http::parse_request(bytes));
}

std::string post(std::string_view fields) { return send("POST / HTTP/1.1\r\nHost: a\r\n" + std::string(fields) + "\r\n"); }

// Only the search for a head's end: what follows it refuses such lines once more.
std::string bare_line_feed() {
  std::size_t scanned = 0;
  return class_of(http::head_end("POST / HTTP/1.1\r\nHost: a\nContent-Length: 4\r\n\r\n", scanned));
}

std::vector<Attack> requests() {
  return {
      {"two_framings", "HTTP_FRAMING", [] { return post("Content-Length: 4\r\nTransfer-Encoding: chunked\r\n"); }},
      {"two_lengths", "HTTP_FRAMING", [] { return post("Content-Length: 4\r\nContent-Length: 5\r\n"); }},
      {"space_before_the_colon", "HTTP_SYNTAX", [] { return post("Transfer-Encoding : chunked\r\n"); }},
      {"control_character_in_a_value", "HTTP_SYNTAX", [] { return post("X: a\x01\r\n"); }},
      {"two_hosts", "HTTP_SYNTAX", [] { return post("Host: b\r\n"); }},
      {"host_and_target_differ", "HTTP_SYNTAX", [] { return send("GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n"); }},
      {"bare_line_feed", "HTTP_SYNTAX", bare_line_feed},
  };
}

TEST_P(Attempt, IsRefusedByOneCheck) { EXPECT_EQ(GetParam().attempt(), GetParam().refused_as); }
INSTANTIATE_TEST_SUITE_P(Request, Attempt, testing::ValuesIn(requests()), attack_name);

}  // namespace
}  // namespace cages::attacks
