// SPDX-License-Identifier: Apache-2.0
#include "wire/release_statement.h"

#include <algorithm>

#include "base/limits.h"
#include "wire/cbor.h"

namespace cages::wire {
namespace {

constexpr std::string_view kLabel = "cages/release";
constexpr std::uint64_t kVersion = 1;
constexpr std::size_t kTextBytesMax = 128;
constexpr std::uint64_t kCounterMax = 1ULL << 53;
enum Key : std::uint64_t { kApp = 1, kCounter = 2, kPcrs = 3, kRuntime = 4, kNotAfter = 5 };

Error wrong(std::string_view what, std::string_view expected, std::string got) {
  return Error(Code::RELEASE_STATEMENT, std::string(what), std::string(expected), std::move(got));
}

Result<void> check_values(const ReleaseStatement& statement) {
  if (statement.app.empty() || statement.app.size() > kTextBytesMax)
    return fail(wrong("app", "1 to 128 bytes", "another length"));
  if (statement.runtime.size() > kTextBytesMax) return fail(wrong("runtime", "at most 128 bytes", "more"));
  // JSON readers everywhere hold numbers up to 2^53 exactly.
  if (statement.counter > kCounterMax) return fail(wrong("counter", "at most 2^53", std::to_string(statement.counter)));
  if (statement.not_after <= 0)
    return fail(wrong("not_after", "a time after 1970", std::to_string(statement.not_after)));
  return {};
}

Result<void> expect_key(CborReader& from, std::uint64_t key) {
  TRY_ASSIGN(const std::uint64_t got, from.read_uint("key"));
  if (got != key) return fail(wrong("key", std::to_string(key), std::to_string(got)));
  return {};
}

Result<ReleaseStatement::Pcr> read_pcr(CborReader& from, std::uint64_t index) {
  TRY(expect_key(from, index));
  TRY_ASSIGN(const ByteView bytes, from.read_bytes("PCR"));
  ReleaseStatement::Pcr out{};
  if (bytes.size() != out.size())
    return fail(wrong("PCR" + std::to_string(index), "48 bytes", std::to_string(bytes.size())));
  std::ranges::copy(bytes, out.begin());
  return out;
}

Result<void> read_pcrs(CborReader& from, ReleaseStatement& out) {
  TRY(expect_key(from, kPcrs));
  TRY_ASSIGN(const std::uint64_t count, from.read_map("PCRs"));
  if (count != 3 && count != 4) return fail(wrong("PCRs", "three or four", std::to_string(count)));
  TRY_ASSIGN(out.pcr0, read_pcr(from, 0));
  TRY_ASSIGN(out.pcr1, read_pcr(from, 1));
  TRY_ASSIGN(out.pcr2, read_pcr(from, 2));
  if (count == 4) {
    TRY_ASSIGN(out.pcr8, read_pcr(from, 8));
  }
  return {};
}

Result<void> read_head(CborReader& from) {
  TRY_ASSIGN(const std::uint64_t items, from.read_array("statement"));
  if (items != 3) return fail(wrong("statement", "three items", std::to_string(items)));
  TRY_ASSIGN(const std::string_view label, from.read_text("label"));
  if (label != kLabel) return fail(wrong("label", kLabel, printable(label)));
  TRY_ASSIGN(const std::uint64_t version, from.read_uint("version"));
  if (version != kVersion) return fail(wrong("version", "1", std::to_string(version)));
  TRY_ASSIGN(const std::uint64_t members, from.read_map("members"));
  if (members != 5) return fail(wrong("members", "five", std::to_string(members)));
  return {};
}

}  // namespace

Result<Bytes> write_release_statement(const ReleaseStatement& statement) {
  TRY(check_values(statement));
  CborWriter writer;
  writer.array(3).text(kLabel).uint(kVersion).map(5);
  writer.uint(kApp).text(statement.app).uint(kCounter).uint(statement.counter);
  writer.uint(kPcrs).map(statement.pcr8 ? 4 : 3);
  writer.uint(0).bytes(statement.pcr0).uint(1).bytes(statement.pcr1).uint(2).bytes(statement.pcr2);
  if (statement.pcr8) writer.uint(8).bytes(*statement.pcr8);
  writer.uint(kRuntime).text(statement.runtime).uint(kNotAfter).integer(statement.not_after);
  return writer.take();
}

Result<ReleaseStatement> parse_release_statement(ByteView bytes) {
  if (bytes.size() > limits::kReleaseStatementBytesMax) {
    return fail(Code::LIMIT, "release statement", std::to_string(limits::kReleaseStatementBytesMax),
                std::to_string(bytes.size()));
  }
  CborReader reader(bytes);
  ReleaseStatement out;
  TRY(read_head(reader));
  TRY(expect_key(reader, kApp));
  TRY_ASSIGN(out.app, reader.read_text("app"));
  TRY(expect_key(reader, kCounter));
  TRY_ASSIGN(out.counter, reader.read_uint("counter"));
  TRY(read_pcrs(reader, out));
  TRY(expect_key(reader, kRuntime));
  TRY_ASSIGN(out.runtime, reader.read_text("runtime"));
  TRY(expect_key(reader, kNotAfter));
  TRY_ASSIGN(out.not_after, reader.read_int("not_after"));
  TRY(reader.finish());
  TRY(check_values(out));
  return out;
}

}  // namespace cages::wire
