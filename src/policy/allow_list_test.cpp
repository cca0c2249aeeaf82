// SPDX-License-Identifier: Apache-2.0
#include "policy/allow_list.h"

#include <gtest/gtest.h>

#include "base/limits.h"

namespace cages::policy {
namespace {

AllowList list(const std::vector<std::string>& entries) { return AllowList::parse(entries).value(); }

TEST(AllowList, AllowsNothingWhenEmpty) {
  EXPECT_FALSE(list({}).admits_name("example.com", 443));
  EXPECT_FALSE(list({}).admits_address(*parse_ip("192.0.2.1"), 443));
}

TEST(AllowList, MeansPort443WhereNoneIsNamed) {
  const AllowList allowed = list({"API.Example.com.", "db.example.com:5432,6432", "any.example.com:*"});
  EXPECT_EQ(allowed.admits_name("api.example.com", 443), 0U);
  EXPECT_FALSE(allowed.admits_name("api.example.com", 80));
  EXPECT_EQ(allowed.admits_name("db.example.com", 6432), 1U);
  EXPECT_FALSE(allowed.admits_name("db.example.com", 443));
  EXPECT_EQ(allowed.admits_name("any.example.com", 1), 2U);
  EXPECT_FALSE(allowed.admits_name("any.example.com", 0));
}

TEST(AllowList, DoesNotMatchTheApexOfAWildcard) {
  const AllowList allowed = list({"*.example.com"});
  EXPECT_TRUE(allowed.admits_name("a.example.com", 443));
  EXPECT_TRUE(allowed.admits_name("a.b.example.com", 443));
  EXPECT_FALSE(allowed.admits_name("example.com", 443));
  EXPECT_FALSE(allowed.admits_name(".example.com", 443));
  EXPECT_FALSE(allowed.admits_name("badexample.com", 443));
  EXPECT_TRUE(allowed.knows_name("a.example.com"));
  EXPECT_FALSE(allowed.knows_name("example.com"));
}

TEST(AllowList, MatchesAddressesAndNetworks) {
  const AllowList allowed = list(
      {"192.0.2.7", "198.51.100.0/24:5432", "[2001:db8::1]:443,8443", "2001:db8:1::/48", "[2001:db8:2::]/48:25"});
  EXPECT_EQ(allowed.admits_address(*parse_ip("192.0.2.7"), 443), 0U);
  EXPECT_FALSE(allowed.admits_address(*parse_ip("192.0.2.8"), 443));
  EXPECT_EQ(allowed.admits_address(*parse_ip("198.51.100.255"), 5432), 1U);
  EXPECT_FALSE(allowed.admits_address(*parse_ip("198.51.101.0"), 5432));
  EXPECT_EQ(allowed.admits_address(*parse_ip("2001:db8::1"), 8443), 2U);
  EXPECT_EQ(allowed.admits_address(*parse_ip("2001:db8:1:ffff::"), 443), 3U);
  EXPECT_EQ(allowed.admits_address(*parse_ip("2001:db8:2::9"), 25), 4U);
  // A v4-mapped address is not the IPv4 address that somebody allowed.
  EXPECT_FALSE(allowed.admits_address(*parse_ip("::ffff:192.0.2.7"), 443));
}

TEST(AllowList, NamesABadEntryAndWhatIsWrong) {
  for (const char* bad :
       {"", "*", "*:443", "example.com:", "example.com:0", "example.com:65536", "example.com:443,", "example.com:443;80",
        "exa mple.com", "-a.example", "a..b", ".example.com", "*.*.example.com", "a.*.example", "10.0.0.300",
        "10.0.0.1/33", "10.0.0.1/24", "example.com/24", "[::1", "2001:db8::/129", "example.com:0443",
        "b\xc3\xbc"
        "cher.example"}) {
    const auto parsed = AllowList::parse({"ok.example", bad});
    ASSERT_FALSE(parsed) << bad;
    EXPECT_EQ(parsed.error().code, Code::EGRESS_ENTRY) << bad;
  }
  EXPECT_FALSE(normal_name(std::string(254, 'a')));
  EXPECT_FALSE(normal_name(std::string(64, 'a') + ".example"));
  EXPECT_FALSE(normal_name(std::string_view("a\0b.example", 11)));
  EXPECT_TRUE(normal_name(std::string(63, 'a') + ".example"));
}

TEST(AllowList, HasOneCanonicalText) {
  EXPECT_EQ(list({"b.example:80,443,80", "A.example"}).canonical(), "a.example:443\nb.example:80,443\n");
  EXPECT_EQ(list({"a.example", "b.example:443,80", "a.example:443"}).canonical(),
            list({"b.example:80,443", "a.example"}).canonical());
}

TEST(AllowList, IsBounded) {
  EXPECT_TRUE(AllowList::parse(std::vector<std::string>(limits::kEgressEntriesMax, "a.example")));
  EXPECT_EQ(AllowList::parse(std::vector<std::string>(limits::kEgressEntriesMax + 1, "a.example")).error().code,
            Code::LIMIT);
}

TEST(AllowList, SaysWhichLineToAddAndWhatIsNotTls) {
  EXPECT_EQ(missing_entry("api.example.com", 443), "api.example.com");
  EXPECT_EQ(missing_entry("db.example.com", 5432), "db.example.com:5432");
  EXPECT_EQ(missing_entry("2001:db8::1", 5432), "[2001:db8::1]:5432");
  EXPECT_EQ(list({"a.example", "b.example:25", "c.example:*"}).entries_without_tls(),
            (std::vector<std::string>{"b.example:25", "c.example:*"}));
}

TEST(AllowList, PermitsByAnEntryOrSaysWhichLineIsMissing) {
  const AllowList allowed = list({"api.example.com", "*.example.org:5432", "192.0.2.0/24:25", "2001:db8::1"});
  const Permit permit = allowed.permit("a.b.example.org", 5432).value();
  EXPECT_EQ(std::get<std::string>(permit.target()), "a.b.example.org");
  EXPECT_EQ(permit.port(), 5432);
  EXPECT_EQ(allowed.entry_text(permit.entry()), "*.example.org:5432");
  EXPECT_EQ(allowed.permit(*parse_ip("192.0.2.9"), 25)->entry(), 2U);
  const Error port = allowed.permit("api.example.com", 5432).error();
  EXPECT_EQ(port.code, Code::EGRESS_REFUSED);
  EXPECT_EQ(port.subject, "api.example.com port 5432");
  EXPECT_EQ(port.expected, "\"api.example.com:5432\" in [egress] allow");
  EXPECT_EQ(allowed.permit(*parse_ip("2001:db8::2"), 8443).error().expected, "\"[2001:db8::2]:8443\" in [egress] allow");
  EXPECT_EQ(allowed.permit("192.0.2.9", 25).error().code, Code::EGRESS_REFUSED) << "text is a name, never an address";
  for (const std::string& name : {std::string("API.example.com"), std::string("api.example.com."), std::string(), std::string("a b"), std::string("api.example.com\0", 16)}) {
    EXPECT_EQ(allowed.permit(name, 443).error().code, Code::EGRESS_NAME) << name;
  }
}

}  // namespace
}  // namespace cages::policy
