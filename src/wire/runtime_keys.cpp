// SPDX-License-Identifier: Apache-2.0
#include "wire/runtime_keys.h"

#include <algorithm>

#include "base/limits.h"
#include "wire/frame.h"

namespace cages::wire {
namespace {

template <std::size_t N>
Result<void> read_fixed(FieldReader& fields, std::uint64_t key, std::string_view name, std::array<Byte, N>& into) {
  TRY_ASSIGN(const ByteView bytes, fields.bytes(key, name, N));
  if (bytes.size() != N) return fail(Code::TYPE, std::string(name), std::to_string(N) + " bytes", std::to_string(bytes.size()));
  std::ranges::copy(bytes, into.begin());
  return {};
}

}  // namespace

Bytes write_runtime_keys(const RuntimeKeys& keys) {
  CborWriter writer;
  writer.map(3).uint(1).bytes(keys.session_key).uint(2).bytes(keys.sealing_key).uint(3).bytes(keys.ca_key_hash);
  return writer.take();
}

Result<RuntimeKeys> parse_runtime_keys(ByteView bytes) {
  if (bytes.size() > limits::kPublicKeyBytesMax) return fail(Code::LIMIT, "public_key");
  TRY_ASSIGN(FieldReader fields, FieldReader::open(bytes));
  RuntimeKeys keys;
  TRY_ASSIGN(const ByteView session, fields.bytes(1, "session_key", limits::kSessionKeyBytesMax));
  keys.session_key = to_bytes(session);
  TRY(read_fixed(fields, 2, "sealing_key", keys.sealing_key));
  TRY(read_fixed(fields, 3, "ca_key_hash", keys.ca_key_hash));
  TRY(fields.finish());
  return keys;
}

}  // namespace cages::wire
