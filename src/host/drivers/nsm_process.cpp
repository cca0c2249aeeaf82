// SPDX-License-Identifier: Apache-2.0
#include "host/drivers/nsm_process.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <linux/sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <vector>

#include "crypto/hash.h"

namespace cages::drivers {
namespace {

constexpr int kChannel = 3;

// Runs in the child; nothing is allocated any more.
[[noreturn]] void become_nsm(int channel, char* const* arguments) {
  // Its channel's end would end it too; this is sooner.
  ::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  for (int signal = 1; signal < NSIG; ++signal) ::signal(signal, SIG_DFL);
  const int null = ::open("/dev/null", O_RDWR);
  const int high = ::fcntl(channel, F_DUPFD, 128);
  if (null < 0 || high < 0 || ::dup2(null, 0) < 0 || ::dup2(null, 1) < 0 || ::dup2(high, kChannel) < 0) ::_exit(1);
  ::close_range(kChannel + 1, ~0U, 0);
  std::array<char*, 1> environment{nullptr};
  ::execve(arguments[0], arguments, environment.data());
  ::_exit(127);
}

}  // namespace

crypto::Digest384 platform_pcr(std::string_view text) {
  crypto::Digest384 pcr{};
  if (text.empty()) return pcr;
  Bytes extended(pcr.begin(), pcr.end());
  append(extended, as_bytes(text));
  return crypto::sha384(extended);
}

std::vector<std::string> nsm_arguments(const NsmPlan& plan, const eif::Measurements& pcrs, int channel) {
  std::vector<std::string> out{plan.program.string(), "serve", "--channel", std::to_string(channel), "--module-id", plan.module_id,
                               "--state", plan.state.string()};
  const auto pcr = [&out](int index, const crypto::Digest384& value) {
    out.insert(out.end(), {"--pcr", std::to_string(index) + "=" + hex(value)});
  };
  pcr(0, pcrs.pcr0);
  pcr(1, pcrs.pcr1);
  pcr(2, pcrs.pcr2);
  pcr(3, platform_pcr(plan.role_arn));
  pcr(4, platform_pcr(plan.instance_id));
  pcr(8, pcrs.pcr8.value_or(crypto::Digest384{}));
  if (plan.uid != 0) out.insert(out.end(), {"--uid", std::to_string(plan.uid)});
  return out;
}

Result<NsmProcess> NsmProcess::start(const NsmPlan& plan, const eif::Measurements& pcrs, Fd channel) {
  if (::access(plan.program.c_str(), X_OK) != 0) {
    return fail(Code::DRIVER_NSM, plan.program.string(), "the program cage-nsm", errno_error("", errno).got);
  }
  std::vector<std::string> words = nsm_arguments(plan, pcrs, kChannel);
  std::vector<char*> arguments;
  for (auto& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  int pidfd = -1;
  clone_args clone{};
  clone.flags = CLONE_PIDFD;
  clone.pidfd = reinterpret_cast<std::uint64_t>(&pidfd);
  clone.exit_signal = SIGCHLD;
  const long pid = ::syscall(SYS_clone3, &clone, sizeof clone);
  if (pid == 0) become_nsm(channel.get(), arguments.data());
  if (pid < 0) return fail(errno_error("cage-nsm", errno));
  return NsmProcess(Fd(pidfd));
}

NsmProcess::~NsmProcess() {
  if (!process_) return;
  ::syscall(SYS_pidfd_send_signal, process_.get(), SIGKILL, nullptr, 0);
  siginfo_t info{};
  while (::waitid(P_PIDFD, static_cast<id_t>(process_.get()), &info, WEXITED) != 0 && errno == EINTR) {
  }
}

}  // namespace cages::drivers
