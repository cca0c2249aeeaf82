// SPDX-License-Identifier: Apache-2.0
#include "host/run_enclave.h"

#include <signal.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <iostream>

#include "base/json.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/paths.h"
#include "crypto/random.h"
#include "net/event_loop.h"
#include "net/signals.h"

namespace cages::host {
namespace {

constexpr std::uint32_t kHeartbeatPort = 9000;
constexpr std::size_t kDropBytes = 16 * 1024;

Result<std::uint64_t> number(std::string_view option, std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return fail(Code::USAGE, std::string(option), "a number", printable(text));
  return value;
}

Result<void> set(RunOptions& options, std::string_view name, std::string_view value) {
  auto& start = options.start;
  const std::string text(value);
  if (name == "--run") options.driver.run = text;
  else if (name == "--nsm-state") options.driver.nsm_state = text;
  else if (name == "--nsm") options.driver.nsm_program = text;
  else if (name == "--id") start.id = text;
  else if (name == "--instance-id") start.instance_id = text;
  else if (name == "--memory-mib") { TRY_ASSIGN(start.memory_mib, number(name, value)); }
  else if (name == "--processes") { TRY_ASSIGN(start.processes_max, number(name, value)); }
  else if (name == "--cpus") { TRY_ASSIGN(const auto cpus, number(name, value)); start.cpus = static_cast<double>(cpus); }
  else if (name == "--port") { TRY_ASSIGN(const auto port, number(name, value)); start.ports.push_back(static_cast<std::uint32_t>(port)); }
  else return fail(Code::USAGE, printable(name), "an option of `cage-host enclave`", "");
  return {};
}

Result<void> defaults(RunOptions& options) {
  crypto::SystemRandom random;
  if (options.start.id.empty()) options.start.id = hex(random.array<6>());
  if (options.start.instance_id.empty()) options.start.instance_id = "i-" + hex(random.array<9>()).substr(1);
  if (options.driver.nsm_program.empty()) {
    std::error_code failed;
    options.driver.nsm_program = std::filesystem::read_symlink("/proc/self/exe", failed).parent_path() / "cage-nsm";
  }
  auto& ports = options.start.ports;
  if (std::ranges::find(ports, kHeartbeatPort) == ports.end()) ports.push_back(kHeartbeatPort);
  if (options.driver.run.empty()) {
    TRY_ASSIGN(options.driver.run, make_user_run_folder("enclaves"));
  }
  if (options.driver.nsm_state.empty()) {
    TRY_ASSIGN(const std::filesystem::path state, user_folder(UserFolder::state));
    options.driver.nsm_state = state / "nsm";
  }
  return {};
}

void tell(bool json, const Json& value) {
  if (json) std::cout << write_json(value) << std::endl;
}

Task<void> answer(std::unique_ptr<net::Stream> stream, bool echo) {
  std::array<Byte, kDropBytes> piece{};
  for (;;) {
    const auto count = co_await stream->read_some(piece);
    if (!count || *count == 0) co_return;
    if (echo && !co_await stream->write_all(ByteView(piece).first(*count))) co_return;
  }
}

Task<void> serve_port(net::EventLoop& loop, net::ListenerPtr listener, bool echo) {
  for (;;) {
    auto accepted = co_await listener->accept();
    if (!accepted) co_return;
    loop.spawn("port", answer(std::move(accepted->stream), echo));
  }
}

Task<void> stop_on_signal(net::Signals& signals, drivers::Enclave& enclave) {
  co_await signals.next();
  log::info("host.stopping");
  co_await enclave.stop(limits::kEnclaveStopTime);
}

Json describe_start(const drivers::Enclave& enclave) {
  const auto& pcrs = enclave.measurements();
  Json::Array stages;
  for (const auto& stage : enclave.stages()) {
    stages.push_back(Json::object({{"stage", stage.name}, {"ns", stage.took_ns}, {"detail", stage.detail}}));
  }
  return Json::object({{"event", "started"},
                       {"id", enclave.id()},
                       {"module_id", enclave.module_id()},
                       {"pcr0", hex(pcrs.pcr0)},
                       {"pcr1", hex(pcrs.pcr1)},
                       {"pcr2", hex(pcrs.pcr2)},
                       {"pcr8", pcrs.pcr8 ? Json(hex(*pcrs.pcr8)) : Json()},
                       {"stages", Json(std::move(stages))}});
}

Task<Result<int>> run(net::EventLoop& loop, const RunOptions& options) {
  net::Signals signals(loop, {SIGTERM, SIGINT});
  CO_TRY_ASSIGN(const auto driver, drivers::ProcessDriver::open(loop, options.driver));
  tell(options.json, Json::object({{"event", "driver"}, {"mode", machine::name_of(driver->identity().mode)}, {"describe", driver->describe()}}));
  CO_TRY_ASSIGN(const drivers::EnclavePtr enclave, co_await driver->start(options.start));
  for (const auto port : options.start.ports) {
    CO_TRY_ASSIGN(auto listener, enclave->accept(port));
    loop.spawn("ports", serve_port(loop, std::move(listener), port == kHeartbeatPort));
  }
  tell(options.json, describe_start(*enclave));
  loop.spawn("signals", stop_on_signal(signals, *enclave));
  const drivers::Exit exit = co_await enclave->wait();
  log::info("enclave.ended", {{"id", enclave->id()}, {"cause", std::string(name_of(exit.cause))}, {"code", std::to_string(exit.code)}});
  tell(options.json, Json::object({{"event", "ended"}, {"cause", name_of(exit.cause)}, {"code", exit.code}, {"console", exit.last_words}}));
  const bool well = exit.cause == drivers::Cause::stopped || (exit.cause == drivers::Cause::exited && exit.code == 0);
  co_return well ? 0 : 1;
}

}  // namespace

Result<RunOptions> parse_run_options(std::span<const std::string_view> words) {
  RunOptions options;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (words[i] == "--json") {
      options.json = true;
    } else if (words[i].starts_with("--")) {
      if (i + 1 == words.size()) return fail(Code::USAGE, printable(words[i]), "a value", "the end");
      TRY(set(options, words[i], words[i + 1]));
      ++i;
    } else if (options.start.image.empty()) {
      options.start.image = std::string(words[i]);
    } else {
      return fail(Code::USAGE, printable(words[i]), "one image", "two");
    }
  }
  if (options.start.image.empty()) return fail(Code::USAGE, "cage-host enclave", "IMAGE", "none");
  TRY(defaults(options));
  return options;
}

Result<int> run_enclave(const RunOptions& options) {
  net::EventLoop loop;
  auto outcome = loop.run(run(loop, options));
  if (!outcome) return fail(Code::INTERRUPTED);
  return std::move(*outcome);
}

}  // namespace cages::host
