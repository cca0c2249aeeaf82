// SPDX-License-Identifier: Apache-2.0
// DNS messages (RFC 1035, EDNS RFC 6891, extended errors RFC 8914): queries and answers between bytes and types, as
// strictly as an enclave needs that answers its app and asks its host, neither of whom it trusts. One question, class
// IN. For runtime/egress and host/egress; no other part of the runtime links it. Why an own parser:
// docs/decisions/0070-dns-parser.md.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/limits.h"
#include "base/result.h"

namespace cages::wire::dns {

namespace type {
inline constexpr std::uint16_t kA = 1;
inline constexpr std::uint16_t kCname = 5;
inline constexpr std::uint16_t kSoa = 6;
inline constexpr std::uint16_t kMx = 15;
inline constexpr std::uint16_t kTxt = 16;
inline constexpr std::uint16_t kAaaa = 28;
inline constexpr std::uint16_t kSrv = 33;
inline constexpr std::uint16_t kOpt = 41;
inline constexpr std::uint16_t kTlsa = 52;
inline constexpr std::uint16_t kSvcb = 64;
inline constexpr std::uint16_t kHttps = 65;
inline constexpr std::uint16_t kAny = 255;
inline constexpr std::uint16_t kCaa = 257;
}  // namespace type

enum class Rcode : std::uint8_t { ok = 0, format = 1, server = 2, no_name = 3, not_implemented = 4, refused = 5 };

// RFC 8914 §4.
namespace extended {
inline constexpr std::uint16_t kBlocked = 15;   // the measured list does not name it
inline constexpr std::uint16_t kFiltered = 17;  // it does, and what was found is not on it
inline constexpr std::uint16_t kNotReady = 14;
inline constexpr std::uint16_t kNoReachableAuthority = 22;
}  // namespace extended

struct Question {
  std::string name;  // lower case, no last dot; "" = root
  std::uint16_t type = 0;
  friend bool operator==(const Question&, const Question&) = default;
};

struct Edns {
  std::uint16_t udp_bytes = 0;  // what the sender can take
  std::uint8_t version = 0;
  friend bool operator==(const Edns&, const Edns&) = default;
};

struct Query {
  std::uint16_t id = 0;
  bool recursion_desired = true;
  Question question;
  std::optional<Edns> edns;
  Bytes question_bytes;  // as they came: an answer repeats the letters' case (draft-vixie-dnsext-dns0x20)
};

// One record whose RDATA is kept in parts, so that a name in it can be judged and written without compression.
struct Record {
  std::string owner;
  std::uint16_t type = 0;
  std::uint32_t ttl = 0;
  Bytes before;                       // RDATA up to the name in it, or all of it
  std::optional<std::string> target;  // of CNAME, MX, SRV, SVCB and HTTPS
  Bytes after;                        // SVCB and HTTPS: the parameters
  // port: an SRV's.
  [[nodiscard]] std::uint16_t port() const;
  friend bool operator==(const Record&, const Record&) = default;
};

// What somebody answered to a query.
struct Answer {
  std::uint16_t id = 0;
  Rcode rcode = Rcode::ok;
  bool truncated = false;
  Question question;
  std::vector<Record> records;                // of the answer section
  std::optional<std::uint32_t> negative_ttl;  // RFC 2308 §5, from the SOA of the authority section
};

// What is answered to a query.
struct Reply {
  Rcode rcode = Rcode::ok;
  std::vector<Record> records;
  std::optional<std::uint32_t> negative_ttl;  // "no data" for so long: an SOA in the authority section
  std::optional<std::uint16_t> extended;      // left out where the query has no EDNS
  std::string extended_text;
};

// untrusted: parse_query reads one query: QUERY, one question of class IN, at most one OPT and nothing else. DNS else.
Result<Query> parse_query(ByteView message);
// write_query: with `edns` an OPT without options. `question_bytes` is not looked at.
Bytes write_query(const Query& query);

// untrusted: parse_answer reads one answer, whole, at most kDnsRecordsMax records. DNS on anything malformed in it, also
// in the parts that nobody wants.
Result<Answer> parse_answer(ByteView message);
// write_reply answers `query`. Above `bytes_max` it is cut to the question, with TC set.
Bytes write_reply(const Query& query, const Reply& reply, std::size_t bytes_max);
// write_refusal answers what parse_query refused: FORMERR, or NOTIMP to another operation. None where there is nobody to
// answer: too short, or no query.
std::optional<Bytes> write_refusal(ByteView message);

// without_address_hints drops ipv4hint and ipv6hint (RFC 9460 §7.3) from the parameters of an SVCB or HTTPS record, and
// their mention in "mandatory". DNS where the parameters are malformed.
Result<Bytes> without_address_hints(ByteView parameters);

// address_record: an A record.
Record address_record(std::string owner, std::uint32_t ttl, const std::array<Byte, 4>& address);

}  // namespace cages::wire::dns
