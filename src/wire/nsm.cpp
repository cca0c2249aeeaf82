// SPDX-License-Identifier: Apache-2.0
#include "wire/nsm.h"

#include <algorithm>
#include <array>
#include <limits>
#include <type_traits>

#include "base/limits.h"
#include "wire/cbor.h"

namespace cages::wire {
namespace {

constexpr std::array<std::string_view, 7> kOperations{"DescribeNSM", "GetRandom", "DescribePCR", "ExtendPCR",
                                                      "LockPCR",     "LockPCRs",  "Attestation"};
constexpr std::string_view kError = "Error";
constexpr std::array<std::string_view, 9> kStatuses{"Success",       "InvalidArgument",  "InvalidIndex",
                                                    "InvalidResponse", "ReadOnlyIndex",  "InvalidOperation",
                                                    "BufferTooSmall",  "InputTooLarge",  "InternalError"};

enum Operation : std::size_t { describe_nsm, get_random, describe_pcr, extend_pcr, lock_pcr, lock_pcrs, attestation };

template <class... F>
struct Overload : F... {
  using F::operator()...;
};

std::unexpected<Error> unknown_operation(std::string_view got) {
  return fail(Code::MESSAGE_TYPE, "NSM operation", "one of the seven", printable(got));
}

// One enum variant as serde writes it: bare text for a unit variant, {name: content} else.
struct Variant {
  std::string_view name;
  bool bare = false;
};

Result<Variant> read_variant(CborReader& reader) {
  TRY_ASSIGN(const CborType type, reader.peek());
  if (type == CborType::text) {
    TRY_ASSIGN(const std::string_view name, reader.read_text("operation"));
    return Variant{name, true};
  }
  if (type != CborType::map) return unknown_operation("neither text nor a map");
  TRY_ASSIGN(const std::uint64_t count, reader.read_map("operation"));
  if (count != 1) return unknown_operation("a map of " + std::to_string(count));
  TRY_ASSIGN(const CborType key, reader.peek());
  if (key != CborType::text) return unknown_operation("a key that is no text");
  TRY_ASSIGN(const std::string_view name, reader.read_text("operation"));
  return Variant{name, false};
}

Result<std::uint16_t> read_u16(CborReader& reader, std::string_view what) {
  TRY_ASSIGN(const std::uint64_t value, reader.read_uint(what));
  if (value > std::numeric_limits<std::uint16_t>::max()) {
    return fail(Code::LIMIT, std::string(what), "at most 65535", std::to_string(value));
  }
  return static_cast<std::uint16_t>(value);
}

// read_members walks a variant's map and hands each known member to `member(position in names)`; the first `required` of
// `names` must be there.
template <std::size_t N, class F>
Result<void> read_members(CborReader& reader, const std::array<std::string_view, N>& names, std::size_t required, F member) {
  TRY_ASSIGN(const std::uint64_t count, reader.read_map("members"));
  std::array<bool, N> seen{};
  for (std::uint64_t i = 0; i < count; ++i) {
    TRY_ASSIGN(const std::string_view name, reader.read_text("member name"));
    const auto at = static_cast<std::size_t>(std::ranges::find(names, name) - names.begin());
    if (at == N) {
      TRY(reader.skip());
      continue;
    }
    if (seen.at(at)) return fail(Code::DUPLICATE_KEY, std::string(name), "once", "twice");
    seen.at(at) = true;
    TRY(member(at));
  }
  for (std::size_t i = 0; i < required; ++i) {
    if (!seen.at(i)) return fail(Code::MISSING, std::string(names.at(i)), "a member", "none");
  }
  return {};
}

// Members that are read straight into their place.
Result<void> read_into(CborReader& reader, std::string_view what, std::uint16_t& into) {
  TRY_ASSIGN(into, read_u16(reader, what));
  return {};
}
Result<void> read_into(CborReader& reader, std::string_view what, Bytes& into) {
  TRY_ASSIGN(const ByteView value, reader.read_bytes(what));
  into = to_bytes(value);
  return {};
}
Result<void> read_into(CborReader& reader, std::string_view what, std::optional<Bytes>& into) {
  if (reader.try_null()) return {};
  return read_into(reader, what, into.emplace());
}
Result<void> read_into(CborReader& reader, std::string_view what, std::string& into) {
  TRY_ASSIGN(const std::string_view value, reader.read_text(what));
  into = value;
  return {};
}
Result<void> read_into(CborReader& reader, std::string_view what, bool& into) {
  TRY_ASSIGN(into, reader.read_bool(what));
  return {};
}
Result<void> read_into(CborReader& reader, std::string_view what, std::vector<std::uint16_t>& into) {
  TRY_ASSIGN(const std::uint64_t count, reader.read_array(what));
  for (std::uint64_t i = 0; i < count; ++i) {
    TRY_ASSIGN(const std::uint16_t value, read_u16(reader, what));
    into.push_back(value);
  }
  return {};
}

Result<void> read_into(CborReader& reader, std::string_view what, Secret& into) {
  TRY_ASSIGN(const ByteView value, reader.read_bytes(what));
  into = Secret::copy_of(value);
  return {};
}

// A member of a message: its name on the wire and its place.
template <class Message, class T>
struct Member {
  std::string_view name;
  T Message::*place;
  static constexpr bool kRequired = !std::is_same_v<T, std::optional<Bytes>>;
};

// read_message reads a variant's members straight into their places; those required come first.
template <class Any, class Message, class... T>
Result<Any> read_message(CborReader& reader, Member<Message, T>... members) {
  Message message;
  const auto read = [&](std::size_t wanted) {
    Result<void> outcome;
    std::size_t at = 0;
    ((at++ == wanted ? void(outcome = read_into(reader, members.name, message.*members.place)) : void()), ...);
    return outcome;
  };
  TRY(read_members(reader, std::array{members.name...}, (std::size_t{members.kRequired} + ...), read));
  return message;
}

Result<NsmRequest> read_arguments(CborReader& reader, std::size_t operation) {
  switch (operation) {
    case describe_pcr: return read_message<NsmRequest>(reader, Member{"index", &NsmDescribePcrRequest::index});
    case extend_pcr:
      return read_message<NsmRequest>(reader, Member{"index", &NsmExtendPcrRequest::index},
                                      Member{"data", &NsmExtendPcrRequest::data});
    case lock_pcr: return read_message<NsmRequest>(reader, Member{"index", &NsmLockPcrRequest::index});
    case lock_pcrs: return read_message<NsmRequest>(reader, Member{"range", &NsmLockPcrsRequest::range});
    case attestation:
      return read_message<NsmRequest>(reader, Member{"user_data", &NsmAttestationRequest::user_data},
                                      Member{"nonce", &NsmAttestationRequest::nonce},
                                      Member{"public_key", &NsmAttestationRequest::public_key});
    default: return unknown_operation("members for an operation that takes none");
  }
}

Result<NsmResponse> read_answer(CborReader& reader, std::size_t operation) {
  switch (operation) {
    case describe_nsm:
      return read_message<NsmResponse>(
          reader, Member{"version_major", &NsmDescription::version_major}, Member{"version_minor", &NsmDescription::version_minor},
          Member{"version_patch", &NsmDescription::version_patch}, Member{"module_id", &NsmDescription::module_id},
          Member{"max_pcrs", &NsmDescription::max_pcrs}, Member{"locked_pcrs", &NsmDescription::locked_pcrs},
          Member{"digest", &NsmDescription::digest});
    case get_random: return read_message<NsmResponse>(reader, Member{"random", &NsmRandom::random});
    case describe_pcr:
      return read_message<NsmResponse>(reader, Member{"lock", &NsmPcr::locked}, Member{"data", &NsmPcr::value});
    case extend_pcr: return read_message<NsmResponse>(reader, Member{"data", &NsmExtendedPcr::value});
    case attestation: return read_message<NsmResponse>(reader, Member{"document", &NsmDocument::document});
    default: return unknown_operation("members for an answer that has none");
  }
}

Result<NsmResponse> read_refusal(CborReader& reader) {
  TRY_ASSIGN(const std::string_view name, reader.read_text("Error"));
  const auto* at = std::ranges::find(kStatuses, name);
  if (at == kStatuses.end()) return fail(Code::MESSAGE_TYPE, "NSM error", "a known one", printable(name));
  return NsmRefusal{static_cast<NsmStatus>(at - kStatuses.begin())};
}

Result<std::size_t> operation_of(std::string_view name) {
  const auto* at = std::ranges::find(kOperations, name);
  if (at == kOperations.end()) return unknown_operation(name);
  return static_cast<std::size_t>(at - kOperations.begin());
}

void write_optional(CborWriter& writer, std::string_view name, const std::optional<Bytes>& value) {
  writer.text(name);
  if (value) {
    writer.bytes(*value);
  } else {
    writer.null();
  }
}

// {operation: {…}} up to the members.
CborWriter variant(std::size_t operation, std::uint64_t members) {
  CborWriter writer;
  writer.map(1).text(kOperations.at(operation)).map(members);
  return writer;
}

void write_description(CborWriter& writer, const NsmDescription& d) {
  writer.text("version_major").uint(d.version_major).text("version_minor").uint(d.version_minor);
  writer.text("version_patch").uint(d.version_patch).text("module_id").text(d.module_id);
  writer.text("max_pcrs").uint(d.max_pcrs).text("locked_pcrs").array(d.locked_pcrs.size());
  for (const std::uint16_t index : d.locked_pcrs) writer.uint(index);
  writer.text("digest").text(d.digest);
}

Result<void> check_size(ByteView bytes, std::size_t bytes_max, const char* what) {
  if (bytes.size() <= bytes_max) return {};
  return fail(Code::LIMIT, what, "at most " + std::to_string(bytes_max) + " bytes", std::to_string(bytes.size()));
}

}  // namespace

std::string_view nsm_status_name(NsmStatus status) { return kStatuses.at(static_cast<std::size_t>(status)); }

Bytes write_nsm_request(const NsmRequest& request) {
  return std::visit(
      Overload{
          [](const NsmDescribeRequest&) { return CborWriter().text(kOperations[describe_nsm]).take(); },
          [](const NsmRandomRequest&) { return CborWriter().text(kOperations[get_random]).take(); },
          [](const NsmDescribePcrRequest& r) { return variant(describe_pcr, 1).text("index").uint(r.index).take(); },
          [](const NsmExtendPcrRequest& r) {
            return variant(extend_pcr, 2).text("index").uint(r.index).text("data").bytes(r.data).take();
          },
          [](const NsmLockPcrRequest& r) { return variant(lock_pcr, 1).text("index").uint(r.index).take(); },
          [](const NsmLockPcrsRequest& r) { return variant(lock_pcrs, 1).text("range").uint(r.range).take(); },
          [](const NsmAttestationRequest& r) {
            CborWriter writer = variant(attestation, 3);
            write_optional(writer, "user_data", r.user_data);
            write_optional(writer, "nonce", r.nonce);
            write_optional(writer, "public_key", r.public_key);
            return writer.take();
          },
      },
      request);
}

Result<NsmRequest> parse_nsm_request(ByteView bytes) {
  TRY(check_size(bytes, limits::kNsmRequestBytesMax, "NSM request"));
  CborReader reader(bytes);
  TRY_ASSIGN(const Variant which, read_variant(reader));
  TRY_ASSIGN(const std::size_t operation, operation_of(which.name));
  if (which.bare) {
    TRY(reader.finish());
    if (operation == describe_nsm) return NsmDescribeRequest{};
    if (operation == get_random) return NsmRandomRequest{};
    // serde: "invalid type: unit variant, expected struct variant".
    return fail(Code::MISSING, "arguments", std::string(which.name) + " with arguments", "none");
  }
  TRY_ASSIGN(NsmRequest request, read_arguments(reader, operation));
  TRY(reader.finish());
  return request;
}

NsmStatus nsm_status_for(const Error& error) {
  switch (error.code) {
    case Code::LIMIT: return NsmStatus::input_too_large;
    case Code::MISSING:
    case Code::TYPE:
    case Code::DUPLICATE_KEY: return NsmStatus::invalid_argument;
    default: return NsmStatus::invalid_operation;
  }
}

Bytes write_nsm_response(const NsmResponse& response) {
  return std::visit(
      Overload{
          [](const NsmDescription& d) {
            CborWriter writer = variant(describe_nsm, 7);
            write_description(writer, d);
            return writer.take();
          },
          [](const NsmRandom& r) { return variant(get_random, 1).text("random").bytes(r.random.reveal()).take(); },
          [](const NsmPcr& p) {
            return variant(describe_pcr, 2).text("lock").boolean(p.locked).text("data").bytes(p.value).take();
          },
          [](const NsmExtendedPcr& p) { return variant(extend_pcr, 1).text("data").bytes(p.value).take(); },
          [](const NsmLockedPcr&) { return CborWriter().text(kOperations[lock_pcr]).take(); },
          [](const NsmLockedPcrs&) { return CborWriter().text(kOperations[lock_pcrs]).take(); },
          [](const NsmDocument& d) { return variant(attestation, 1).text("document").bytes(d.document).take(); },
          [](const NsmRefusal& r) { return CborWriter().map(1).text(kError).text(nsm_status_name(r.status)).take(); },
      },
      response);
}

Result<NsmResponse> parse_nsm_response(ByteView bytes) {
  TRY(check_size(bytes, limits::kNsmResponseBytesMax, "NSM response"));
  CborReader reader(bytes);
  TRY_ASSIGN(const Variant which, read_variant(reader));
  if (which.bare) {
    TRY(reader.finish());
    if (which.name == kOperations[lock_pcr]) return NsmLockedPcr{};
    if (which.name == kOperations[lock_pcrs]) return NsmLockedPcrs{};
    return unknown_operation(which.name);
  }
  if (which.name == kError) {
    TRY_ASSIGN(NsmResponse refusal, read_refusal(reader));
    TRY(reader.finish());
    return refusal;
  }
  TRY_ASSIGN(const std::size_t operation, operation_of(which.name));
  TRY_ASSIGN(NsmResponse answer, read_answer(reader, operation));
  TRY(reader.finish());
  return answer;
}

}  // namespace cages::wire
