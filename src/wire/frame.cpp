// SPDX-License-Identifier: Apache-2.0
#include "wire/frame.h"

#include <cstdlib>

#include "base/limits.h"

namespace cages::wire {

Result<std::size_t> frame_length(std::span<const Byte, kFrameLengthBytes> prefix) {
  const std::size_t length =
      std::size_t{prefix[0]} << 24 | std::size_t{prefix[1]} << 16 | std::size_t{prefix[2]} << 8 | prefix[3];
  if (length == 0 || length > limits::kFrameBytesMax) {
    return fail(Code::FRAME, "", "1 to " + std::to_string(limits::kFrameBytesMax) + " bytes", std::to_string(length));
  }
  return length;
}

Result<Frame> parse_frame(ByteView payload) {
  if (payload.size() > limits::kFrameBytesMax) {
    return fail(Code::FRAME, "", "at most " + std::to_string(limits::kFrameBytesMax) + " bytes",
                std::to_string(payload.size()));
  }
  CborReader reader(payload);
  TRY_ASSIGN(const std::uint64_t items, reader.read_array("frame"));
  if (items != 3) return fail(Code::FRAME, "", "[type, version, fields]", std::to_string(items) + " items");
  TRY_ASSIGN(const std::uint64_t type, reader.read_uint("type"));
  TRY_ASSIGN(const std::uint64_t version, reader.read_uint("version"));
  const std::size_t begin = reader.position();
  TRY_ASSIGN(const CborType kind, reader.peek());
  if (kind != CborType::map) return fail(Code::TYPE, "fields", "map", "another type");
  TRY(reader.skip());
  const std::size_t end = reader.position();
  TRY(reader.finish());
  return Frame{type, version, payload.subspan(begin, end - begin)};
}

Result<FieldReader> FieldReader::open(ByteView fields) {
  FieldReader result(fields);
  TRY_ASSIGN(result.left_, result.reader_.read_map("fields"));
  TRY(result.advance());
  return result;
}

Result<void> FieldReader::advance() {
  const std::optional<std::uint64_t> last = next_;
  next_.reset();
  if (left_ == 0) return reader_.finish();
  TRY_ASSIGN(const std::uint64_t key, reader_.read_uint("key"));
  if (last && key == *last) return fail(Code::DUPLICATE_KEY, std::to_string(key), "once", "twice");
  if (last && key < *last)
    return fail(Code::CBOR, "keys", "ascending order", std::to_string(key) + " after " + std::to_string(*last));
  --left_;
  next_ = key;
  return {};
}

Result<void> FieldReader::expect(std::uint64_t key, std::string_view name) {
  if (has(key)) return {};
  if (next_ && *next_ < key)
    return fail(Code::UNKNOWN_KEY, std::to_string(*next_), std::string(name), std::to_string(*next_));
  return fail(Code::MISSING, std::string(name), "key " + std::to_string(key),
              next_ ? "key " + std::to_string(*next_) : "the end");
}

Result<std::uint64_t> FieldReader::uint(std::uint64_t key, std::string_view name) {
  TRY(expect(key, name));
  TRY_ASSIGN(const std::uint64_t value, reader_.read_uint(name));
  TRY(advance());
  return value;
}

Result<std::int64_t> FieldReader::integer(std::uint64_t key, std::string_view name) {
  TRY(expect(key, name));
  TRY_ASSIGN(const std::int64_t value, reader_.read_int(name));
  TRY(advance());
  return value;
}

Result<bool> FieldReader::boolean(std::uint64_t key, std::string_view name) {
  TRY(expect(key, name));
  TRY_ASSIGN(const bool value, reader_.read_bool(name));
  TRY(advance());
  return value;
}

Result<ByteView> FieldReader::bytes(std::uint64_t key, std::string_view name, std::size_t bytes_max) {
  TRY(expect(key, name));
  TRY_ASSIGN(const ByteView value, reader_.read_bytes(name));
  if (value.size() > bytes_max) {
    return fail(Code::LIMIT, std::string(name), "at most " + std::to_string(bytes_max) + " bytes",
                std::to_string(value.size()));
  }
  TRY(advance());
  return value;
}

Result<std::string_view> FieldReader::text(std::uint64_t key, std::string_view name, std::size_t bytes_max) {
  TRY(expect(key, name));
  TRY_ASSIGN(const std::string_view value, reader_.read_text(name));
  if (value.size() > bytes_max) {
    return fail(Code::LIMIT, std::string(name), "at most " + std::to_string(bytes_max) + " bytes",
                std::to_string(value.size()));
  }
  TRY(advance());
  return value;
}

Result<CborReader*> FieldReader::item(std::uint64_t key, std::string_view name) {
  TRY(expect(key, name));
  return &reader_;
}

Result<void> FieldReader::finish() const {
  if (next_) return fail(Code::UNKNOWN_KEY, std::to_string(*next_), "no more fields", "key " + std::to_string(*next_));
  return reader_.finish();
}

FrameWriter::FrameWriter(std::uint64_t type, std::uint64_t version, std::uint64_t pairs) {
  writer_.array(3).uint(type).uint(version).map(pairs);
}

FrameWriter& FrameWriter::uint(std::uint64_t key, std::uint64_t value) {
  writer_.uint(key).uint(value);
  return *this;
}

FrameWriter& FrameWriter::integer(std::uint64_t key, std::int64_t value) {
  writer_.uint(key).integer(value);
  return *this;
}

FrameWriter& FrameWriter::boolean(std::uint64_t key, bool value) {
  writer_.uint(key).boolean(value);
  return *this;
}

FrameWriter& FrameWriter::bytes(std::uint64_t key, ByteView value) {
  writer_.uint(key).bytes(value);
  return *this;
}

FrameWriter& FrameWriter::text(std::uint64_t key, std::string_view value) {
  writer_.uint(key).text(value);
  return *this;
}

FrameWriter& FrameWriter::raw(std::uint64_t key, ByteView encoded) {
  writer_.uint(key).raw(encoded);
  return *this;
}

Bytes FrameWriter::take() {
  const Bytes& payload = writer_.view();
  const std::size_t size = payload.size();
  if (size > limits::kFrameBytesMax) std::abort();
  Bytes frame{static_cast<Byte>(size >> 24), static_cast<Byte>(size >> 16), static_cast<Byte>(size >> 8),
              static_cast<Byte>(size)};
  append(frame, payload);
  return frame;
}

Result<void> expect_version(const Frame& frame, std::uint64_t version) {
  if (frame.version == version) return {};
  return fail(Code::MESSAGE_VERSION, "message type " + std::to_string(frame.type), std::to_string(version),
              std::to_string(frame.version));
}

Result<void> expect_type(const Frame& frame, std::uint64_t type, std::uint64_t version, std::string_view name) {
  if (frame.type == type) return expect_version(frame, version);
  return fail(Code::MESSAGE_TYPE, std::string(name), "type " + std::to_string(type),
              "type " + std::to_string(frame.type));
}

}  // namespace cages::wire
