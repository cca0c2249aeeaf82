// SPDX-License-Identifier: Apache-2.0
// The hostile app of app_test.cpp: root in its image, tries to get out, and prints what became of each attempt as
// "name=result" lines. Linked statically, without a sanitizer, so that it runs in an empty image.
#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <linux/vm_sockets.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <functional>
#include <string>

namespace {

void say(const std::string& name, const std::string& result) { std::printf("%s=%s\n", name.c_str(), result.c_str()); }

// "ok" or the error's name.
void attempt(const std::string& name, const std::function<long()>& act) {
  errno = 0;
  const long returned = act();
  say(name, returned >= 0 ? "ok" : strerrorname_np(errno));
}

// What ends a child that tries: "signal N" or "exit N".
void attempt_in_child(const std::string& name, const std::function<void()>& act) {
  std::fflush(stdout);
  const pid_t child = fork();
  if (child == 0) {
    act();
    _exit(7);
  }
  int status = 0;
  waitpid(child, &status, 0);
  say(name, WIFSIGNALED(status) ? "signal " + std::to_string(WTERMSIG(status))
                                : "exit " + std::to_string(WEXITSTATUS(status)));
}

std::string list(const char* folder, const std::function<bool(const std::string&)>& wanted) {
  std::string names;
  DIR* entries = opendir(folder);
  while (const dirent* entry = entries == nullptr ? nullptr : readdir(entries)) {
    const std::string name = entry->d_name;
    if (name != "." && name != ".." && wanted(name)) names += (names.empty() ? "" : " ") + name;
  }
  if (entries != nullptr) closedir(entries);
  return names;
}

bool number(const std::string& text) { return text.find_first_not_of("0123456789") == std::string::npos; }

void say_status() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    for (const char* field :
         {"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb", "NoNewPrivs", "Seccomp", "Uid", "Gid", "Groups"}) {
      const std::string prefix = std::string(field) + ":\t";
      if (line.rfind(prefix, 0) == 0) say(field, line.substr(prefix.size()));
    }
  }
}

void devices() {
  attempt("open /dev/nsm", [] { return open("/dev/nsm", O_RDWR); });
  attempt("open /dev/vsock", [] { return open("/dev/vsock", O_RDWR); });
  attempt("open /dev/mem", [] { return open("/dev/mem", O_RDWR); });
  attempt("mknod", [] { return mknod("/mine", S_IFCHR | 0666, makedev(1, 3)); });
  attempt("write /dev/null", [] { return write(open("/dev/null", O_WRONLY), "x", 1); });
  attempt("read /dev/urandom", [] {
    char byte = 0;
    return read(open("/dev/urandom", O_RDONLY), &byte, 1);
  });
  attempt("open /dev/ptmx", [] { return open("/dev/ptmx", O_RDWR | O_NOCTTY); });
}

void sockets() {
  attempt("socket vsock", [] { return socket(AF_VSOCK, SOCK_STREAM, 0); });
  attempt("socket vsock high bit", [] { return syscall(SYS_socket, (1UL << 32) | AF_VSOCK, SOCK_STREAM, 0); });
  attempt("socket packet", [] { return socket(AF_PACKET, SOCK_RAW, 0); });
  attempt("socket alg", [] { return socket(AF_ALG, SOCK_SEQPACKET, 0); });
  attempt("socket raw", [] { return socket(AF_INET, SOCK_RAW, IPPROTO_TCP); });
  attempt("socket tcp", [] { return socket(AF_INET, SOCK_STREAM, 0); });
  io_uring_params parameters{};
  attempt("io_uring_setup", [&] { return syscall(SYS_io_uring_setup, 8, &parameters); });
}

void calls() {
  char nothing[64] = {};
  attempt("bpf", [&] { return syscall(SYS_bpf, 0, nothing, sizeof nothing); });
  attempt("kexec_load", [] { return syscall(SYS_kexec_load, 0, 0, nullptr, 0); });
  attempt("init_module", [&] { return syscall(SYS_init_module, nothing, sizeof nothing, ""); });
  attempt("finit_module", [] { return syscall(SYS_finit_module, 0, "", 0); });
  attempt("mount", [] { return mount("tmpfs", "/tmp", "tmpfs", 0, nullptr); });
  attempt("umount", [] { return umount2("/proc", MNT_DETACH); });
  attempt("fsopen", [] { return syscall(SYS_fsopen, "tmpfs", 0); });
  attempt("pivot_root", [] { return syscall(SYS_pivot_root, "/", "/"); });
  attempt("unshare user", [] { return unshare(CLONE_NEWUSER); });
  attempt("unshare mount", [] { return unshare(CLONE_NEWNS); });
  attempt("clone user", [] { return syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, nullptr, nullptr, nullptr, nullptr); });
  attempt("clone3", [&] { return syscall(SYS_clone3, nothing, sizeof nothing); });
  attempt("setns", [] { return setns(open("/proc/1/ns/mnt", O_RDONLY), 0); });
  attempt("keyctl", [] { return syscall(SYS_keyctl, 0, -3, 0); });
  attempt("perf_event_open", [&] { return syscall(SYS_perf_event_open, nothing, 0, -1, -1, 0); });
  attempt("userfaultfd", [] { return syscall(SYS_userfaultfd, 0); });
  attempt("reboot", [] { return syscall(SYS_reboot, 0xfee1dead, 672274793, 0x89abcdef, nullptr); });
  attempt("sethostname", [] { return sethostname("x", 1); });
#ifdef __x86_64__
  attempt_in_child("int80", [] {
    long result = 20;  // getpid of the 32-bit table
    asm volatile("int $0x80" : "+a"(result) : : "memory");
  });
  attempt_in_child("x32", [] { syscall(0x40000000 | SYS_getpid); });
#endif
}

void others() {
  attempt("ptrace init", [] { return ptrace(PTRACE_ATTACH, 1, nullptr, nullptr); });
  attempt("read init memory", [] { return open("/proc/1/mem", O_RDONLY); });
  attempt("read init environ", [] {
    char byte = 0;
    return read(open("/proc/1/environ", O_RDONLY), &byte, 1);
  });
  attempt("enter init root", [] { return chdir("/proc/1/root"); });
  attempt("read init descriptors", [] { return open("/proc/1/fd/3", O_RDONLY); });
  char byte = 0;
  iovec mine{&byte, 1};
  iovec theirs{&byte, 1};
  attempt("process_vm_readv", [&] { return process_vm_readv(1, &mine, 1, &theirs, 1, 0); });
  attempt("kill init", [] { return kill(1, SIGKILL); });
  say("processes", list("/proc", number));
  say("root", list("/", [](const std::string&) { return true; }));
  attempt("write sysctl", [] { return open("/proc/sys/kernel/core_pattern", O_WRONLY); });
  std::ifstream cmdline("/proc/cmdline");
  std::string line;
  std::getline(cmdline, line);
  say("cmdline", line);
}

// The way out of a bare chroot: a descriptor of the root, another chroot below it, then up.
void chroot_escape() {
  attempt_in_child("chroot escape", [] {
    const int top = open("/", O_RDONLY | O_DIRECTORY);
    if (mkdir("/below", 0700) != 0 || chroot("/below") != 0 || fchdir(top) != 0) _exit(1);
    for (int i = 0; i < 64; ++i) {
      if (chdir("..") != 0) _exit(2);
    }
    if (chroot(".") != 0) _exit(3);
    _exit(access("/probe", F_OK) == 0 ? 0 : 4);  // 0: it came out in its own root
  });
}

void secrets() {
  struct stat info{};
  if (stat("/run/secrets/TOKEN", &info) != 0) return say("secret", "absent");
  std::ifstream file("/run/secrets/TOKEN");
  std::string text;
  std::getline(file, text);
  say("secret", text + " " + std::to_string(info.st_mode & 07777) + " " + std::to_string(info.st_uid));
  attempt("add secret", [] { return open("/run/secrets/NEW", O_CREAT | O_WRONLY, 0600); });
  const char* variable = std::getenv("FROM_SECRET");
  say("secret variable", variable == nullptr ? "absent" : variable);
}

}  // namespace

int main(int argc, char** argv) {
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  if (argc > 1 && std::string(argv[1]) == "sleep") {
    say("sleeping", std::to_string(getpid()));
    for (;;) pause();
  }
  if (argc > 1 && std::string(argv[1]) == "orphan") {
    if (fork() == 0) {
      if (fork() == 0) {
        usleep(50'000);
        _exit(0);
      }
      _exit(0);
    }
    wait(nullptr);
    usleep(200'000);
    return say("zombies", list("/proc", number)), 0;
  }
  say("descriptors",
      list("/proc/self/fd", [](const std::string& name) { return name != "3"; }));  // 3: the listing itself
  say_status();
  devices();
  sockets();
  calls();
  others();
  chroot_escape();
  secrets();
  attempt("own file", [] { return open("/made-by-app", O_CREAT | O_WRONLY, 0644); });
  attempt("become other", [] { return setresuid(1000, 1000, 1000); });
  std::fputs("to standard error\n", stderr);
  return 3;
}
