// SPDX-License-Identifier: Apache-2.0
// HTTP/1.1 heads: types to bytes. Refuses what would change the message's shape, wherever the values came from. No I/O.
#pragma once

#include "http/parse.h"

namespace cages::http {

// write_request, write_response return a whole head. INTERNAL where a name, value, target or status could not stand in
// one. Framing and Connection fields come from the arguments alone.
Result<std::string> write_request(const RequestHead& head, const Framing& framing, bool keep_alive);
Result<std::string> write_response(const ResponseHead& head, const Framing& framing, bool keep_alive);
// write_chunk_head begins a chunk; its data and CRLF follow. write_last_chunk ends a chunked body.
std::string write_chunk_head(std::uint64_t size);
Result<std::string> write_last_chunk(const Headers& trailers);
// reason_phrase returns the standard's words for a status, or "Status".
std::string_view reason_phrase(int status);

}  // namespace cages::http
