// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <array>

#include "base/bytes.h"
#include "base/file.h"
#include "base/json.h"
#include "base/secret.h"
#include "base/text.h"

namespace cages {
namespace {

TEST(Hex, ReadsBothCasesAndRefusesTheRest) {
  EXPECT_EQ(hex(parse_hex("00fFAb").value()), "00ffab");
  EXPECT_EQ(parse_hex("0").error().code, Code::HEX);
  EXPECT_EQ(parse_hex("0g").error().code, Code::HEX);
}

// RFC 4648 §10.
TEST(Base64, MatchesTheRfcVectors) {
  const std::array<std::pair<std::string_view, std::string_view>, 7> table{{{"", ""},
                                                                             {"f", "Zg=="},
                                                                             {"fo", "Zm8="},
                                                                             {"foo", "Zm9v"},
                                                                             {"foob", "Zm9vYg=="},
                                                                             {"fooba", "Zm9vYmE="},
                                                                             {"foobar", "Zm9vYmFy"}}};
  for (const auto& [plain, encoded] : table) {
    EXPECT_EQ(base64(as_bytes(plain)), encoded);
    EXPECT_EQ(as_text(parse_base64(encoded).value()), plain);
  }
}

TEST(Base64, RefusesWhatIsNotCanonical) {
  for (const std::string_view bad : {"Zg", "Zg=", "Zg===", "Zh==", "Z g=", "Zg==\n", "====", "Zm8=Zm8="}) {
    EXPECT_FALSE(parse_base64(bad)) << bad;
  }
  EXPECT_FALSE(parse_base64url("Zg=="));
  EXPECT_EQ(as_text(parse_base64url("Zg").value()), "f");
}

TEST(Printable, EscapesWhatCouldForgeALogLine) {
  EXPECT_EQ(printable("a\n\x1b[31m\\"), "a\\x0a\\x1b[31m\\x5c");
  EXPECT_EQ(printable("abcdef", 3), "abc...");
}

TEST(Json, KeepsOrderAndRoundTrips) {
  const std::string text = R"({"b":[1,-2,true,null,"x\n"],"a":{"c":1.5}})";
  EXPECT_EQ(write_json(parse_json(text).value()), text);
}

TEST(Json, RefusesDuplicatesDepthTrailingAndSize) {
  EXPECT_EQ(parse_json(R"({"a":1,"a":2})").error().code, Code::JSON);
  EXPECT_FALSE(parse_json(R"({"a":{"b":1,"b":{}}})"));
  EXPECT_FALSE(parse_json(R"({"a":1} x)"));
  EXPECT_FALSE(parse_json(std::string(40, '[') + std::string(40, ']')));
  EXPECT_TRUE(parse_json(std::string(limits::kJsonDepthMax, '[') + std::string(limits::kJsonDepthMax, ']')));
  EXPECT_FALSE(parse_json("\"aaaaaaaa\"", 5));
  EXPECT_FALSE(parse_json("18446744073709551615"));
  EXPECT_FALSE(parse_json(""));
}

TEST(Secret, WipesWhatItHeldAndMovesWithoutLeavingACopy) {
  Secret a = Secret::copy_of(as_bytes("hunter2"));
  const Secret b = std::move(a);
  EXPECT_TRUE(a.empty());  // NOLINT(bugprone-use-after-move): that is the test
  EXPECT_EQ(as_text(b.reveal()), "hunter2");
  Bytes memory = to_bytes("abc");
  wipe(memory);
  EXPECT_TRUE(all_zero(memory));
}

TEST(Text, KnowsUtf8AndNames) {
  EXPECT_TRUE(valid_utf8("h\xc3\xa9"));
  for (const std::string_view bad : {"\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xc3", "\x80"}) EXPECT_FALSE(valid_utf8(bad));
  const std::array<std::string_view, 3> known{"port", "name", "egress"};
  EXPECT_EQ(nearest("prot", known), "port");
  EXPECT_EQ(split("a,,b", ',').size(), 3U);
  EXPECT_EQ(trim(" a b\n"), "a b");
}

TEST(File, IsWrittenWholeAndReadWithinItsBound) {
  const auto path = std::filesystem::path(testing::TempDir()) / "cages_file_test";
  ASSERT_TRUE(write_file(path, as_bytes("hello"), 0600));
  EXPECT_EQ(as_text(read_file(path, 5).value()), "hello");
  EXPECT_EQ(read_file(path, 4).error().code, Code::LIMIT);
  EXPECT_EQ(read_file(path.string() + ".none", 4).error().code, Code::IO);
  std::filesystem::remove(path);
}

TEST(ErrorClass, TakesTheSubjectOnlyWhereTheClassNeedsIt) {
  EXPECT_EQ(error_class(Error(Code::MISSING, "nonce")), "MISSING nonce");
  EXPECT_EQ(error_class(Error(Code::JSON, "nonce")), "JSON");
}

}  // namespace
}  // namespace cages
