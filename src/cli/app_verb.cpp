// SPDX-License-Identifier: Apache-2.0
#include "cli/app_verb.h"

#include "base/file.h"
#include "base/limits.h"

namespace cages::cli {

Result<Json> AppVerb::read_input(const std::string& file, Terminal& terminal) {
  if (!file.empty() && file != "-") {
    TRY_ASSIGN(const Secret text, read_secret_file(file, limits::kJsonBytesMax));
    return parse_json(as_text(text.reveal()));
  }
  Bytes bytes;
  bytes.reserve(limits::kJsonBytesMax + 1);  // secret: no copy is left behind by growth
  char byte = 0;
  while (bytes.size() <= limits::kJsonBytesMax && terminal.in.get(byte)) bytes.push_back(static_cast<Byte>(byte));
  const Secret text(std::move(bytes));
  return parse_json(as_text(text.reveal()));
}

}  // namespace cages::cli
