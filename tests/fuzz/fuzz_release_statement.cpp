// SPDX-License-Identifier: Apache-2.0
// Release statements: what is accepted has one spelling; files around them never do harm.
#include <cstdlib>

#include "crypto/release_statement.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace cages;
  const ByteView bytes(data, size);
  if (const auto statement = wire::parse_release_statement(bytes)) {
    const auto again = wire::write_release_statement(*statement);
    if (!again || !equal(*again, bytes)) std::abort();
    const auto file = crypto::write_release_file(*statement, nullptr);
    const auto read = file ? crypto::read_unsigned_release_file(*file) : Result<wire::ReleaseStatement>(fail(Code::INTERNAL));
    if (!read || !(read.value() == *statement)) std::abort();
  }
  (void)crypto::read_unsigned_release_file(as_text(bytes));
  return 0;
}
