// SPDX-License-Identifier: Apache-2.0
#include "wire/egress.h"

#include <gtest/gtest.h>

#include "base/limits.h"
#include "wire/frame.h"
#include "wire/name_query.h"

namespace cages::wire {
namespace {

const ListDigest kList{1, 2, 3, 4, 5, 6, 7, 8};

ByteView payload(const Bytes& frame) { return ByteView(frame).subspan(kFrameLengthBytes); }

Result<EgressOpen> open_of(const std::string& digits) { return parse_egress_open(parse_hex(digits).value()); }

TEST(EgressMessages, SurviveBeingWrittenAndRead) {
  for (const EgressOpen& open : {EgressOpen{"api.example.com", 443, kList}, EgressOpen{*parse_ip("192.0.2.1"), 1, kList},
                                 EgressOpen{*parse_ip("2001:db8::1"), 65535, kList}}) {
    EXPECT_EQ(parse_egress_open(payload(write_egress(open))), open);
  }
  for (const EgressAnswer& answer : {EgressAnswer{}, EgressAnswer{EgressCode::list, "why"}}) {
    EXPECT_EQ(parse_egress_answer(payload(write_egress(answer))), answer);
  }
  const NameQuery query{7, "example.com", 16, kList};
  EXPECT_EQ(parse_name_query(payload(write_name_query(query))), query);
  const NameAnswer answer{7, EgressCode::ok, Bytes{1, 2, 3}};
  EXPECT_EQ(parse_name_answer(payload(write_name_answer(answer))), answer);
}

// Written by hand: [80, 1, {1: "a.b", 2: 443, 3: h'0102030405060708'}], and the same with an address.
TEST(EgressMessages, AreTheseBytes) {
  EXPECT_EQ(hex(payload(write_egress(EgressOpen{"a.b", 443, kList}))), "83185001a30163612e62021901bb03480102030405060708");
  EXPECT_EQ(hex(payload(write_egress(EgressOpen{*parse_ip("192.0.2.1"), 25, kList}))),
            "83185001a30144c000020102181903480102030405060708");
  EXPECT_EQ(hex(payload(write_egress(EgressAnswer{EgressCode::refused, "x"}))), "83185101a20101026178");
}

TEST(EgressMessages, AreRefusedInAnyOtherForm) {
  const std::string list = "03480102030405060708";
  EXPECT_EQ(error_class(open_of("83185001a30163612e620200" + list).error()), "TYPE port");
  EXPECT_EQ(error_class(open_of("83185001a30163612e62021a00010000" + list).error()), "TYPE port");
  EXPECT_EQ(error_class(open_of("83185001a30145c0000201000219" "01bb" + list).error()), "TYPE address");
  EXPECT_EQ(error_class(open_of("83185001a301400219" "01bb" + list).error()), "TYPE address");
  EXPECT_EQ(error_class(open_of("83185001a3010102" "1901bb" + list).error()), "TYPE name");
  EXPECT_EQ(error_class(open_of("83185001a30163612e62021901bb0347010203" "04050607").error()), "TYPE list");
  EXPECT_EQ(open_of("83185001a30163612e62021901bb0349010203040506070809").error().code, Code::LIMIT);
  EXPECT_EQ(error_class(open_of("83185001a20163612e62021901bb").error()), "MISSING list");
  EXPECT_EQ(open_of("83185001a40163612e62021901bb" + list + "0400").error().code, Code::UNKNOWN_KEY);
  EXPECT_EQ(open_of("83185002a30163612e62021901bb" + list).error().code, Code::MESSAGE_VERSION);
  EXPECT_EQ(open_of("83185101a30163612e62021901bb" + list).error().code, Code::MESSAGE_TYPE);
  EXPECT_EQ(open_of("83185001a30163612e62021901bb" + list + "00").error().code, Code::TRAILING_BYTES);
  EXPECT_EQ(parse_egress_open(payload(write_egress(EgressOpen{std::string(254, 'a'), 443, kList}))).error().code, Code::LIMIT);
  EXPECT_EQ(error_class(parse_egress_answer(parse_hex("83185101a201070260").value()).error()), "TYPE code");
  const NameAnswer large{1, EgressCode::ok, Bytes(limits::kDnsMessageBytesMax + 1)};
  EXPECT_EQ(parse_name_answer(payload(write_name_answer(large))).error().code, Code::LIMIT);
  EXPECT_EQ(error_class(parse_name_query(parse_hex("83185201a4010102616103" "1a00010000" "04480102030405060708").value()).error()),
            "TYPE type");
}

TEST(EgressMessages, AreRefusedCutAnywhere) {
  const Bytes open = write_egress(EgressOpen{"api.example.com", 443, kList});
  const Bytes query = write_name_query(NameQuery{7, "example.com", 16, kList});
  for (std::size_t n = 0; n + 1 < payload(open).size(); ++n) EXPECT_FALSE(parse_egress_open(payload(open).first(n))) << n;
  for (std::size_t n = 0; n + 1 < payload(query).size(); ++n) EXPECT_FALSE(parse_name_query(payload(query).first(n))) << n;
}

TEST(EgressMessages, CutALongTextAtACharacter) {
  const EgressAnswer answer{EgressCode::dial, std::string(kEgressTextBytesMax - 1, 'a') + "\xc3\xa9"};
  EXPECT_EQ(parse_egress_answer(payload(write_egress(answer)))->text, std::string(kEgressTextBytesMax - 1, 'a'));
}

TEST(EgressCodes, AreErrorsAndBack) {
  for (int code = 1; code <= static_cast<int>(EgressCode::list); ++code) {
    EXPECT_EQ(egress_code(code_of(static_cast<EgressCode>(code))), static_cast<EgressCode>(code));
  }
}

}  // namespace
}  // namespace cages::wire
