// SPDX-License-Identifier: Apache-2.0
// The spawner: a small process that keeps the privileges which starting an app takes (namespaces, mounts, ids), so that
// the runtime, which reads what the world sends, can give them up. It is forked before there is any key in memory,
// opens no connection, and reads only what the runtime hands it over one socket.
#pragma once

#include <sys/types.h>

#include "base/file.h"
#include "base/result.h"
#include "runtime/app/spec.h"

namespace cages::runtime {

// What the runtime keeps of one started app. All close on exec.
struct AppEnds {
  Fd out;  // read ends of the pipes
  Fd err;
  Fd events;  // stream socket: AppMessage both ways
};

// Starts one app and says where to hear of it. The Spawner, or a stand-in in tests.
class AppStarter {
 public:
  virtual ~AppStarter() = default;
  // start has one app started; ends the one before, if it still runs. What became of it comes through `events`.
  virtual Result<AppEnds> start(const AppSpec& spec) = 0;
  // end kills the app and all its processes, at once.
  virtual Result<void> end() = 0;
};

class Spawner final : public AppStarter {
 public:
  // fork starts the process. Call it once, first thing in main: it inherits what is in memory.
  static Result<Spawner> fork();
  Result<AppEnds> start(const AppSpec& spec) override;
  Result<void> end() override;
  [[nodiscard]] pid_t pid() const { return pid_; }

 private:
  Spawner(Fd socket, pid_t pid) : socket_(std::move(socket)), pid_(pid) {}
  Fd socket_;  // closing it ends the spawner and its app
  pid_t pid_;
};

}  // namespace cages::runtime
