// SPDX-License-Identifier: Apache-2.0
// HTTP/1.1 heads, chunk lines and trailers: bytes to types, strictly (RFC 9112, and refusing what it lets a server
// refuse). Whatever two parsers could read in two ways is refused, so that nothing can be smuggled past this one. No
// I/O.
#pragma once

#include "http/headers.h"

namespace cages::http {

enum class BodyKind : std::uint8_t { none, length, chunked, until_close };
struct Framing {
  BodyKind kind = BodyKind::none;
  std::uint64_t length = 0;
};

struct ParsedRequest {
  RequestHead head;
  Framing framing;
  bool keep_alive = true;
  bool expect_continue = false;
  bool version_1_0 = false;
};

struct ParsedResponse {
  ResponseHead head;
  Framing framing;
  bool keep_alive = true;
};

// untrusted: head_end looks for the empty line that ends a head in what has arrived, from `scanned` on, which it moves.
// Returns the head's length with that line, or 0 where it is still to come. HTTP_SYNTAX on a bare CR, LF or NUL.
Result<std::size_t> head_end(std::string_view arrived, std::size_t& scanned);

// untrusted: parse_request reads one whole head, CRLF CRLF included. HTTP_SYNTAX, HTTP_FRAMING, HTTP_VERSION,
// HTTP_EXPECT, or LIMIT above kHttpHeadersMax and kHttpTargetBytesMax.
Result<ParsedRequest> parse_request(std::string_view head);
// untrusted: parse_response, the same for the answer to a request of `method`.
Result<ParsedResponse> parse_response(std::string_view head, std::string_view method);

// untrusted: parse_chunk_line reads a chunk's size (without CRLF); well-formed extensions are dropped. HTTP_FRAMING
// else.
Result<std::uint64_t> parse_chunk_line(std::string_view line);
// untrusted: parse_trailers reads header lines up to and with the empty one. HTTP_FRAMING where one changes the
// message.
Result<Headers> parse_trailers(std::string_view lines);

}  // namespace cages::http
