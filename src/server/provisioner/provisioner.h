// SPDX-License-Identifier: Apache-2.0
// Provisioner: one enclave's request, from the frame to the answer: admit, issue, write the audit log. And the tokens that
// precede it. What goes wrong is one reason in the audit log and a code to the enclave. For caged.
#pragma once

#include <vector>

#include "attest/root.h"
#include "net/timers.h"
#include "server/provisioner/issue.h"
#include "server/provisioner/keyring.h"
#include "server/store/store.h"
#include "tls/server.h"

namespace cages::server {

class Provisioner {
 public:
  struct Settings {
    std::vector<attest::TrustRoot> roots;  // development: also the developer's; else production's alone
    bool development = false;
  };
  // make: TLS_SETUP where the identity cannot be used. lifetime: everything outlives it.
  static Result<std::unique_ptr<Provisioner>> make(Settings settings, Store& store, Keyring& keyring,
                                                   const ServerIdentity& identity, const Clock& clock,
                                                   crypto::Random& random);
  // renew shows another certificate from the next connection on.
  Result<void> renew(const ServerIdentity& identity);

  // token issues one for an enclave that `carrier` started for `deployment`. PROV_DEPLOYMENT, PROV_STATE, PROV_CLASS.
  Result<std::string> token(const Id& deployment, const Carrier& carrier);
  // answer judges one hello and audits it; never fails: a refusal is an answer.
  wire::ProvisionAnswer answer(const Presented& presented, const Carrier& carrier);
  // serve speaks to the enclave at the other end of `stream`, which `carrier` carries: TLS, one hello, one answer.
  Task<Result<void>> serve(net::Timers& timers, net::StreamPtr stream, Carrier carrier);

 private:
  Provisioner(Settings settings, Store& store, Keyring& keyring, std::unique_ptr<tls::Server> server, const Clock& clock,
              crypto::Random& random)
      : settings_(std::move(settings)), store_(store), keyring_(keyring), server_(std::move(server)), clock_(clock),
        random_(random) {}
  Result<wire::ProvisionGrant> grant(const Presented& presented, const Carrier& carrier, std::string& subject);
  Result<std::vector<wire::NamedSecret>> secrets_of(const Deployment& deployment);
  Settings settings_;
  Store& store_;
  Keyring& keyring_;
  std::unique_ptr<tls::Server> server_;
  const Clock& clock_;
  crypto::Random& random_;
};

}  // namespace cages::server
