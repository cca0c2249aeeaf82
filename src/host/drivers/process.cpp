// SPDX-License-Identifier: Apache-2.0
#include "host/drivers/process.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "base/check.h"
#include "base/limits.h"
#include "base/log.h"
#include "crypto/random.h"
#include "host/drivers/process_enclave.h"
#include "net/deadline.h"
#include "net/descriptor.h"
#include "net/frame.h"

namespace cages::drivers {
namespace {

using machine::Mode;
using StatePtr = std::shared_ptr<ProcessState>;

bool valid_instance_id(std::string_view id) {
  return id.size() == 19 && id.starts_with("i-") &&
         std::ranges::all_of(id.substr(2), [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

// As real ones look: the launch time in milliseconds, then what makes it unique.
std::string make_module_id(const std::string& instance_id, const Clock& clock) {
  crypto::SystemRandom random;
  const auto milliseconds = static_cast<std::uint64_t>(clock.wall().time_since_epoch().count());
  Bytes slot;
  for (int shift = 40; shift >= 0; shift -= 8) slot.push_back(static_cast<Byte>(milliseconds >> shift));
  append(slot, random.array<2>());
  return instance_id + "-enc" + hex(slot);
}

Result<std::pair<Fd, Fd>> nsm_channel() {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0)
    return fail(errno_error("socketpair", errno));
  return std::pair(Fd(ends[0]), Fd(ends[1]));
}

Result<void> check_options(const StartOptions& options) {
  if (options.memory_mib < limits::kEnclaveMemoryMibMin || options.memory_mib > std::uint64_t{1} << 20) {
    return fail(Code::USAGE, "memory_mib", std::to_string(limits::kEnclaveMemoryMibMin) + " to 1048576",
                std::to_string(options.memory_mib));
  }
  if (options.processes_max == 0 || options.processes_max > limits::kEnclaveProcessesMax) {
    return fail(Code::USAGE, "processes", "1 to " + std::to_string(limits::kEnclaveProcessesMax),
                std::to_string(options.processes_max));
  }
  if (options.ports.size() > limits::kEnclavePortsMax) return fail(Code::LIMIT, "ports");
  if (!valid_instance_id(options.instance_id))
    return fail(Code::USAGE, "instance id", "i- and 17 hex digits", printable(options.instance_id));
  return {};
}

// The next report, which must be a T; a Failed is the error it carries.
template <class T>
Task<Result<T>> expect(ProcessState& state) {
  const auto payload = co_await net::read_frame(*state.control);
  if (!payload && payload.error().code == Code::TIMEOUT) co_return fail(payload.error());
  const auto lost = [&state] {
    return fail(state.cgroup && state.cgroup->ran_out_of_memory() ? Code::DRIVER_MEMORY : Code::DRIVER_LOST);
  };
  if (!payload) co_return lost();
  CO_TRY_ASSIGN(const Report report, parse_report(*payload));
  // race: what is inside can be killed at any stage; then the warden tells its end in place of what comes next.
  if (std::holds_alternative<Ended>(report)) co_return lost();
  if (const auto* failed = std::get_if<Failed>(&report)) co_return fail(to_error(*failed));
  if (const auto* expected = std::get_if<T>(&report)) co_return *expected;
  co_return fail(Code::MESSAGE_TYPE, "report");
}

Task<Result<void>> bring_up(ProcessState& state, const StartOptions& options, const NsmPlan& nsm, Fd nsm_end) {
  const net::Deadline deadline(state.loop.timers(), *state.control, limits::kEnclaveCheckTime);
  CO_TRY_ASSIGN(const Checked checked, co_await expect<Checked>(state));
  auto& pcrs = state.measurements;
  pcrs = {checked.pcr0, checked.pcr1, checked.pcr2, {}};
  if (!all_zero(checked.pcr8)) pcrs.pcr8 = checked.pcr8;
  state.stages.push_back({"driver.check", checked.nanoseconds, pcrs.pcr8 ? "signed" : "not signed"});
  CO_TRY_ASSIGN(const Unpacked unpacked, co_await expect<Unpacked>(state));
  state.stages.push_back({"driver.unpack", unpacked.nanoseconds,
                          std::to_string(unpacked.entries) + " entries, " + std::to_string(unpacked.bytes) +
                              " bytes, " + std::to_string(unpacked.left_out) + " left out"});
  CO_TRY_ASSIGN(state.handover, receive_handover(state.launched->handover, options.ports.size()));
  for (std::size_t i = 0; i < options.ports.size(); ++i) {
    CO_TRY_ASSIGN(auto listener, net::listener_from(state.loop, std::move(state.handover.listeners[i])));
    state.listeners.emplace(options.ports[i], std::move(listener));
  }
  CO_TRY_ASSIGN(auto process, NsmProcess::start(nsm, pcrs, std::move(nsm_end)));
  state.nsm.emplace(std::move(process));
  const char go = 'g';
  if (::write(state.launched->go.get(), &go, 1) != 1) co_return fail(Code::DRIVER_LOST);
  state.launched->go.reset();
  CO_TRY(co_await expect<Begun>(state));
  co_return Result<void>{};
}

}  // namespace

std::string_view name_of(Cause cause) {
  constexpr std::array<std::string_view, 5> kNames{"exited", "killed", "stopped", "nsm lost", "lost"};
  return kNames.at(static_cast<std::size_t>(cause));
}

Result<std::unique_ptr<ProcessDriver>> ProcessDriver::open(net::EventLoop& loop, ProcessOptions options) {
  if (!CAGES_CHECK("DRIVER_SHARED_KERNEL", !options.fleet || options.shared_kernel)) {
    return fail(Code::DRIVER_SHARED_KERNEL, "", "shared_kernel = true", "false");
  }
  TRY_ASSIGN(RunFolder run, RunFolder::open(options.run));
  TRY_ASSIGN(const std::size_t dead, run.clean_up());
  if (dead > 0) log::info("driver.cleaned_up", {{"enclaves", std::to_string(dead)}});
  machine::Identity identity = machine::identify();
  machine::Cgroups cgroups = machine::find_cgroups(identity.mode == Mode::root);
  std::unique_ptr<ProcessDriver> driver(
      new ProcessDriver(loop, std::move(options), std::move(run), std::move(identity), std::move(cgroups)));
  log::info("driver.process", {{"how", driver->describe()}});
  if (driver->identity_.mode == Mode::single_id) {
    log::warning("driver.single_id",
                 {{"differs", "every owner in an image is this user; an image whose USER is not root is refused"},
                  {"install", "uidmap, passwd; see `cage doctor`"}});
  }
  if (driver->cgroups_.version == machine::CgroupVersion::none) {
    log::warning("driver.no_cgroups",
                 {{"why", driver->cgroups_.why_not},
                  {"differs", "memory is bounded per process, not per enclave; cpus are not bounded"}});
  }
  return driver;
}

std::string ProcessDriver::describe() const {
  std::string limits_text = "resource limits";
  if (cgroups_.version != machine::CgroupVersion::none) {
    limits_text = "control groups " + std::string(machine::name_of(cgroups_.version));
  }
  return "process driver, " + std::string(machine::name_of(identity_.mode)) + " mode, limited by " + limits_text +
         ", on the host's kernel";
}

Task<Result<EnclavePtr>> ProcessDriver::start(StartOptions options) {
  CO_TRY(check_options(options));
  Fd image(::open(options.image.c_str(), O_RDONLY | O_CLOEXEC));
  if (!image) co_return fail(errno_error(options.image.string(), errno));
  CO_TRY_ASSIGN(IdSlot slot, IdSlot::take(identity_.mode));
  const bool grouped = cgroups_.version != machine::CgroupVersion::none;
  const Limits bounds{options.memory_mib << 20, options.processes_max, options.cpus};
  const std::string group = "cages-" + options.id;
  CO_TRY_ASSIGN(Instance instance, run_.claim(options.id, {Cgroup::folders_for(cgroups_, group)}));
  // What is made from here on is removed with the state, however this ends.
  const auto state = std::make_shared<ProcessState>(loop_, std::move(slot), std::move(instance), std::nullopt);
  if (grouped) {
    CO_TRY_ASSIGN(state->cgroup, Cgroup::create(cgroups_, group, bounds));
  }
  CO_TRY_ASSIGN(auto channel, nsm_channel());
  Plan plan{options.id, bounds.memory_bytes, bounds.processes_max, identity_.mode != Mode::single_id,
            !grouped,   options.ports};
  CO_TRY_ASSIGN(state->launched,
                launch({std::move(image), std::move(channel.first), options_.warden_program, std::move(plan)},
                       identity_, state->slot, state->cgroup ? &*state->cgroup : nullptr));
  CO_TRY_ASSIGN(state->control, net::stream_from(loop_, std::move(state->launched->control)));
  CO_TRY_ASSIGN(state->console_stream, net::stream_from(loop_, std::move(state->launched->console)));
  state->module_id = make_module_id(options.instance_id, loop_.clock());
  NsmPlan nsm{options_.nsm_program, options_.nsm_state, state->module_id, options.instance_id, options.role_arn, 0};
  if (identity_.mode == Mode::root)
    nsm.uid = machine::kNsmUid + (state->slot.first() - machine::kRootIdsFirst) / machine::kImageIds;
  CO_TRY(co_await bring_up(*state, options, nsm, std::move(channel.second)));
  auto enclave = std::make_unique<ProcessEnclave>(state);
  enclave->watch();
  co_return EnclavePtr(std::move(enclave));
}

}  // namespace cages::drivers
