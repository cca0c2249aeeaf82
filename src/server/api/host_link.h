// SPDX-License-Identifier: Apache-2.0
// HostLink: the hosts' port. One coroutine a connection: TLS, the first frame, then what it opens (wire/host_link.h). For caged.
#pragma once

#include <memory>

#include "net/event.h"
#include "net/event_loop.h"
#include "server/api/balancers.h"
#include "server/provisioner/provisioner.h"
#include "server/registry/registry.h"
#include "tls/server.h"

namespace cages::server {

class HostLink {
 public:
  // make: TLS_SETUP. lifetime: everything outlives it.
  static Result<std::unique_ptr<HostLink>> make(net::EventLoop& loop, Registry& registry, Provisioner& provisioner, Store& store,
                                                Keyring& keyring, crypto::Random& random, Balancers balancers = {});
  // changed: what hosts should run may have changed; their sessions send it on.
  void changed() {
    ++generation_;
    changed_.notify();
  }
  // serve speaks on one accepted connection to its end.
  Task<void> serve(net::Accepted accepted);
  // renew shows a new certificate from the next connection on.
  Result<void> renew();

 private:
  HostLink(net::EventLoop& loop, Registry& registry, Provisioner& provisioner, Store& store, Keyring& keyring,
           crypto::Random& random, Balancers balancers, std::unique_ptr<tls::Server> server)
      : loop_(loop), registry_(registry), provisioner_(provisioner), store_(store), keyring_(keyring), random_(random),
        balancers_(std::move(balancers)), server_(std::move(server)) {}
  Task<Result<void>> converse(net::Accepted accepted);
  Task<Result<void>> enrol(net::Stream& stream, const wire::EnrolRequest& request);
  Task<Result<void>> session(net::Stream& stream, Carrier carrier, const wire::OpenSession& opening);
  Task<Result<void>> image(net::Stream& stream, const Carrier& carrier, const Id& deployment);
  Task<Result<void>> egress_list(net::Stream& stream, const Carrier& carrier, const Id& id);
  Task<Result<void>> provision(net::StreamPtr stream, Carrier carrier, const Id& deployment);
  struct Session;
  Task<void> push(Session& session);
  Task<void> listen(Session& session);
  // assignments_for: nothing where the host is not to be served any more.
  std::optional<wire::Assignments> assignments_for(const Session& session);
  wire::HostLinkDown token_for(const Carrier& carrier, const wire::LinkTokenRequest& request);
  Result<Host> host_of(const tls::TlsStream& stream);

  net::EventLoop& loop_;
  Registry& registry_;
  Provisioner& provisioner_;
  Store& store_;
  Keyring& keyring_;
  crypto::Random& random_;
  Balancers balancers_;
  std::unique_ptr<tls::Server> server_;
  net::Event changed_;
  std::uint64_t generation_ = 0;  // counts what changed_ told
};

}  // namespace cages::server
