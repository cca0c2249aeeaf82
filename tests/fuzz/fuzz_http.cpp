// SPDX-License-Identifier: Apache-2.0
// Hostile bytes as requests, answers, chunk lines and trailers. What is accepted is written and read again to the same.
#include <cstdlib>

#include "http/parse.h"
#include "http/write.h"

namespace {

void require(bool good) {
  if (!good) std::abort();
}

void requests(std::string_view text) {
  std::size_t scanned = 0;
  const auto end = cages::http::head_end(text, scanned);
  if (!end || *end == 0) return;
  const auto request = cages::http::parse_request(text.substr(0, *end));
  if (!request) return;
  const auto written = cages::http::write_request(request->head, request->framing, true);
  require(written.has_value());
  if (request->version_1_0) return;
  const auto again = cages::http::parse_request(*written);
  require(again && again->framing.kind == request->framing.kind && again->framing.length == request->framing.length &&
          again->head.target == request->head.target && again->head.authority == request->head.authority &&
          again->head.headers.size() == request->head.headers.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = cages::as_text({data, size});
  requests(text);
  for (const char* method : {"GET", "HEAD"}) static_cast<void>(cages::http::parse_response(text, method));
  static_cast<void>(cages::http::parse_request(text));
  static_cast<void>(cages::http::parse_chunk_line(text));
  static_cast<void>(cages::http::parse_trailers(text));
  return 0;
}
