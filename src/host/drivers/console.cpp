// SPDX-License-Identifier: Apache-2.0
#include "host/drivers/console.h"

#include "base/bytes.h"
#include "base/limits.h"

namespace cages::drivers {

std::vector<std::string> Console::add(std::string_view bytes, Nanoseconds now) {
  kept_ += bytes.substr(bytes.size() - std::min(bytes.size(), limits::kConsoleBytesKept));
  if (kept_.size() > limits::kConsoleBytesKept) kept_.erase(0, kept_.size() - limits::kConsoleBytesKept);
  std::vector<std::string> out;
  for (const char c : bytes) {
    if (c == '\n') {
      end_line(out, now);
    } else if (line_.size() < limits::kConsoleLineBytesMax) {
      line_.push_back(c);
    } else {
      cut_ = true;
    }
  }
  return out;
}

void Console::end_line(std::vector<std::string>& out, Nanoseconds now) {
  if (now - second_ >= std::chrono::seconds(1)) {
    second_ = now;
    lines_ = 0;
    if (dropped_ > 0) out.push_back(std::to_string(dropped_) + " lines dropped");
    dropped_ = 0;
  }
  if (lines_ < limits::kConsoleLinesPerSecond) {
    ++lines_;
    out.push_back(line_ + (cut_ ? "..." : ""));
  } else {
    ++dropped_;
  }
  line_.clear();
  cut_ = false;
}

std::string Console::tail(std::size_t bytes_max) const {
  const std::size_t from = kept_.size() - std::min(kept_.size(), bytes_max);
  return printable(std::string_view(kept_).substr(from), bytes_max);
}

}  // namespace cages::drivers
