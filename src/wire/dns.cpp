// SPDX-License-Identifier: Apache-2.0
#include "wire/dns.h"

#include <algorithm>

#include "wire/dns_name.h"

namespace cages::wire::dns {
namespace {

constexpr std::size_t kHeadBytes = 12;
constexpr std::uint16_t kClassIn = 1;
constexpr std::uint16_t kResponse = 0x8000;
constexpr std::uint16_t kOpcode = 0x7800;
constexpr std::uint16_t kTruncated = 0x0200;
constexpr std::uint16_t kRecursionDesired = 0x0100;
constexpr std::uint16_t kRecursionAvailable = 0x0080;
constexpr std::uint16_t kRcode = 0x000f;
constexpr std::uint16_t kQuestionPointer = 0xc00c;  // the name right behind the head
constexpr std::uint16_t kExtendedError = 15;        // EDNS option code
constexpr std::size_t kSrvHeadBytes = 6;

auto refuse(std::string what) { return fail(Code::DNS, std::move(what)); }

struct Head {
  std::uint16_t id;
  std::uint16_t flags;
  std::array<std::uint16_t, 4> counts;  // question, answer, authority, additional
};

Result<Head> read_head(Reader& reader) {
  Head head{};
  TRY_ASSIGN(head.id, reader.u16());
  TRY_ASSIGN(head.flags, reader.u16());
  for (std::uint16_t& count : head.counts) {
    TRY_ASSIGN(count, reader.u16());
  }
  return head;
}

Result<Question> read_question(Reader& reader) {
  Question question;
  TRY_ASSIGN(question.name, reader.plain_name());
  TRY_ASSIGN(question.type, reader.u16());
  TRY_ASSIGN(const std::uint16_t kind, reader.u16());
  if (kind != kClassIn) return refuse("class");
  return question;
}

// RFC 6891 §6.1.2: options are looked through, none is taken.
Result<Edns> read_opt(std::uint16_t udp_bytes, std::uint32_t ttl, ByteView options) {
  Reader reader(options);
  while (reader.left() > 0) {
    TRY(reader.u16());
    TRY_ASSIGN(const std::uint16_t length, reader.u16());
    TRY(reader.take(length));
  }
  return Edns{udp_bytes, static_cast<std::uint8_t>(ttl >> 16)};
}

// The fixed part of a record; OPT gives some of it another meaning.
struct RecordHead {
  std::string owner;
  std::uint16_t type;
  std::uint16_t kind;
  std::uint32_t ttl;
  std::uint16_t length;
};

Result<RecordHead> read_record_head(Reader& reader) {
  RecordHead head{};
  TRY_ASSIGN(head.owner, reader.name());
  TRY_ASSIGN(head.type, reader.u16());
  TRY_ASSIGN(head.kind, reader.u16());
  TRY_ASSIGN(head.ttl, reader.u32());
  TRY_ASSIGN(head.length, reader.u16());
  if (head.length > reader.left()) return refuse("cut short");
  return head;
}

Result<void> check_strings(ByteView data) {
  Reader reader(data);
  do {
    TRY_ASSIGN(const std::uint8_t length, reader.u8());
    TRY(reader.take(length));
  } while (reader.left() > 0);
  return {};
}

// How many bytes precede the name in the RDATA of these types; none: there is no name that is looked for.
std::optional<std::size_t> bytes_before_target(std::uint16_t type) {
  switch (type) {
    case type::kCname: return 0;
    case type::kMx:
    case type::kSvcb:
    case type::kHttps: return 2;
    case type::kSrv: return kSrvHeadBytes;
    default: return std::nullopt;
  }
}

Result<Record> read_record(Reader& reader, RecordHead head) {
  Record record{std::move(head.owner), head.type, head.ttl, {}, std::nullopt, {}};
  const std::size_t end = reader.at() + head.length;
  const auto before = bytes_before_target(head.type);
  if (!before) {
    TRY_ASSIGN(const ByteView data, reader.take(head.length));
    if (head.type == type::kTxt) TRY(check_strings(data));
    record.before = to_bytes(data);
    return record;
  }
  if (*before > head.length) return refuse("cut short");
  TRY_ASSIGN(const ByteView data, reader.take(*before));
  record.before = to_bytes(data);
  const bool service = head.type == type::kSvcb || head.type == type::kHttps;
  // RFC 9460 §2.2 and RFC 2782 forbid compression there; SRV's is seen all the same.
  TRY_ASSIGN(record.target, service ? reader.plain_name() : reader.name());
  if (reader.at() > end) return refuse("a name beyond its record");
  TRY_ASSIGN(const ByteView after, reader.take(end - reader.at()));
  if (!after.empty() && !service) return refuse("bytes behind a name");
  if (service) TRY(without_address_hints(after));
  record.after = to_bytes(after);
  return record;
}

Result<std::uint32_t> read_soa(Reader& reader, const RecordHead& head) {
  const std::size_t end = reader.at() + head.length;
  TRY(reader.name());
  TRY(reader.name());
  TRY(reader.take(4 * sizeof(std::uint32_t)));
  TRY_ASSIGN(const std::uint32_t minimum, reader.u32());
  if (reader.at() != end) return refuse("SOA");
  return std::min(minimum, head.ttl);
}

Result<void> read_authority(Reader& reader, Answer& answer) {
  TRY_ASSIGN(const RecordHead head, read_record_head(reader));
  if (head.type == type::kSoa && head.kind == kClassIn) {
    TRY_ASSIGN(answer.negative_ttl, read_soa(reader, head));
    return {};
  }
  TRY(reader.take(head.length));
  return {};
}

void put_head(Bytes& out, std::uint16_t id, std::uint16_t flags, std::array<std::size_t, 4> counts) {
  put_u16(out, id);
  put_u16(out, flags);
  for (const std::size_t count : counts) put_u16(out, static_cast<std::uint16_t>(count));
}

void put_question(Bytes& out, const Question& question) {
  put_name(out, question.name);
  put_u16(out, question.type);
  put_u16(out, kClassIn);
}

void put_opt(Bytes& out, std::uint8_t extended_rcode, ByteView options) {
  out.push_back(0);
  put_u16(out, type::kOpt);
  put_u16(out, static_cast<std::uint16_t>(limits::kDnsUdpBytesMax));
  put_u32(out, std::uint32_t{extended_rcode} << 24);
  put_u16(out, static_cast<std::uint16_t>(options.size()));
  append(out, options);
}

void put_record(Bytes& out, const Record& record, const Question& question) {
  if (record.owner == question.name) {
    put_u16(out, kQuestionPointer);
  } else {
    put_name(out, record.owner);
  }
  put_u16(out, record.type);
  put_u16(out, kClassIn);
  put_u32(out, record.ttl);
  Bytes data = record.before;
  if (record.target) put_name(data, *record.target);
  append(data, record.after);
  put_u16(out, static_cast<std::uint16_t>(data.size()));
  append(out, data);
}

// RFC 2308 §2.2: without it a resolver may not keep the answer. Owner, and names in it, are the question's own.
void put_soa(Bytes& out, std::uint32_t ttl) {
  constexpr std::uint32_t kSerial = 1;
  Bytes data;
  put_u16(data, kQuestionPointer);
  put_u16(data, kQuestionPointer);
  for (const std::uint32_t value : {kSerial, ttl, ttl, ttl, ttl}) put_u32(data, value);
  put_u16(out, kQuestionPointer);
  put_u16(out, type::kSoa);
  put_u16(out, kClassIn);
  put_u32(out, ttl);
  put_u16(out, static_cast<std::uint16_t>(data.size()));
  append(out, data);
}

Bytes extended_error(const Reply& reply) {
  if (!reply.extended) return {};
  Bytes option;
  put_u16(option, kExtendedError);
  put_u16(option, static_cast<std::uint16_t>(sizeof(std::uint16_t) + reply.extended_text.size()));
  put_u16(option, *reply.extended);
  append(option, as_bytes(reply.extended_text));
  return option;
}

std::uint16_t reply_flags(const Query& query, Rcode rcode) {
  return static_cast<std::uint16_t>(kResponse | (query.recursion_desired ? kRecursionDesired : 0) |
                                    kRecursionAvailable | static_cast<unsigned>(rcode));
}

}  // namespace

std::uint16_t Record::port() const {
  return before.size() == kSrvHeadBytes ? static_cast<std::uint16_t>(before[4] << 8 | before[5]) : std::uint16_t{0};
}

Result<Query> parse_query(ByteView message) {
  if (message.size() > limits::kDnsMessageBytesMax) return refuse("length");
  Reader reader(message);
  TRY_ASSIGN(const Head head, read_head(reader));
  if ((head.flags & (kResponse | kOpcode)) != 0) return refuse("no query");
  if (head.counts[0] != 1 || head.counts[1] != 0 || head.counts[2] != 0 || head.counts[3] > 1) return refuse("counts");
  Query query;
  query.id = head.id;
  query.recursion_desired = (head.flags & kRecursionDesired) != 0;
  TRY_ASSIGN(query.question, read_question(reader));
  query.question_bytes = to_bytes(reader.between(kHeadBytes, reader.at()));
  if (head.counts[3] == 1) {
    TRY_ASSIGN(const RecordHead opt, read_record_head(reader));
    // RFC 6891 §6.1.1: the owner is the root.
    if (opt.type != type::kOpt || !opt.owner.empty()) return refuse("a record that is no OPT");
    TRY_ASSIGN(const ByteView options, reader.take(opt.length));
    TRY_ASSIGN(query.edns, read_opt(opt.kind, opt.ttl, options));
  }
  if (reader.left() != 0) return refuse("trailing bytes");
  return query;
}

Bytes write_query(const Query& query) {
  Bytes out;
  put_head(out, query.id, query.recursion_desired ? kRecursionDesired : 0, {1, 0, 0, query.edns ? 1U : 0U});
  put_question(out, query.question);
  if (query.edns) put_opt(out, 0, {});
  return out;
}

Result<Answer> parse_answer(ByteView message) {
  if (message.size() > limits::kDnsMessageBytesMax) return refuse("length");
  Reader reader(message);
  TRY_ASSIGN(const Head head, read_head(reader));
  if ((head.flags & kResponse) == 0 || (head.flags & kOpcode) != 0) return refuse("no answer");
  const std::size_t records = std::size_t{head.counts[1]} + head.counts[2] + head.counts[3];
  if (head.counts[0] != 1 || records > limits::kDnsRecordsMax) return refuse("counts");
  Answer answer;
  answer.id = head.id;
  answer.rcode = static_cast<Rcode>(head.flags & kRcode);
  answer.truncated = (head.flags & kTruncated) != 0;
  TRY_ASSIGN(answer.question, read_question(reader));
  for (std::size_t i = 0; i < head.counts[1]; ++i) {
    TRY_ASSIGN(RecordHead record, read_record_head(reader));
    if (record.kind != kClassIn) return refuse("class");
    TRY_ASSIGN(Record read, read_record(reader, std::move(record)));
    answer.records.push_back(std::move(read));
  }
  for (std::size_t i = 0; i < head.counts[2]; ++i) TRY(read_authority(reader, answer));
  for (std::size_t i = 0; i < head.counts[3]; ++i) {
    TRY_ASSIGN(const RecordHead record, read_record_head(reader));
    TRY_ASSIGN(const ByteView data, reader.take(record.length));
    if (record.type == type::kOpt) TRY(read_opt(record.kind, record.ttl, data));
  }
  if (reader.left() != 0) return refuse("trailing bytes");
  return answer;
}

Bytes write_reply(const Query& query, const Reply& reply, std::size_t bytes_max) {
  constexpr std::uint8_t kBadVersion = 1;  // the high part of 16 (RFC 6891 §9)
  const bool bad_version = query.edns && query.edns->version != 0;
  const auto whole = [&](bool cut) {
    const bool negative = reply.negative_ttl && !cut && !bad_version;
    const std::size_t records = cut || bad_version ? 0 : reply.records.size();
    Bytes out;
    const std::uint16_t flags = reply_flags(query, bad_version ? Rcode::ok : reply.rcode);
    put_head(out, query.id, static_cast<std::uint16_t>(flags | (cut ? kTruncated : 0)),
             {1, records, negative ? 1U : 0U, query.edns ? 1U : 0U});
    append(out, query.question_bytes);
    for (std::size_t i = 0; i < records; ++i) put_record(out, reply.records[i], query.question);
    if (negative) put_soa(out, *reply.negative_ttl);
    if (query.edns) put_opt(out, bad_version ? kBadVersion : 0, bad_version ? Bytes() : extended_error(reply));
    return out;
  };
  Bytes out = whole(false);
  return out.size() <= bytes_max ? out : whole(true);
}

std::optional<Bytes> write_refusal(ByteView message) {
  Reader reader(message);
  const auto head = read_head(reader);
  if (!head || (head->flags & kResponse) != 0) return std::nullopt;
  const Rcode rcode = (head->flags & kOpcode) != 0 ? Rcode::not_implemented : Rcode::format;
  Bytes out;
  const unsigned kept = head->flags & (kOpcode | kRecursionDesired);
  put_head(out, head->id, static_cast<std::uint16_t>(kResponse | kept | static_cast<unsigned>(rcode)), {0, 0, 0, 0});
  return out;
}

Result<Bytes> without_address_hints(ByteView parameters) {
  constexpr std::uint16_t kMandatory = 0;
  const auto hint = [](unsigned key) { return key == 4 || key == 6; };
  Bytes out;
  Reader reader(parameters);
  std::optional<std::uint16_t> last;
  while (reader.left() > 0) {
    TRY_ASSIGN(const std::uint16_t key, reader.u16());
    TRY_ASSIGN(const std::uint16_t length, reader.u16());
    TRY_ASSIGN(const ByteView value, reader.take(length));
    if (last && key <= *last) return refuse("parameters out of order");  // RFC 9460 §2.2
    last = key;
    if (hint(key)) continue;
    Bytes kept = to_bytes(value);
    if (key == kMandatory) {
      if (length == 0 || length % 2 != 0) return refuse("mandatory");
      kept.clear();
      for (std::size_t i = 0; i < value.size(); i += 2) {
        if (!hint(static_cast<unsigned>(value[i] << 8 | value[i + 1]))) append(kept, value.subspan(i, 2));
      }
      if (kept.empty()) continue;
    }
    put_u16(out, key);
    put_u16(out, static_cast<std::uint16_t>(kept.size()));
    append(out, kept);
  }
  return out;
}

Record address_record(std::string owner, std::uint32_t ttl, const std::array<Byte, 4>& address) {
  return {std::move(owner), type::kA, ttl, Bytes(address.begin(), address.end()), std::nullopt, {}};
}

}  // namespace cages::wire::dns
