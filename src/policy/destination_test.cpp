// SPDX-License-Identifier: Apache-2.0
#include "policy/destination.h"

#include <gtest/gtest.h>

#include "base/limits.h"

namespace cages::policy {
namespace {

DestinationPolicy policy(const std::vector<std::string>& ranges = {}) { return DestinationPolicy::make(ranges).value(); }

std::string verdict(std::string_view address, const std::vector<std::string>& ranges = {}) {
  return std::string(policy(ranges).forbidden(parse_ip(address).value()));
}

// Last address before, first, last, first after.
TEST(DestinationPolicy, KnowsTheBoundariesOfTheRegistriesV4) {
  struct Case {
    const char* before;
    const char* first;
    const char* last;
    const char* after;
  };
  for (const Case& c : {Case{nullptr, "0.0.0.0", "0.255.255.255", "1.0.0.0"},
                        Case{"9.255.255.255", "10.0.0.0", "10.255.255.255", "11.0.0.0"},
                        Case{"100.63.255.255", "100.64.0.0", "100.127.255.255", "100.128.0.0"},
                        Case{"126.255.255.255", "127.0.0.0", "127.255.255.255", "128.0.0.0"},
                        Case{"169.253.255.255", "169.254.0.0", "169.254.255.255", "169.255.0.0"},
                        Case{"172.15.255.255", "172.16.0.0", "172.31.255.255", "172.32.0.0"},
                        Case{"191.255.255.255", "192.0.0.0", "192.0.0.255", "192.0.1.0"},
                        Case{"192.0.1.255", "192.0.2.0", "192.0.2.255", "192.0.3.0"},
                        Case{"192.88.98.255", "192.88.99.0", "192.88.99.255", "192.88.100.0"},
                        Case{"192.167.255.255", "192.168.0.0", "192.168.255.255", "192.169.0.0"},
                        Case{"198.17.255.255", "198.18.0.0", "198.19.255.255", "198.20.0.0"},
                        Case{"198.51.99.255", "198.51.100.0", "198.51.100.255", "198.51.101.0"},
                        Case{"203.0.112.255", "203.0.113.0", "203.0.113.255", "203.0.114.0"},
                        Case{"223.255.255.255", "224.0.0.0", "255.255.255.255", nullptr}}) {
    EXPECT_NE(verdict(c.first), "") << c.first;
    EXPECT_NE(verdict(c.last), "") << c.last;
    if (c.before != nullptr) EXPECT_EQ(verdict(c.before), "") << c.before;
    if (c.after != nullptr) EXPECT_EQ(verdict(c.after), "") << c.after;
  }
  EXPECT_EQ(verdict("192.0.0.8"), "IETF protocol assignments");
  EXPECT_EQ(verdict("192.0.0.9"), "");
  EXPECT_EQ(verdict("192.0.0.10"), "");
  EXPECT_EQ(verdict("192.0.0.11"), "IETF protocol assignments");
  EXPECT_EQ(verdict("239.255.255.255"), "multicast");
  EXPECT_EQ(verdict("255.255.255.255"), "broadcast");
}

TEST(DestinationPolicy, KnowsTheBoundariesOfTheRegistriesV6) {
  for (const char* bad :
       {"::", "::1", "::2", "::192.0.2.1", "64:ff9a:ffff::", "64:ff9b:1::", "64:ff9b:1:ffff:ffff:ffff:ffff:ffff", "100::",
        "100:0:0:1::", "1fff:ffff::", "2001::", "2001:0:1::", "2001:1::", "2001:1::4", "2001:2::1", "2001:4:111:ffff::",
        "2001:4:113::", "2001:10::", "2001:1f:ffff::", "2001:40::", "2001:1ff:ffff::", "2001:db8::", "2001:db8:ffff::",
        "3fff::", "3fff:fff:ffff::", "4000::", "5f00::1", "fc00::", "fdff:ffff::", "fe80::1", "febf::1", "fec0::1", "ff02::1"}) {
    EXPECT_NE(verdict(bad), "") << bad;
  }
  for (const char* good : {"2000::", "2001:1::1", "2001:1::2", "2001:1::3", "2001:3::1", "2001:4:112::1", "2001:20::", "2001:3f:ffff::",
                           "2001:200::", "2001:db7:ffff::", "2001:db9::", "2606:2800:220:1::1", "3fff:1000::", "3ffe:ffff::"}) {
    EXPECT_EQ(verdict(good), "") << good;
  }
}

TEST(DestinationPolicy, LooksThroughTranslationAndTunnels) {
  EXPECT_EQ(verdict("64:ff9b::10.0.0.1"), "private use");
  EXPECT_EQ(verdict("64:ff9b::127.0.0.1"), "loopback");
  EXPECT_EQ(verdict("64:ff9b::169.254.169.254"), "metadata service");
  EXPECT_EQ(verdict("64:ff9b::8.8.8.8"), "");
  EXPECT_EQ(verdict("2002:a00:1::"), "private use");
  EXPECT_EQ(verdict("2002:a9fe:a9fe::1"), "metadata service");
  EXPECT_EQ(verdict("2002:808:808::1"), "");
  EXPECT_EQ(verdict("::ffff:8.8.8.8"), "IPv4-mapped");
  EXPECT_EQ(verdict("::ffff:8.8.8.8", {"::ffff:0:0/96"}), "IPv4-mapped");
  EXPECT_EQ(verdict("64:ff9b::10.0.0.1", {"10.0.0.0/8"}), "");
  EXPECT_EQ(verdict("64:ff9b::10.0.0.1", {"64:ff9b::/96"}), "private use");
}

TEST(DestinationPolicy, AllowsWhatTheOperatorNamesAndMetadataOnlyByItself) {
  EXPECT_EQ(verdict("10.1.2.3", {"10.1.0.0/16"}), "");
  EXPECT_EQ(verdict("10.2.2.3", {"10.1.0.0/16"}), "private use");
  EXPECT_EQ(verdict("127.0.0.1", {"127.0.0.1"}), "");
  EXPECT_EQ(verdict("fd12::1", {"[fd00::]/8"}), "");
  for (const char* metadata : {"169.254.169.254", "fd00:ec2::254", "169.254.170.2", "169.254.170.23", "fd00:ec2::23", "fd20:ce::254",
                               "168.63.129.16", "100.100.100.200", "192.0.0.192"}) {
    EXPECT_EQ(verdict(metadata), "metadata service") << metadata;
    EXPECT_EQ(verdict(metadata, {"0.0.0.0/0", "::/0", "169.254.0.0/16", "fd00::/8"}), "metadata service") << metadata;
    EXPECT_EQ(verdict(metadata, {metadata}), "") << metadata;
  }
}

TEST(DestinationPolicy, RefusesRangesItCannotRead) {
  for (const char* bad : {"", "x", "10.0.0.0/33", "10.0.0.1/8", "10.0.0.0/08", "10.0.0.0/", "example.com", "10.0.0.0/8:443"}) {
    EXPECT_EQ(DestinationPolicy::make({bad}).error().code, Code::EGRESS_ENTRY) << bad;
  }
  EXPECT_EQ(DestinationPolicy::make(std::vector<std::string>(limits::kEgressRangesMax + 1, "10.0.0.0/8")).error().code, Code::LIMIT);
}

TEST(DestinationPolicy, AdmitsWhatAPermitNamed) {
  const AllowList list = AllowList::parse({"api.example.com", "8.8.8.8:53"}).value();
  const Permit name = list.permit("api.example.com", 443).value();
  EXPECT_EQ(policy().admit(name, *parse_ip("8.8.4.4"))->port(), 443);
  const Error error = policy().admit(name, *parse_ip("10.0.0.1")).error();
  EXPECT_EQ(error.code, Code::EGRESS_ADDRESS);
  EXPECT_EQ(error.got, "private use");
  const Permit literal = list.permit(*parse_ip("8.8.8.8"), 53).value();
  EXPECT_TRUE(policy().admit(literal, *parse_ip("8.8.8.8")));
  EXPECT_EQ(policy().admit(literal, *parse_ip("8.8.4.4")).error().code, Code::EGRESS_ADDRESS);
}

}  // namespace
}  // namespace cages::policy
