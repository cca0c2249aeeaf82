// SPDX-License-Identifier: Apache-2.0
#include "wire/runtime_key_set.h"

#include <algorithm>

#include "base/limits.h"
#include "wire/cbor.h"

namespace cages::wire {
namespace {

Result<RuntimeKeySet> parse(ByteView bytes) {
  CborReader reader(bytes);
  RuntimeKeySet result;
  TRY_ASSIGN(const std::uint64_t pairs, reader.read_map("key set"));
  if (pairs != 3) return fail(Code::UNKNOWN_KEY, "", "3 pairs", std::to_string(pairs));
  TRY(reader.read_key(1));
  TRY_ASSIGN(const ByteView spki, reader.read_bytes("session key"));
  if (spki.empty()) return fail(Code::MISSING, "session key");
  result.session_spki = to_bytes(spki);
  TRY(reader.read_key(2));
  TRY(reader.read_fixed("sealing key", result.sealing_key));
  TRY(reader.read_key(3));
  TRY(reader.read_fixed("CA digest", result.ca_digest));
  TRY(reader.finish());
  return result;
}

}  // namespace

Result<Bytes> write_key_set(const RuntimeKeySet& keys) {
  Bytes out =
      CborWriter().map(3).uint(1).bytes(keys.session_spki).uint(2).bytes(keys.sealing_key).uint(3).bytes(keys.ca_digest).take();
  if (out.size() <= limits::kPublicKeyBytesMax) return out;
  return fail(Code::LIMIT, "key set", std::to_string(limits::kPublicKeyBytesMax) + " bytes", std::to_string(out.size()));
}

Result<RuntimeKeySet> parse_key_set(ByteView bytes) {
  if (bytes.size() > limits::kPublicKeyBytesMax) {
    return fail(Code::KEY_SET, "", "at most " + std::to_string(limits::kPublicKeyBytesMax) + " bytes", std::to_string(bytes.size()));
  }
  auto parsed = parse(bytes);
  if (!parsed) return fail(Code::KEY_SET, "", "canonical CBOR {1: S, 2: K, 3: digest}", describe(parsed.error()));
  return parsed;
}

}  // namespace cages::wire
