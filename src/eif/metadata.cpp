// SPDX-License-Identifier: Apache-2.0
#include "eif/metadata.h"

#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstring>

#include "base/bytes.h"
#include "base/limits.h"
#include "base/text.h"

namespace cages::eif {

KernelWords kernel_words(std::string_view config) {
  const KernelWords unknown{"unknown", "unknown"};
  const auto lines = split(config.substr(0, 4096), '\n');
  if (lines.size() < 3) return unknown;
  std::vector<std::string_view> words;
  std::string_view rest = lines[2];
  for (;;) {
    const std::size_t end = rest.find_first_of(" /-");
    words.push_back(rest.substr(0, end));
    if (end == std::string_view::npos) break;
    rest.remove_prefix(end + 1);
  }
  if (words.size() < 4) return unknown;
  return {printable(words[1]), printable(words[3])};
}

std::string build_time(const char* source_date_epoch) {
  std::int64_t seconds = 0;
  if (source_date_epoch != nullptr) {
    const char* end = source_date_epoch + std::strlen(source_date_epoch);
    const auto [at, error] = std::from_chars(source_date_epoch, end, seconds);
    constexpr std::int64_t kYear9999 = 253'402'300'799;
    if (error != std::errc{} || at != end || seconds < 0 || seconds > kYear9999) seconds = 0;
  }
  const std::chrono::sys_seconds time{std::chrono::seconds(seconds)};
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(time - day);
  char text[32];
  std::snprintf(text, sizeof text, "%04d-%02u-%02uT%02d:%02d:%02d+00:00", int(date.year()), unsigned(date.month()),
                unsigned(date.day()), int(clock.hours().count()), int(clock.minutes().count()),
                int(clock.seconds().count()));
  return text;
}

Json cages_metadata(std::string_view runtime, std::string_view kernel) {
  return Json::object({{"cages", Json::object({{"v", 1}, {"runtime", runtime}, {"kernel", kernel}})}});
}

Result<std::string> write_metadata(const Metadata& metadata) {
  const std::size_t custom = write_json(metadata.custom_metadata).size();
  if (custom > limits::kEifCustomMetadataBytesMax) {
    return fail(Code::EIF_METADATA, "CustomMetadata",
                "at most " + std::to_string(limits::kEifCustomMetadataBytesMax) + " bytes", std::to_string(custom));
  }
  return write_json(Json::object({{"ImageName", metadata.image_name},
                                  {"ImageVersion", metadata.image_version},
                                  {"BuildMetadata", Json::object({{"BuildTime", metadata.build_time},
                                                                  {"BuildTool", metadata.build_tool},
                                                                  {"BuildToolVersion", metadata.build_tool_version},
                                                                  {"OperatingSystem", metadata.operating_system},
                                                                  {"KernelVersion", metadata.kernel_version}})},
                                  {"DockerInfo", metadata.docker_info},
                                  {"CustomMetadata", metadata.custom_metadata}}));
}

Result<Metadata> parse_metadata(std::string_view text) {
  const auto json = parse_json(text, limits::kEifMetadataBytesMax);
  if (!json) return fail(Code::EIF_METADATA, "", json.error().expected, json.error().got);
  if (!json->is_object()) return fail(Code::EIF_METADATA, "", "a JSON object", "another value");
  Metadata out;
  out.image_name = json->text_or("ImageName", "");
  out.image_version = json->text_or("ImageVersion", "");
  const Json* build = json->find("BuildMetadata");
  const Json none;
  if (build == nullptr) build = &none;
  out.build_time = build->text_or("BuildTime", "");
  out.build_tool = build->text_or("BuildTool", "");
  out.build_tool_version = build->text_or("BuildToolVersion", "");
  out.operating_system = build->text_or("OperatingSystem", "");
  out.kernel_version = build->text_or("KernelVersion", "");
  if (const Json* docker = json->find("DockerInfo")) out.docker_info = *docker;
  if (const Json* custom = json->find("CustomMetadata")) out.custom_metadata = *custom;
  return out;
}

}  // namespace cages::eif
