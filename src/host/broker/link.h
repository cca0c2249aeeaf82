// SPDX-License-Identifier: Apache-2.0
// Link: this host's connections to caged (wire/host_link.h): enrolment, the one long-lived session, images, and the streams
// that carry each enclave's own TLS to the provisioner. The host's certificate opens nothing of a cage's: what passes here
// is sealed to the enclave. For cage-host's main.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/limits.h"
#include "crypto/authority.h"
#include "crypto/key.h"
#include "net/event.h"
#include "net/event_loop.h"
#include "policy/allow_list.h"
#include "tls/client.h"
#include "wire/host_link.h"

namespace cages::host {

struct LinkSettings {
  std::string address;  // of caged: an IP address or a name
  std::uint16_t port = 8444;
  std::vector<crypto::KeyHash> roots;     // of the authority that certifies caged to hosts: in the enrolment code
  std::optional<tls::Identity> identity;  // none before enrolment
  std::string program;                    // name and version, for people
  std::vector<std::string> drivers;
  Nanoseconds alive_time = limits::kLinkAliveTime;
};

class Link {
 public:
  // lifetime: `loop` outlives the link.
  static Result<std::unique_ptr<Link>> make(net::EventLoop& loop, LinkSettings settings);
  Link(net::EventLoop& loop, LinkSettings settings, std::unique_ptr<tls::Client> client);

  // enrol sends the one-time code and the request; returns the host's certificate chain. The code of a refusal is
  // LINK_REFUSED's subject.
  Task<Result<wire::Enrolled>> enrol(std::string code, Bytes csr);
  // run_session keeps one session open until cancelled: each list of assignments goes to `on_assignments`; a lost session
  // is opened again with backoff (kLinkRetryTimeMax at most).
  Task<void> run_session(std::function<void(const wire::Assignments&)> on_assignments);
  // token asks for one: UNREACHABLE without a session, TIMEOUT, LINK_REFUSED with caged's code.
  Task<Result<std::string>> token(wire::Id deployment);
  // fetch_image writes the deployment's image to `path` (atomically), after its size and SHA-256 were found right.
  Task<Result<void>> fetch_image(wire::Id deployment, std::filesystem::path path);
  // fetch_egress_list returns the deployment's allow-list in canonical form, its digest found right; EGRESS_LIST where it is
  // another.
  Task<Result<policy::AllowList>> fetch_egress_list(wire::Id deployment, wire::ListDigest digest);
  // open_provisioner returns a stream that reaches the provisioner; what goes through is the enclave's own TLS.
  Task<Result<net::StreamPtr>> open_provisioner(wire::Id deployment);
  // report tells caged of an instance; dropped where there is no session: reports are hints.
  Task<void> report(wire::InstanceReport report);
  [[nodiscard]] bool connected() const { return session_ != nullptr; }

 private:
  struct Pending {
    std::optional<Result<std::string>> answer;
    net::Event arrived;
  };
  struct Asked;
  Task<Result<net::StreamPtr>> connect();
  Task<Result<wire::HostLinkDown>> open(net::Stream& stream, const wire::HostOpening& opening);
  Task<Result<void>> serve_session(const std::function<void(const wire::Assignments&)>& on_assignments);
  Task<Result<void>> follow(const std::function<void(const wire::Assignments&)>& on_assignments);
  Task<void> say_alive();
  Result<void> take(wire::HostLinkDown message, const std::function<void(const wire::Assignments&)>& on_assignments);
  Task<Result<void>> send(const wire::HostSessionUp& message);
  void settle(std::uint64_t id, Result<std::string> answer);
  Task<Result<void>> receive_image(net::Stream& stream, const wire::ImageHead& head, const std::filesystem::path& path);

  net::EventLoop& loop_;
  LinkSettings settings_;
  std::unique_ptr<tls::Client> client_;
  net::StreamPtr session_;
  net::Slots writing_{1};
  std::uint64_t next_id_ = 1;
  std::map<std::uint64_t, std::shared_ptr<Pending>> pending_;
};

}  // namespace cages::host
