// SPDX-License-Identifier: Apache-2.0
// Egress: the way out of a cage, whole: DNS for the app, its connections, what is counted and said of both. Joins the
// parts of this folder. For the networked build alone: docs/decisions/0072-two-runtimes.md.
#pragma once

#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "net/event_loop.h"
#include "net/stream.h"
#include "policy/allow_list.h"
#include "runtime/egress/sockets.h"
#include "wire/control.h"

namespace cages::runtime::egress {

struct Powers {
  net::EventLoop& loop;
  net::PortDialer& host;
  std::function<void(std::string_view line)> say;
  std::function<void(std::vector<wire::Metric>)> measure;
};

class Egress {
 public:
  // lifetime: `list` and the powers outlive this, and this outlives the loop's last turn.
  Egress(Powers powers, const policy::AllowList& list, Sockets sockets);
  ~Egress();
  // run serves the app until it is cancelled. IO where the sockets cannot be used.
  Task<Result<void>> run();

 private:
  struct Parts;
  Task<void> measure();
  std::unique_ptr<Parts> parts_;
};

}  // namespace cages::runtime::egress
