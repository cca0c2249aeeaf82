// SPDX-License-Identifier: Apache-2.0
// Tokens: what is accepted has one form, and is written back byte for byte.
#include <cstdlib>

#include "wire/token.h"

extern "C" int LLVMFuzzerTestOneInput(const cages::Byte* data, std::size_t size) {
  const std::string_view text = cages::as_text({data, size});
  if (const auto token = cages::wire::parse_token(text)) {
    const std::string head = cages::wire::write_token_head(token->key_id, token->claims);
    if (head != token->signed_part || cages::wire::write_token(head, token->signature) != text) std::abort();
  }
  return 0;
}
