// SPDX-License-Identifier: Apache-2.0
// HostNames: asks the host's resolver for what the enclave does not answer itself (vsock 7005), and makes of its answer
// what the app may see. The host is not trusted: nothing of its message is passed on as bytes.
#pragma once

#include <memory>

#include "net/event.h"
#include "net/event_loop.h"
#include "net/stream.h"
#include "policy/allow_list.h"
#include "runtime/egress/tally.h"
#include "wire/dns.h"
#include "wire/egress.h"
#include "wire/name_query.h"

namespace cages::runtime::egress {

// forwarded: the types that are asked of the host. Others may hold addresses, or lead to them.
bool forwarded(std::uint16_t type);

// judge makes the app's reply of the host's answer: records of the asked type at the end of the aliases, under the name
// that was asked for, whose targets are on the list; no address, no alias, no time to live above kDnsTtlMax. DNS where the
// answer is to another question.
Result<wire::dns::Reply> judge(const wire::dns::Question& question, const wire::dns::Answer& answer,
                               const policy::AllowList& list, Tally& tally);

// Many questions on one stream; a stream that ended, or said nothing for kDnsAnswerTime, is dialled again.
class HostNames {
 public:
  // lifetime: everything outlives this.
  HostNames(net::EventLoop& loop, net::PortDialer& host, const policy::AllowList& list, wire::ListDigest digest,
            Tally& tally);
  ~HostNames();
  // ask: TIMEOUT after kDnsAnswerTime; the host's own code where it refuses; DNS where it answers another question or
  // garbage, CLOSED where it ends twice.
  Task<Result<wire::dns::Reply>> ask(wire::dns::Question question);

 private:
  struct Connection;
  Task<Result<std::shared_ptr<Connection>>> connected();
  Task<Result<wire::NameAnswer>> ask_on(Connection& connection, const wire::dns::Question& question);
  static Task<void> listen_to(std::shared_ptr<Connection> connection, const Clock& clock);

  net::EventLoop& loop_;
  net::PortDialer& host_;
  const policy::AllowList& list_;
  wire::ListDigest digest_;
  Tally& tally_;
  std::uint64_t next_id_ = 1;
  net::Slots dialling_{1};
  std::shared_ptr<Connection> connection_;
  net::TaskGroup listening_;
};

}  // namespace cages::runtime::egress
