// SPDX-License-Identifier: Apache-2.0
#include "eif/metadata.h"

#include <gtest/gtest.h>

namespace cages::eif {
namespace {

TEST(Metadata, IsWrittenInAwsKeyOrder) {
  const Metadata metadata{.image_name = "synthetic",
                          .image_version = "1.0",
                          .build_time = build_time(nullptr),
                          .build_tool = "synthetic",
                          .build_tool_version = "0",
                          .operating_system = "none",
                          .kernel_version = "0",
                          .docker_info = {},
                          .custom_metadata = {}};
  EXPECT_EQ(write_metadata(metadata).value(),
            R"({"ImageName":"synthetic","ImageVersion":"1.0","BuildMetadata":{"BuildTime":"1970-01-01T00:00:00+00:00",)"
            R"("BuildTool":"synthetic","BuildToolVersion":"0","OperatingSystem":"none","KernelVersion":"0"},)"
            R"("DockerInfo":null,"CustomMetadata":null})");
  const Metadata back = parse_metadata(write_metadata(metadata).value()).value();
  EXPECT_EQ(back.image_name, "synthetic");
  EXPECT_EQ(back.kernel_version, "0");
}

TEST(Metadata, NamesRuntimeAndKernelOfOurImages) {
  EXPECT_EQ(write_json(cages_metadata("0.1.0", "none")), R"({"cages":{"v":1,"runtime":"0.1.0","kernel":"none"}})");
}

TEST(Metadata, HasABoundOnWhatUsersPutIn) {
  Metadata metadata;
  metadata.custom_metadata = Json::object({{"x", std::string(4096, 'a')}});
  EXPECT_EQ(write_metadata(metadata).error().code, Code::EIF_METADATA);
}

TEST(Metadata, OfAnybodyIsReadOrRefusedButNeverTrusted) {
  EXPECT_EQ(parse_metadata("{}").value().image_name, "");
  EXPECT_EQ(parse_metadata(R"({"ImageName":1,"BuildMetadata":[]})").value().image_name, "");
  EXPECT_EQ(parse_metadata("[]").error().code, Code::EIF_METADATA);
  EXPECT_EQ(parse_metadata("").error().code, Code::EIF_METADATA);
}

TEST(BuildTime, ComesFromSourceDateEpochOr1970) {
  EXPECT_EQ(build_time("1700000000"), "2023-11-14T22:13:20+00:00");
  for (const char* bad : {"", "x", "-1", "1e9", "99999999999999999999", " 1"}) {
    EXPECT_EQ(build_time(bad), "1970-01-01T00:00:00+00:00") << bad;
  }
}

TEST(KernelWords, AreThoseOfTheThirdLine) {
  const auto words = kernel_words("#\n# Automatically generated\n# Linux/x86_64 6.12.41 Kernel Configuration\n#\n");
  EXPECT_EQ(words.operating_system, "Linux");
  EXPECT_EQ(words.version, "6.12.41");
  EXPECT_EQ(kernel_words("").version, "unknown");
  EXPECT_EQ(kernel_words("\n\nx").version, "unknown");
}

}  // namespace
}  // namespace cages::eif
