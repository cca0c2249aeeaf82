// SPDX-License-Identifier: Apache-2.0
// The hostile app of app_test.cpp: root in its image, tries to get out, and prints what became of each attempt as
// "name=result" lines. Linked statically, without a sanitizer, so that it runs in an empty image.
#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/vm_sockets.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <sys/un.h>
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

// What becomes of a message that asks the kernel to change routes or rules.
long ask_netlink(int protocol, std::uint16_t type) {
  const int fd = socket(AF_NETLINK, SOCK_RAW, protocol);
  if (fd < 0) return fd;
  struct {
    nlmsghdr header;
    rtmsg route;
  } message{};
  message.header.nlmsg_len = sizeof message;
  message.header.nlmsg_type = type;
  message.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE;
  message.route.rtm_family = AF_INET;
  if (send(fd, &message, sizeof message, 0) < 0) return -1;
  struct {
    nlmsghdr header;
    nlmsgerr error;
    char rest[512];
  } answer{};
  if (recv(fd, &answer, sizeof answer, 0) < 0) return -1;
  errno = -answer.error.error;
  return errno == 0 ? 0 : -1;
}

sockaddr_storage address_of(const char* ip, std::uint16_t port, socklen_t& length) {
  sockaddr_storage storage{};
  sockaddr_in four{};
  sockaddr_in6 six{};
  if (inet_pton(AF_INET, ip, &four.sin_addr) == 1) {
    four.sin_family = AF_INET;
    four.sin_port = htons(port);
    std::memcpy(&storage, &four, length = sizeof four);
  } else {
    inet_pton(AF_INET6, ip, &six.sin6_addr);
    six.sin6_family = AF_INET6;
    six.sin6_port = htons(port);
    std::memcpy(&storage, &six, length = sizeof six);
  }
  return storage;
}

long reach_by(int fd, const sockaddr_storage& to, socklen_t length, int type) {
  const timeval soon{3, 0};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &soon, sizeof soon);
  if (connect(fd, reinterpret_cast<const sockaddr*>(&to), length) != 0) return -1;
  if (type == SOCK_STREAM) return 0;
  // A question for the root's name servers.
  const char question[] = "\0\1\1\0\0\1\0\0\0\0\0\0\0\0\2\0\1";
  char answer[512];
  if (send(fd, question, sizeof question - 1, 0) < 0) return -1;
  return recv(fd, answer, sizeof answer, 0);
}

// Leaves no socket behind: the test looks at those of the namespace.
long reach(const char* ip, std::uint16_t port, int type) {
  socklen_t length = 0;
  const sockaddr_storage to = address_of(ip, port, length);
  const int fd = socket(to.ss_family, type, 0);
  if (fd < 0) return fd;
  const long result = reach_by(fd, to, length, type);
  const int error = errno;
  close(fd);
  errno = error;
  return result;
}

long reach_host_port(const char* path) {
  const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un to{};
  to.sun_family = AF_UNIX;
  std::strncpy(to.sun_path, path, sizeof to.sun_path - 1);
  return connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to);
}

// Every way out of a machine; then serves on `port`, so that the cage becomes ready.
[[noreturn]] void network(std::uint16_t port) {
  attempt("dns here", [] { return reach("127.0.0.1", 53, SOCK_DGRAM); });
  attempt("dns here by tcp", [] { return reach("127.0.0.1", 53, SOCK_STREAM); });
  attempt("dns elsewhere", [] { return reach("192.0.2.1", 53, SOCK_DGRAM); });
  attempt("tcp", [] { return reach("192.0.2.1", 443, SOCK_STREAM); });
  attempt("tcp v6", [] { return reach("2001:db8::1", 443, SOCK_STREAM); });
  attempt("tcp to a name's address", [] { return reach("127.64.0.1", 443, SOCK_STREAM); });
  attempt("tcp to metadata", [] { return reach("169.254.169.254", 80, SOCK_STREAM); });
  attempt("add a route", [] { return ask_netlink(NETLINK_ROUTE, RTM_NEWROUTE); });
  attempt("add a rule", [] { return ask_netlink(NETLINK_NETFILTER, 10 << 8); });
  attempt("unshare network", [] { return unshare(CLONE_NEWNET); });
  attempt("host's egress port", [] { return reach_host_port("/cage/v/v_7004"); });
  attempt("host's dns port", [] { return reach_host_port("/cage/v/v_7005"); });
  sockets();
  say("tried", "all");
  std::fflush(stdout);
  socklen_t length = 0;
  const sockaddr_storage own = address_of("0.0.0.0", port, length);
  const int listener = socket(AF_INET, SOCK_STREAM, 0);
  bind(listener, reinterpret_cast<const sockaddr*>(&own), length);
  listen(listener, 16);
  for (;;) close(accept(listener, nullptr, nullptr));
}

}  // namespace

int main(int argc, char** argv) {
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  if (argc > 2 && std::string(argv[1]) == "network") network(static_cast<std::uint16_t>(std::atoi(argv[2])));
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
  for (const char* path : {"/etc/resolv.conf", "/etc/nsswitch.conf", "/etc/hosts"}) {
    std::string text;
    std::ifstream file(path);
    for (std::string line; std::getline(file, line);) text += line + "|";
    say(path, text);
  }
  attempt("write /etc/resolv.conf", [] { return open("/etc/resolv.conf", O_WRONLY | O_APPEND); });
  attempt("own file", [] { return open("/made-by-app", O_CREAT | O_WRONLY, 0644); });
  attempt("become other", [] { return setresuid(1000, 1000, 1000); });
  std::fputs("to standard error\n", stderr);
  return 3;
}
