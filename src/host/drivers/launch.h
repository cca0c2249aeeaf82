// SPDX-License-Identifier: Apache-2.0
// launch starts a warden: a child in a user and a PID namespace of its own, with ids mapped and limits set before it
// runs a line, and with none of this process's memory or descriptors. The other half of warden.h. For the process
// driver.
#pragma once

#include "base/file.h"
#include "host/drivers/cgroup.h"
#include "host/drivers/idmap.h"
#include "host/drivers/report.h"

namespace cages::drivers {

struct Launch {
  Fd image;             // the EIF, for reading
  Fd nsm;               // PID 1's end of the NSM channel
  std::string program;  // whose main() calls run_warden() on kWardenWord; empty: this process's own
  Plan plan;
};

struct Launched {
  pid_t pid = 0;
  Fd process;   // pidfd; readable when the warden has ended. The caller waits for it.
  Fd control;   // reports come from it, commands go to it; closing it ends the enclave
  Fd go;        // one byte: run /init
  Fd handover;  // receive_handover
  Fd console;   // what the enclave writes to its standard output and error
};

// lifetime: the enclave dies with the thread that calls this (PR_SET_PDEATHSIG), so it must be one that lasts.
Result<Launched> launch(Launch launch, const machine::Identity& identity, const IdSlot& slot, const Cgroup* cgroup);

// receive_handover returns the folder /cage/v and one listening socket a port; call it when `unpacked` was reported.
struct Handover {
  Fd folder;
  std::vector<Fd> listeners;
};
Result<Handover> receive_handover(const Fd& socket, std::size_t ports);

// reap waits for a warden that has ended or is about to (its control channel closed).
void reap(const Launched& launched);

}  // namespace cages::drivers
