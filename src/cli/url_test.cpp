// SPDX-License-Identifier: Apache-2.0
#include "cli/url.h"

#include <gtest/gtest.h>

namespace cages::cli {
namespace {

TEST(Url, TakesHttpsAndNothingElse) {
  const Url whole = parse_url("HTTPS://Hello.App:8443/a?b=c").value();
  EXPECT_EQ(whole.host, "hello.app");
  EXPECT_EQ(whole.port, 8443);
  EXPECT_EQ(whole.target, "/a?b=c");
  EXPECT_EQ(parse_url("a.example").value().target, "/");
  EXPECT_EQ(parse_url("a.example?x").value().target, "/?x");
  EXPECT_EQ(parse_url("https://[::1]:444").value().host, "::1");
  EXPECT_EQ(parse_url("https://[::1]").value().port, 443);
  for (const char* bad : {"", "https://", "http://a", "ftp://a", "a:0", "a:65536", "a:x", "a:", "u@a", "a/#f", "a b", "[::1", "[::1]x",
                          "a/\n", "\xc3\xa4"}) {
    EXPECT_FALSE(parse_url(bad)) << bad;
  }
}

}  // namespace
}  // namespace cages::cli
