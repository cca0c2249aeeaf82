// SPDX-License-Identifier: Apache-2.0
#include "wire/ev_string.h"

#include <gtest/gtest.h>

#include "base/limits.h"
#include "wire/ev_file.h"

namespace cages::wire {
namespace {

const std::string kIv = "AAECAwQFBgcICQoL";
const std::string kPoint = "AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIC";
const std::string kTag = "AAAAAAAAAAAAAAAAAAAAAA";
const std::string kBody = kIv + ":" + kPoint + ":" + kTag + ":$";

struct Valid {
  const char* name;
  std::string text;
  EvVersion version;
  EvType type;
  std::string written;  // where it is another
};

class EvValid : public testing::TestWithParam<Valid> {};

TEST_P(EvValid, IsReadAndWrittenBack) {
  const auto& c = GetParam();
  const auto value = parse_ev(c.text);
  ASSERT_TRUE(value) << describe(value.error());
  EXPECT_EQ(value->version, c.version);
  EXPECT_EQ(value->type, c.type);
  EXPECT_EQ(value->sealed.size(), kEvTagBytes);
  EXPECT_EQ(write_ev(*value), c.written.empty() ? c.text : c.written);
  EXPECT_TRUE(looks_like_ev(c.text));
}

INSTANTIATE_TEST_SUITE_P(
    Table, EvValid,
    testing::Values(
        Valid{"dub", "ev:RFVC:" + kBody, EvVersion::dub, EvType::string, ""},
        Valid{"kir", "ev:S0lS:number:" + kBody, EvVersion::kir, EvType::number, ""},
        Valid{"noc", "ev:Tk9D:boolean:" + kBody, EvVersion::noc, EvType::boolean, ""},
        Valid{"p256_role", "ev:QkTC:" + kBody, EvVersion::p256_role, EvType::string, ""},
        Valid{"explicit_string", "ev:QkTC:string:" + kBody, EvVersion::p256_role, EvType::string, "ev:QkTC:" + kBody},
        Valid{"unversioned", "ev:" + kBody, EvVersion::dub, EvType::string, "ev:RFVC:" + kBody},
        Valid{"unversioned_number", "ev:number:" + kBody, EvVersion::dub, EvType::number, "ev:RFVC:number:" + kBody}),
    [](const auto& row) { return row.param.name; });

struct Invalid {
  const char* name;
  std::string text;
  Code code;
};

class EvInvalid : public testing::TestWithParam<Invalid> {};

TEST_P(EvInvalid, IsRefused) {
  const auto value = parse_ev(GetParam().text);
  ASSERT_FALSE(value);
  EXPECT_EQ(value.error().code, GetParam().code) << describe(value.error());
}

INSTANTIATE_TEST_SUITE_P(
    Table, EvInvalid,
    testing::Values(
        Invalid{"empty", "", Code::EV_FORMAT}, Invalid{"only_marks", "ev:$", Code::EV_FORMAT},
        Invalid{"short", "ev:123", Code::EV_FORMAT},
        Invalid{"no_end", "ev:QkTC:" + kIv + ":" + kPoint + ":" + kTag, Code::EV_FORMAT},
        Invalid{"upper_case", "EV:QkTC:" + kBody, Code::EV_FORMAT},
        Invalid{"after_the_end", "ev:QkTC:" + kBody + " ", Code::EV_FORMAT},
        Invalid{"debug", "ev:debug:QkTC:" + kBody, Code::EV_VERSION},
        Invalid{"unknown_version", "ev:QQQQ:" + kBody, Code::EV_VERSION},
        Invalid{"version_without_published_scheme", "ev:TENZ:" + kBody, Code::EV_VERSION},
        Invalid{"unknown_type", "ev:QkTC:object:" + kBody, Code::EV_FORMAT},
        Invalid{"type_twice", "ev:QkTC:number:number:" + kBody, Code::EV_FORMAT},
        Invalid{"short_iv", "ev:QkTC:AAECAwQFBgcICQo:" + kPoint + ":" + kTag + ":$", Code::EV_FORMAT},
        Invalid{"short_point", "ev:QkTC:" + kIv + ":AgIC:" + kTag + ":$", Code::EV_FORMAT},
        Invalid{"no_tag", "ev:QkTC:" + kIv + ":" + kPoint + ":AAAA:$", Code::EV_FORMAT},
        Invalid{"padded", "ev:QkTC:" + kIv + ":" + kPoint + ":" + kTag + "==:$", Code::EV_FORMAT},
        Invalid{"url_alphabet", "ev:QkTC:" + kIv + ":" + kPoint + ":_" + kTag.substr(1) + ":$", Code::EV_FORMAT},
        Invalid{"trailing_bits", "ev:QkTC:" + kIv + ":" + kPoint + ":" + kTag.substr(1) + "B:$", Code::EV_FORMAT},
        Invalid{"line_break", "ev:QkTC:" + kIv + ":" + kPoint + ":\n" + kTag.substr(1) + ":$", Code::EV_FORMAT},
        Invalid{"missing_field", "ev:QkTC:" + kIv + ":" + kTag + ":$", Code::EV_FORMAT},
        Invalid{"field_too_many", "ev:QkTC:" + kIv + ":" + kPoint + ":" + kTag + ":" + kTag + ":$", Code::EV_FORMAT},
        Invalid{"colons", "ev:" + std::string(1000, ':') + "$", Code::EV_FORMAT},
        Invalid{"too_long", "ev:QkTC:" + kIv + ":" + kPoint + ":" + std::string(limits::kEvStringBytesMax, 'A') + ":$",
                Code::LIMIT}),
    [](const auto& row) { return row.param.name; });

TEST(EvMetadata, IsReadAndWrittenBack) {
  const EvMetadata with{"card", 9, 1700000000};
  const Bytes bytes = write_ev_metadata(with);
  const auto read = parse_ev_metadata(bytes);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->first, with);
  EXPECT_EQ(read->second, bytes.size());
  const EvMetadata without{{}, 300, 5};
  EXPECT_EQ(parse_ev_metadata(write_ev_metadata(without)).value().first, without);
}

struct BadMetadata {
  const char* name;
  std::string hex;
};

class EvMetadataInvalid : public testing::TestWithParam<BadMetadata> {};

TEST_P(EvMetadataInvalid, IsRefused) {
  const auto read = parse_ev_metadata(parse_hex(GetParam().hex).value());
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, Code::EV_FORMAT);
}

// 82 a2 65 6f 09 a2 65 74 05 is {"eo": 9, "et": 5}.
INSTANTIATE_TEST_SUITE_P(Table, EvMetadataInvalid,
                         testing::Values(BadMetadata{"nothing", ""}, BadMetadata{"half_a_length", "05"},
                                         BadMetadata{"longer_than_the_value", "ffff80"}, BadMetadata{"array", "010090"},
                                         BadMetadata{"map_cut_short",
                                                     "0500"
                                                     "82a2656f09"},
                                         BadMetadata{"bytes_after_the_map",
                                                     "0a00"
                                                     "82a2656f09a265740500"},
                                         BadMetadata{"key_twice",
                                                     "0900"
                                                     "82a2656f09a2656f05"},
                                         BadMetadata{"unknown_key",
                                                     "0500"
                                                     "81a2787809"},
                                         BadMetadata{"negative",
                                                     "0500"
                                                     "81a2656fff"},
                                         BadMetadata{"wider_than_32_bits",
                                                     "0d00"
                                                     "81a2656fcf0000000100000000"},
                                         BadMetadata{"role_upper_case",
                                                     "0600"
                                                     "81a26472a141"},
                                         BadMetadata{"role_empty",
                                                     "0500"
                                                     "81a26472a0"},
                                         BadMetadata{"role_too_long",
                                                     "1a00"
                                                     "81a26472b5616161616161616161616161616161616161616161"},
                                         BadMetadata{"nested",
                                                     "0500"
                                                     "81a2656f80"}),
                         [](const auto& row) { return row.param.name; });

Bytes a_file(const Bytes& sealed) {
  EvFile file;
  file.ephemeral.fill(2);
  file.sealed = sealed;
  return write_ev_file(file);
}

TEST(EvFile, IsReadAndWrittenBack) {
  const Bytes bytes = a_file(Bytes(100, 7));
  const auto file = parse_ev_file(bytes);
  ASSERT_TRUE(file) << describe(file.error());
  EXPECT_EQ(file->sealed.size(), 100U);
  EXPECT_EQ(write_ev_file(*file), bytes);
}

// Every single byte changed, every length shorter: refused, or (in key, IV and sealed bytes) found by the checksum.
TEST(EvFile, NoByteOfItCanChangeUnseen) {
  const Bytes bytes = a_file(Bytes(kEvTagBytes, 7));
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    Bytes changed = bytes;
    changed[i] ^= 1U;
    EXPECT_FALSE(parse_ev_file(changed)) << i;
    EXPECT_FALSE(parse_ev_file(ByteView(bytes).first(i))) << i;
  }
  EXPECT_EQ(parse_ev_file(Bytes(limits::kEvFileBytesMax + 1)).error().code, Code::LIMIT);
}

}  // namespace
}  // namespace cages::wire
