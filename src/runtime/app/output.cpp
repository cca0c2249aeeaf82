// SPDX-License-Identifier: Apache-2.0
#include "runtime/app/output.h"

#include <algorithm>

namespace cages::runtime {

void LineCutter::pass_on() {
  sink_(line_);
  line_.clear();
}

void LineCutter::feed(ByteView bytes) {
  while (!bytes.empty()) {
    const auto end = std::ranges::find(bytes, Byte{'\n'});
    const bool whole = end != bytes.end();
    ByteView piece = bytes.first(static_cast<std::size_t>(end - bytes.begin()));
    bytes = bytes.subspan(piece.size() + (whole ? 1 : 0));
    while (line_.size() + piece.size() > line_bytes_max_) {
      const std::size_t take = line_bytes_max_ - line_.size();
      append(line_, piece.first(take));
      piece = piece.subspan(take);
      pass_on();
    }
    append(line_, piece);
    if (!whole) continue;
    if (!line_.empty() && line_.back() == '\r') line_.pop_back();
    pass_on();
  }
}

void LineCutter::finish() {
  if (!line_.empty()) pass_on();
}

}  // namespace cages::runtime
