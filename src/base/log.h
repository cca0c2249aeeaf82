// SPDX-License-Identifier: Apache-2.0
// Log: one structured line an event, on standard error. For the programs; libraries return errors instead. Values from
// another side are escaped here, so that no log line can be forged. Secrets have no way in: Secret does not convert to text.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

#include "base/error.h"

namespace cages::log {

enum class Level { debug, info, warning, error };

using Field = std::pair<std::string_view, std::string>;

// start sets the program's name, lowest level, and whether lines are JSON. Call once, in main.
void start(std::string_view program, Level lowest = Level::info, bool json = false);

// line writes one event: `time program level event key=value …`.
void line(Level level, std::string_view event, std::initializer_list<Field> fields = {});
inline void info(std::string_view event, std::initializer_list<Field> fields = {}) { line(Level::info, event, fields); }
inline void warning(std::string_view event, std::initializer_list<Field> fields = {}) { line(Level::warning, event, fields); }
void error(std::string_view event, const Error& error, std::initializer_list<Field> fields = {});

}  // namespace cages::log
