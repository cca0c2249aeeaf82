// SPDX-License-Identifier: Apache-2.0
// LineCutter: the app's output, in any pieces, as bounded lines. Pure; reading pipes is the supervisor's.
#pragma once

#include <functional>

#include "base/bytes.h"

namespace cages::runtime {

class LineCutter {
 public:
  using Sink = std::function<void(ByteView line)>;
  // Lines longer than `line_bytes_max` come in pieces of that size, so that nothing an app prints makes us hold more.
  LineCutter(std::size_t line_bytes_max, Sink sink) : line_bytes_max_(line_bytes_max), sink_(std::move(sink)) {}
  // feed passes on each whole line, without its "\n" or "\r\n".
  void feed(ByteView bytes);
  // finish passes on what is left when the output ends.
  void finish();

 private:
  void pass_on();
  std::size_t line_bytes_max_;
  Sink sink_;
  Bytes line_;
};

}  // namespace cages::runtime
