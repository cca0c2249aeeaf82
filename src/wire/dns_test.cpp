// SPDX-License-Identifier: Apache-2.0
// DNS messages: what an app's resolver asks, what a host answers, and what neither may say.
#include "wire/dns.h"

#include <gtest/gtest.h>

#include "wire/dns_name.h"

namespace cages::wire::dns {
namespace {

// Written by hand from RFC 1035 §4.1: "WWW.Example.com", A, IN, recursion desired.
const std::string kName = "03575757" "074578616d706c65" "03636f6d" "00";
const std::string kAsked = "1234" "0100" "0001000000000000" + kName + "0001" "0001";
const std::string kAskedEdns = "1234" "0100" "0001000000000001" + kName + "0001" "0001" "00" "0029" "04d0" "00000000" "0000";

Bytes raw(const std::string& text) { return parse_hex(text).value(); }

TEST(DnsQuery, IsReadWithItsLettersKept) {
  const auto query = parse_query(raw(kAsked));
  ASSERT_TRUE(query.has_value());
  EXPECT_EQ(query->id, 0x1234);
  EXPECT_TRUE(query->recursion_desired);
  EXPECT_EQ(query->question, (Question{"www.example.com", type::kA}));
  EXPECT_EQ(hex(query->question_bytes), kName + "00010001");
  EXPECT_FALSE(query->edns);
  EXPECT_EQ(parse_query(raw(kAskedEdns))->edns, (Edns{1232, 0}));
  EXPECT_EQ(hex(write_query(Query{0x1234, true, {"www.example.com", type::kA}, Edns{}, {}})).size(), kAskedEdns.size());
}

TEST(DnsQuery, OfAnyOtherShapeIsRefused) {
  const std::string head = "1234" "0100" "0001000000000000";
  const std::string tail = "00010001";
  std::string long_name;
  for (int i = 0; i < 4; ++i) long_name += "3f" + hex(Bytes(63, 'a'));
  const std::vector<std::pair<const char*, std::string>> refused{
      {"nothing", ""},
      {"a head alone", head},
      {"an answer", "1234" "8100" "0001000000000000" + kName + tail},
      {"another operation", "1234" "2900" "0001000000000000" + kName + tail},
      {"no question", "1234" "0100" "0000000000000000"},
      {"two questions", "1234" "0100" "0002000000000000" + kName + tail + kName + tail},
      {"an answer in it", "1234" "0100" "0001000100000000" + kName + tail + "c00c0001000100000000" "0004" "7f000001"},
      {"class CH", head + kName + "00010003"},
      {"a label of 64", head + "40" + hex(Bytes(64, 'a')) + "00" + tail},
      {"a name of 257", head + long_name + "00" + tail},
      {"NUL in a label", head + "03" "610062" "00" + tail},
      {"a dot in a label", head + "03" "612e62" "00" + tail},
      {"8 bits in a label", head + "01" "e4" "00" + tail},
      {"a pointer in the question", head + "c00c" + tail},
      {"a name without end", head + "03777777"},
      {"trailing bytes", kAsked + "00"},
      {"a TSIG", "1234" "0100" "0001000000000001" + kName + tail + "00" "00fa" "00ff" "00000000" "0000"},
      {"an OPT of a name", "1234" "0100" "0001000000000001" + kName + tail + "0161" "00" "0029" "04d0" "00000000" "0000"},
      {"an option cut short", "1234" "0100" "0001000000000001" + kName + tail + "00" "0029" "04d0" "00000000" "0005" "000a000800"},
  };
  for (const auto& [what, text] : refused) {
    const auto query = parse_query(raw(text));
    ASSERT_FALSE(query.has_value()) << what;
    EXPECT_EQ(query.error().code, Code::DNS) << what;
  }
  // 255 octets are a name: 3 labels of 63 and one of 61.
  const std::string longest = "3f" + hex(Bytes(63, 'a')) + "3f" + hex(Bytes(63, 'a')) + "3f" + hex(Bytes(63, 'a'));
  EXPECT_TRUE(parse_query(raw(head + longest + "3d" + hex(Bytes(61, 'a')) + "00" + tail)).has_value());
  EXPECT_FALSE(parse_query(raw(head + longest + "3e" + hex(Bytes(62, 'a')) + "00" + tail)).has_value());
}

TEST(DnsQuery, ThatIsRefusedIsAnsweredWhereThereIsSomebody) {
  EXPECT_EQ(hex(*write_refusal(raw("1234" "0100" "0002000000000000"))), "1234" "8101" "0000000000000000");
  EXPECT_EQ(hex(*write_refusal(raw("1234" "2800" "0000000000000000"))), "1234" "a804" "0000000000000000");
  EXPECT_FALSE(write_refusal(raw("1234" "8100" "0001000000000000")));
  EXPECT_FALSE(write_refusal(raw("1234")));
}

TEST(DnsReply, AnswersWithTheQuestionAsItCame) {
  const auto query = parse_query(raw(kAsked));
  Reply reply;
  reply.records = {address_record("www.example.com", 5, {127, 64, 0, 1})};
  EXPECT_EQ(hex(write_reply(*query, reply, 512)), "1234" "8180" "0001000100000000" + kName + "00010001" +
                                                      "c00c" "0001" "0001" "00000005" "0004" "7f400001");
}

TEST(DnsReply, SaysWhyOnlyToWhoUnderstandsIt) {
  const Reply reply{Rcode::refused, {}, std::nullopt, extended::kBlocked, "no"};
  EXPECT_EQ(hex(write_reply(*parse_query(raw(kAsked)), reply, 512)),
            "1234" "8185" "0001000000000000" + kName + "00010001");
  EXPECT_EQ(hex(write_reply(*parse_query(raw(kAskedEdns)), reply, 512)),
            "1234" "8185" "0001000000000001" + kName + "00010001" + "00" "0029" "04d0" "00000000" "0008" "000f" "0004" "000f" "6e6f");
}

TEST(DnsReply, NoDataCarriesAnSoaThatReadsBack) {
  Reply reply;
  reply.negative_ttl = 7;
  const auto answer = parse_answer(write_reply(*parse_query(raw(kAskedEdns)), reply, 512));
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(answer->negative_ttl, 7U);
  EXPECT_TRUE(answer->records.empty());
  EXPECT_EQ(answer->rcode, Rcode::ok);
}

TEST(DnsReply, ThatIsTooLongIsCutToItsQuestion) {
  Reply reply;
  for (int i = 0; i < 100; ++i) reply.records.push_back(address_record("www.example.com", 5, {127, 64, 0, 1}));
  const auto query = parse_query(raw(kAsked));
  const auto cut = parse_answer(write_reply(*query, reply, 512));
  EXPECT_TRUE(cut->truncated);
  EXPECT_TRUE(cut->records.empty());
  EXPECT_EQ(parse_answer(write_reply(*query, reply, 4096))->records.size(), 100U);
}

TEST(DnsReply, RefusesLaterVersionsOfEdns) {
  const std::string later = "1234" "0100" "0001000000000001" + kName + "00010001" + "00" "0029" "04d0" "00010000" "0000";
  Reply reply;
  reply.records = {address_record("www.example.com", 5, {127, 64, 0, 1})};
  EXPECT_EQ(hex(write_reply(*parse_query(raw(later)), reply, 512)),
            "1234" "8180" "0001000000000001" + kName + "00010001" + "00" "0029" "04d0" "01000000" "0000");
}

// "example.com" MX at offset 12, as servers compress it.
const std::string kMxHead = "0001" "8180" "0001000100000000" "076578616d706c65" "03636f6d" "00" "000f" "0001";
const std::string kMx = kMxHead + "c00c" "000f" "0001" "0000012c" "0009" "000a" "046d61696c" "c00c";

TEST(DnsAnswer, IsReadThroughItsPointers) {
  const auto answer = parse_answer(raw(kMx));
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(answer->question, (Question{"example.com", type::kMx}));
  const Record expected{"example.com", type::kMx, 300, {0, 10}, "mail.example.com", {}};
  ASSERT_EQ(answer->records.size(), 1U);
  EXPECT_EQ(answer->records[0], expected);
}

TEST(DnsAnswer, GivesThePortOfAService) {
  const std::string srv = "0001" "8180" "0001000100000000" "0161" "00" "0021" "0001" "c00c" "0021" "0001" "0000012c" "0009"
                          "000a" "0001" "1538" "0162" "00";
  const auto answer = parse_answer(raw(srv));
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(answer->records[0].port(), 5432);
  EXPECT_EQ(answer->records[0].target, "b");
}

TEST(DnsAnswer, OfAnyOtherShapeIsRefused) {
  const std::string head = "0001" "8180" "0001000100000000" "0161" "00" "000f" "0001";  // 19 bytes
  const std::string fixed = "000f" "0001" "0000012c";
  const std::vector<std::pair<const char*, std::string>> refused{
      {"a query", kAsked},
      {"a pointer to itself", head + "c013" + fixed + "0004" "000a" "0162" "00"},
      {"a pointer forward", head + "c020" + fixed + "0005" "000a" "0162" "00"},
      {"a pointer beyond", head + "ffff" + fixed + "0005" "000a" "0162" "00"},
      {"a name beyond its record", head + "c00c" + fixed + "0003" "000a" "0162" "00"},
      {"bytes behind a name", head + "c00c" + fixed + "0006" "000a" "0162" "00" "00"},
      {"a record cut short", head + "c00c" + fixed + "0005" "000a"},
      {"another class", head + "c00c" "000f" "0003" "0000012c" "0005" "000a" "0162" "00"},
      {"trailing bytes", kMx + "00"},
      {"more records than it has", "0001" "8180" "0001000200000000" + kMx.substr(24)},
      {"too many records", "0001" "8180" "0001ffffffffffff" + kMx.substr(24)},
      {"a text that does not fit", "0001" "8180" "0001000100000000" "0161" "00" "0010" "0001" "c00c" "0010" "0001" "00000001" "0002" "0561"},
      {"a text of nothing", "0001" "8180" "0001000100000000" "0161" "00" "0010" "0001" "c00c" "0010" "0001" "00000001" "0000"},
      {"a label type of no meaning", head + "8161" "00" + fixed + "0005" "000a" "0162" "00"},
  };
  for (const auto& [what, text] : refused) {
    const auto answer = parse_answer(raw(text));
    ASSERT_FALSE(answer.has_value()) << what;
    EXPECT_EQ(answer.error().code, Code::DNS) << what;
  }
  EXPECT_FALSE(parse_answer(Bytes(limits::kDnsMessageBytesMax + 1)).has_value());
}

// A chain of pointers, each to the one before: it ends, and costs no more than the message.
TEST(DnsAnswer, ChainsOfPointersEnd) {
  Bytes message = raw("0001" "8180" "0001000100000000" "0161" "00" "000f" "0001");
  std::size_t last = 12;
  Bytes data;
  for (std::size_t at = 19 + 12; at + 2 < 4000; at += 2) {
    put_u16(data, static_cast<std::uint16_t>(0xc000 | last));
    last = at;
  }
  append(message, raw("c00c" "0063" "0001" "00000000"));
  put_u16(message, static_cast<std::uint16_t>(data.size()));
  append(message, data);
  EXPECT_TRUE(parse_answer(message).has_value());  // type 99: nobody looks into it
  Bytes pointing = message;
  pointing[7] = 2;
  put_u16(pointing, static_cast<std::uint16_t>(0xc000 | last));
  append(pointing, raw("0001" "0001" "00000000" "0000"));
  const auto answer = parse_answer(pointing);
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(answer->records[1].owner, "a");
}

TEST(DnsService, LosesItsAddressHints) {
  // alpn=h2, ipv4hint, ech (5), ipv6hint.
  const std::string four = "0004" "0004" "c0000201";
  const std::string six = "0006" "0010" "20010db8000000000000000000000001";
  const auto strip = [](const std::string& text) { return hex(without_address_hints(raw(text)).value_or(Bytes{0xff})); };
  EXPECT_EQ(strip("0001" "0003" "026832" + four + "0005" "0001" "aa" + six), "0001" "0003" "026832" "0005" "0001" "aa");
  EXPECT_EQ(strip("0000" "0004" "00010004" "0001" "0003" "026832" + four), "0000" "0002" "0001" "0001" "0003" "026832");
  EXPECT_EQ(strip("0000" "0002" "0006" + six), "");
  EXPECT_EQ(strip(""), "");
  for (const std::string& bad : {four + "0001" "0000", four + four, std::string("0001" "0005" "00"), std::string("0000" "0001" "00")}) {
    EXPECT_FALSE(without_address_hints(raw(bad)).has_value()) << bad;
  }
}

}  // namespace
}  // namespace cages::wire::dns
