// SPDX-License-Identifier: Apache-2.0
#include "wire/nsm.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "base/file.h"
#include "base/json.h"
#include "base/limits.h"

namespace cages::wire {
namespace {

Bytes from_hex(std::string_view text) { return parse_hex(text).value(); }

// The vectors' file, or nothing where it isn't there.
std::optional<Json> vectors() {
  const char* folder = std::getenv("CAGE_VECTORS");
  const std::filesystem::path base = folder != nullptr ? folder : CAGES_SOURCE_DIR "/../shared/vectors";
  const auto content = read_file(base / "nsm/nsm_cbor.json", 1 << 20);
  if (!content) return std::nullopt;
  return parse_json(as_text(*content)).value();
}

std::string request_class(ByteView bytes) {
  const auto parsed = parse_nsm_request(bytes);
  return parsed ? "accepted" : error_class(parsed.error());
}

std::string response_class(ByteView bytes) {
  const auto parsed = parse_nsm_response(bytes);
  return parsed ? "accepted" : error_class(parsed.error());
}

TEST(NsmRequest, IsByteForByteWhatTheNsmReads) {
  const auto all = vectors();
  if (!all) GTEST_SKIP() << "no nsm/nsm_cbor.json: set CAGE_VECTORS";
  const std::vector<std::pair<std::string, NsmRequest>> table{
      {"DescribeNSM", NsmDescribeRequest{}},
      {"GetRandom", NsmRandomRequest{}},
      {"DescribePCR_0", NsmDescribePcrRequest{0}},
      {"DescribePCR_4", NsmDescribePcrRequest{4}},
      {"DescribePCR_15", NsmDescribePcrRequest{15}},
      {"DescribePCR_16", NsmDescribePcrRequest{16}},
      {"DescribePCR_31", NsmDescribePcrRequest{31}},
      {"DescribePCR_32", NsmDescribePcrRequest{32}},
      {"ExtendPCR_16", NsmExtendPcrRequest{16, {1, 2, 3}}},
      {"LockPCR_16", NsmLockPcrRequest{16}},
      {"LockPCRs_20", NsmLockPcrsRequest{20}},
      {"Attestation_null", NsmAttestationRequest{}},
      {"Attestation_all", NsmAttestationRequest{to_bytes("ud"), to_bytes("no"), to_bytes("pk")}},
  };
  const auto& rows = *all->find("requests")->as_object();
  EXPECT_EQ(rows.size(), table.size());
  for (const auto& [name, request] : table) {
    const Json* row = all->find("requests")->find(name);
    ASSERT_NE(row, nullptr) << name;
    const std::string expected = row->text_or("hex", "");
    EXPECT_EQ(hex(write_nsm_request(request)), expected) << name;
    const auto parsed = parse_nsm_request(from_hex(expected));
    ASSERT_TRUE(parsed) << name;
    EXPECT_EQ(hex(write_nsm_request(*parsed)), expected) << name;
  }
}

TEST(NsmResponse, ReadsEveryVectorAndRefusesTheBadOnes) {
  const auto all = vectors();
  if (!all) GTEST_SKIP() << "no nsm/nsm_cbor.json: set CAGE_VECTORS";
  for (const auto& [name, row] : *all->find("responses")->as_object()) {
    const Bytes bytes = from_hex(row.text_or("hex", ""));
    const auto parsed = parse_nsm_response(bytes);
    if (name.starts_with("bad_")) {
      EXPECT_FALSE(parsed) << name;
      continue;
    }
    ASSERT_TRUE(parsed) << name;
    EXPECT_EQ(hex(write_nsm_response(*parsed)), hex(bytes)) << name;
  }
}

TEST(NsmResponse, LooksMembersUpByName) {
  // {"DescribePCR": {"data": h'01', "later": [1], "lock": true}}
  const auto parsed = parse_nsm_response(from_hex("a16b4465736372696265504352a3646461746141016" "56c61746572" "8101646c6f636bf5"));
  ASSERT_TRUE(parsed);
  const auto& pcr = std::get<NsmPcr>(*parsed);
  EXPECT_TRUE(pcr.locked);
  EXPECT_EQ(hex(pcr.value), "01");
}

TEST(NsmResponse, RefusesTheRestByName) {
  EXPECT_EQ(response_class({}), "CBOR");
  EXPECT_EQ(response_class(from_hex("00")), "MESSAGE_TYPE");
  EXPECT_EQ(response_class(from_hex("a0")), "MESSAGE_TYPE");
  EXPECT_EQ(response_class(from_hex("a10000")), "MESSAGE_TYPE");
  EXPECT_EQ(response_class(from_hex("6947657452616e646f6d")), "MESSAGE_TYPE");       // GetRandom without an answer
  EXPECT_EQ(response_class(from_hex("a16947657452616e646f6da0")), "MISSING random");
  EXPECT_EQ(response_class(from_hex("a16947657452616e646f6da16672616e646f6d00")), "TYPE random");
  EXPECT_EQ(response_class(from_hex("a1654572726f72634e6577")), "MESSAGE_TYPE");     // an error nobody knows
  EXPECT_EQ(response_class(Bytes(limits::kNsmResponseBytesMax + 1, 0xf6)), "LIMIT");
}

TEST(NsmRequest, RefusesTheRestByNameAndStatus) {
  struct Row {
    std::string_view bytes;
    std::string_view error;
    NsmStatus status;
  };
  for (const Row& row : std::initializer_list<Row>{
           {"", "CBOR", NsmStatus::invalid_operation},
           {"00", "MESSAGE_TYPE", NsmStatus::invalid_operation},
           {"644e6f7065", "MESSAGE_TYPE", NsmStatus::invalid_operation},
           {"6b44657363726962654e534d00", "TRAILING_BYTES", NsmStatus::invalid_operation},
           {"a0", "MESSAGE_TYPE", NsmStatus::invalid_operation},
           {"a26b44657363726962654e534d006947657452616e646f6d00", "MESSAGE_TYPE", NsmStatus::invalid_operation},
           {"a16b44657363726962654e534da0", "MESSAGE_TYPE", NsmStatus::invalid_operation},
           {"bf6b4465736372696265504352a165696e64657800ff", "INDEFINITE_INNER", NsmStatus::invalid_operation},
           {"6b4465736372696265504352", "MISSING arguments", NsmStatus::invalid_argument},
           {"a16b4465736372696265504352a0", "MISSING index", NsmStatus::invalid_argument},
           {"a16b4465736372696265504352a165696e646578f6", "TYPE index", NsmStatus::invalid_argument},
           {"a16b4465736372696265504352a165696e64657820", "TYPE index", NsmStatus::invalid_argument},
           {"a16b4465736372696265504352a165696e6465781a00010000", "LIMIT", NsmStatus::input_too_large},
           {"a16b4465736372696265504352a265696e6465780065696e64657800", "DUPLICATE_KEY", NsmStatus::invalid_argument},
           {"a169457874656e64504352a165696e64657810", "MISSING data", NsmStatus::invalid_argument},
           {"a16b4174746573746174696f6ea1656e6f6e636563616263", "TYPE nonce", NsmStatus::invalid_argument},
       }) {
    const auto parsed = parse_nsm_request(from_hex(row.bytes));
    ASSERT_FALSE(parsed) << row.bytes;
    EXPECT_EQ(error_class(parsed.error()), row.error) << row.bytes;
    EXPECT_EQ(nsm_status_for(parsed.error()), row.status) << row.bytes;
  }
  EXPECT_EQ(request_class(Bytes(limits::kNsmRequestBytesMax + 1, 0xf6)), "LIMIT");
}

TEST(NsmRequest, TakesAbsentOptionalsAsNull) {
  const auto parsed = parse_nsm_request(from_hex("a16b4174746573746174696f6ea1656e6f6e636540"));
  ASSERT_TRUE(parsed);
  const auto& request = std::get<NsmAttestationRequest>(*parsed);
  EXPECT_FALSE(request.user_data);
  EXPECT_FALSE(request.public_key);
  ASSERT_TRUE(request.nonce);
  EXPECT_TRUE(request.nonce->empty());
}

TEST(NsmMessages, SurviveEveryTruncation) {
  const Bytes request = write_nsm_request(NsmAttestationRequest{to_bytes("ud"), to_bytes("no"), to_bytes("pk")});
  const Bytes response = write_nsm_response(NsmDescription{1, 0, 0, "i-1-enc2", 32, {0, 1}, "SHA384"});
  for (std::size_t n = 0; n < request.size(); ++n) EXPECT_FALSE(parse_nsm_request(ByteView(request).first(n))) << n;
  for (std::size_t n = 0; n < response.size(); ++n) EXPECT_FALSE(parse_nsm_response(ByteView(response).first(n))) << n;
}

}  // namespace
}  // namespace cages::wire
