// SPDX-License-Identifier: Apache-2.0
#include "base/log.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <vector>

#include "base/bytes.h"
#include "base/json.h"

namespace cages::log {
namespace {

constexpr std::size_t kValueCharactersMax = 512;

struct State {
  std::shared_ptr<spdlog::logger> logger;
  std::string program = "cages";
  bool json = false;
};

State& state() {
  static State instance;
  return instance;
}

spdlog::level::level_enum convert(Level level) {
  switch (level) {
    case Level::debug: return spdlog::level::debug;
    case Level::info: return spdlog::level::info;
    case Level::warning: return spdlog::level::warn;
    case Level::error: return spdlog::level::err;
  }
  return spdlog::level::info;
}

// untrusted: a quote inside a value would end it for whoever reads the line, and what follows would pass for our own fields.
std::string value_text(std::string_view value) {
  const bool quote = value.empty() || value.find_first_of(" \"=") != std::string_view::npos;
  std::string out;
  if (quote) out += '"';
  for (const char c : printable(value, kValueCharactersMax)) {
    if (c == '"') {
      out += "\\x22";
    } else {
      out += c;
    }
  }
  if (quote) out += '"';
  return out;
}

void write(Level level, std::string_view event, const std::vector<Field>& fields) {
  State& s = state();
  if (!s.logger) start(s.program);
  std::string text;
  if (s.json) {
    Json object = Json::object({{"program", s.program}, {"event", event}});
    for (const auto& [name, value] : fields) object.set(name, printable(value, kValueCharactersMax));
    text = write_json(object);
  } else {
    text = std::string(event);
    for (const auto& [name, value] : fields) {
      text += ' ';
      text += name;
      text += '=';
      text += value_text(value);
    }
  }
  s.logger->log(convert(level), text);
}

}  // namespace

void start(std::string_view program, Level lowest, bool json) {
  State& s = state();
  s.program = std::string(program);
  s.json = json;
  s.logger = std::make_shared<spdlog::logger>(s.program, std::make_shared<spdlog::sinks::stderr_sink_mt>());
  s.logger->set_pattern(json ? "%v" : "%Y-%m-%dT%H:%M:%S.%eZ %n %l %v", spdlog::pattern_time_type::utc);
  s.logger->set_level(convert(lowest));
  s.logger->flush_on(spdlog::level::info);
}

void line(Level level, std::string_view event, std::initializer_list<Field> fields) {
  write(level, event, std::vector<Field>(fields));
}

void error(std::string_view event, const Error& error, std::initializer_list<Field> fields) {
  std::vector<Field> all(fields);
  all.emplace_back("code", error_class(error));
  all.emplace_back("subject", error.subject);
  all.emplace_back("expected", error.expected);
  all.emplace_back("got", error.got);
  all.emplace_back("where", std::string(error.where.file_name()) + ":" + std::to_string(error.where.line()));
  write(Level::error, event, all);
}

}  // namespace cages::log
