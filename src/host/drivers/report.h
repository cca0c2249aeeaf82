// SPDX-License-Identifier: Apache-2.0
// What the warden tells cage-host about the enclave it guards, and the plan it gets first. Bytes <-> types, no I/O.
// Between two processes of ours; read strictly all the same, because what reports `checked` has just read an image that
// anybody may have made.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "crypto/hash.h"

namespace cages::drivers {

// How an enclave is to be made. Nothing in it is secret.
struct Plan {
  std::string id;
  std::uint64_t memory_bytes = 0;  // three quarters bound the root; without control groups, also each process
  std::uint64_t processes_max = 0;
  bool keep_owners = true;           // false: single-id, owners collapse
  bool limit_by_rlimits = false;     // no control groups
  std::vector<std::uint32_t> ports;  // the host listens on these: /cage/v/v_<port>
  bool operator==(const Plan&) const = default;
};

struct Checked {
  crypto::Digest384 pcr0{};
  crypto::Digest384 pcr1{};
  crypto::Digest384 pcr2{};
  crypto::Digest384 pcr8{};  // zeros where the image is not signed
  std::uint64_t nanoseconds = 0;
  bool operator==(const Checked&) const = default;
};

struct Unpacked {
  std::uint64_t entries = 0;
  std::uint64_t bytes = 0;
  std::uint64_t left_out = 0;  // device nodes and sockets
  std::uint64_t nanoseconds = 0;
  bool operator==(const Unpacked&) const = default;
};

// /init is about to run.
struct Begun {
  bool operator==(const Begun&) const = default;
};

// It will not run; the warden ends.
struct Failed {
  std::string code;  // of errors.def
  std::string subject;
  std::string expected;
  std::string got;
  bool operator==(const Failed&) const = default;
};

// /init ended, and with it everything in the enclave.
struct Ended {
  std::uint64_t exit_code = 0;
  std::uint64_t signal = 0;  // 0: it exited
  bool operator==(const Ended&) const = default;
};

using Report = std::variant<Checked, Unpacked, Begun, Failed, Ended>;

// write: one frame, length included. parse: the bytes after the length; errors as wire/frame.h.
Bytes write_plan(const Plan& plan);
Result<Plan> parse_plan(ByteView payload);
Bytes write_report(const Report& report);
Result<Report> parse_report(ByteView payload);

// failed_from and to_error carry an Error across; a code that errors.def does not know becomes INTERNAL.
Failed failed_from(const Error& error);
Error to_error(const Failed& failed);

}  // namespace cages::drivers
