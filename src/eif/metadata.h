// SPDX-License-Identifier: Apache-2.0
// The metadata section (nitro.md §1.6): JSON that the hypervisor only asks to be there. Never measured, so never
// trusted: it is shown to people and decides nothing.
#pragma once

#include <cstdint>
#include <string>

#include "base/json.h"

namespace cages::eif {

struct Metadata {
  std::string image_name;
  std::string image_version;
  std::string build_time;  // RFC 3339
  std::string build_tool;
  std::string build_tool_version;
  std::string operating_system = "Linux";
  std::string kernel_version = "unknown";
  Json docker_info;      // `docker inspect`; null in images of ours
  Json custom_metadata;  // an object or null
};

// What a kernel's .config says of it, on its third line: "# Linux/x86_64 6.12.41 Kernel Configuration".
struct KernelWords {
  std::string operating_system;
  std::string version;
};

// kernel_words reads a .config the way AWS's tool does; "unknown" for both where it does not look so.
KernelWords kernel_words(std::string_view config);

// build_time: SOURCE_DATE_EPOCH (decimal seconds; null or unreadable: 0) as RFC 3339 with "+00:00".
std::string build_time(const char* source_date_epoch);

// cages_metadata is what images of ours carry as CustomMetadata: {"cages":{"v":1,"runtime":…,"kernel":…}}.
// `kernel`: SHA-256 in hexadecimal, or "none".
Json cages_metadata(std::string_view runtime, std::string_view kernel);

// write_metadata: compact, AWS's key order. EIF_METADATA where CustomMetadata is longer than
// kEifCustomMetadataBytesMax.
Result<std::string> write_metadata(const Metadata& metadata);
// untrusted: parse_metadata takes any JSON object; members that are missing or of another type stay empty. EIF_METADATA
// else.
Result<Metadata> parse_metadata(std::string_view text);

}  // namespace cages::eif
