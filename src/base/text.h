// SPDX-License-Identifier: Apache-2.0
// Small text helpers: ASCII case, splitting, UTF-8 validity, the nearest of several names. For every part.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace cages {

std::string ascii_lower(std::string_view text);
bool ascii_iequal(std::string_view a, std::string_view b);
// split cuts at each `separator`; an empty text gives one empty part.
std::vector<std::string_view> split(std::string_view text, char separator);
// trim removes spaces, tabs, CR and LF at both ends.
std::string_view trim(std::string_view text);
// valid_utf8: RFC 3629, no surrogates, no overlong forms.
bool valid_utf8(std::string_view text);
// nearest returns the known name with the fewest edits to `name` (empty where there are none): for "did you mean".
std::string nearest(std::string_view name, std::span<const std::string_view> known);

// metric_label writes a value for a label of Prometheus text: printable (cut after `length_max`), with quotes and backslashes
// escaped, as that format has it.
std::string metric_label(std::string_view text, std::size_t length_max = 80);

}  // namespace cages
