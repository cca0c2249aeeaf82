// SPDX-License-Identifier: Apache-2.0
#include "wire/pem.h"

#include "base/text.h"

namespace cages::wire {

Result<std::vector<Bytes>> parse_pem_list(std::string_view text, std::string_view label) {
  const std::string begin = "-----BEGIN " + std::string(label) + "-----";
  const std::string end = "-----END " + std::string(label) + "-----";
  std::vector<Bytes> result;
  std::string body;
  bool inside = false;
  for (std::string_view line : split(text, '\n')) {
    line = trim(line);
    if (line.empty() && !inside) continue;
    if (!inside && line == begin) {
      inside = true;
    } else if (inside && line == end) {
      auto content = parse_base64(body);
      if (!content || content->empty()) return fail(Code::PEM, std::string(label), "base64 between the lines", "other text");
      result.push_back(std::move(*content));
      body.clear();
      inside = false;
    } else if (inside) {
      body += line;
    } else {
      return fail(Code::PEM, std::string(label), begin, printable(line, 40));
    }
  }
  if (inside || result.empty()) return fail(Code::PEM, std::string(label), begin + " … " + end, "no whole block");
  return result;
}

Result<Bytes> parse_pem(std::string_view text, std::string_view label) {
  TRY_ASSIGN(std::vector<Bytes> blocks, parse_pem_list(text, label));
  if (blocks.size() != 1) return fail(Code::PEM, std::string(label), "one block", std::to_string(blocks.size()));
  return std::move(blocks.front());
}

std::string write_pem(ByteView content, std::string_view label) {
  constexpr std::size_t kLine = 64;  // RFC 7468 §2
  std::string out = "-----BEGIN " + std::string(label) + "-----\n";
  const std::string body = base64(content);
  for (std::size_t at = 0; at < body.size(); at += kLine) out += body.substr(at, kLine) + "\n";
  return out + "-----END " + std::string(label) + "-----\n";
}

}  // namespace cages::wire
