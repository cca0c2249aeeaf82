// SPDX-License-Identifier: Apache-2.0
// Hostile bytes as DNS messages, from an app and from a host. What is accepted is written and read again to the same, no
// answer grows past its bound, and no address hint is left.
#include <cstdlib>

#include "wire/dns.h"

namespace dns = cages::wire::dns;

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

void try_query(cages::ByteView message) {
  const auto query = dns::parse_query(message);
  if (!query) {
    if (const auto refusal = dns::write_refusal(message)) require(refusal->size() == 12);
    return;
  }
  require(query->question.name.size() <= 253);
  const auto again = dns::parse_query(dns::write_query(*query));
  require(again.has_value() && again->question == query->question && again->edns.has_value() == query->edns.has_value());
  const dns::Reply refused{dns::Rcode::refused, {}, 5, dns::extended::kBlocked, "not listed"};
  require(dns::parse_answer(dns::write_reply(*query, refused, 512)).has_value());
}

void try_answer(cages::ByteView message) {
  const auto answer = dns::parse_answer(message);
  if (!answer) return;
  require(answer->records.size() <= cages::limits::kDnsRecordsMax);
  dns::Query query{answer->id, true, answer->question, dns::Edns{}, {}};
  const auto asked = dns::parse_query(dns::write_query(query));
  require(asked.has_value());
  dns::Reply reply{dns::Rcode::ok, answer->records, answer->negative_ttl, std::nullopt, {}};
  for (dns::Record& record : reply.records) {
    if (record.type != dns::type::kHttps && record.type != dns::type::kSvcb) continue;
    const auto bare = dns::without_address_hints(record.after);
    require(bare.has_value() && *dns::without_address_hints(*bare) == *bare);
    record.after = *bare;
  }
  const auto written = dns::write_reply(*asked, reply, cages::limits::kDnsMessageBytesMax);
  require(written.size() <= cages::limits::kDnsMessageBytesMax);
  const auto again = dns::parse_answer(written);
  require(again.has_value() && (again->truncated || again->records == reply.records));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const cages::Byte* data, std::size_t size) {
  try_query({data, size});
  try_answer({data, size});
  return 0;
}
