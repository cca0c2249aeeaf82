// SPDX-License-Identifier: Apache-2.0
// A PID 1 for tests of drivers: says on its console what it finds and what it is refused, as lines "name value", then does
// what the word in /role says. Static, no library of ours: stands for an image that somebody else made.
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static char role[64];

static void read_text(const char* path, char* into, size_t size) {
  int fd = open(path, O_RDONLY);
  ssize_t n = fd < 0 ? -1 : read(fd, into, size - 1);
  into[n < 0 ? 0 : n] = 0;
  char* end = strchr(into, '\n');
  if (end) *end = 0;
  if (fd >= 0) close(fd);
}

static void say(const char* name, long result) { printf("%s %s\n", name, result >= 0 ? "ok" : strerrorname_np(errno)); }

static void status_line(const char* field) {
  char line[256];
  FILE* file = fopen("/proc/self/status", "r");
  while (file && fgets(line, sizeof line, file)) {
    if (strncmp(line, field, strlen(field)) == 0) printf("status.%s", line);
  }
  if (file) fclose(file);
}

static void look(void) {
  char text[512];
  struct utsname names;
  uname(&names);
  printf("hostname %s\n", names.nodename);
  read_text("/proc/cmdline", text, sizeof text);
  printf("cmdline %s\n", text);
  printf("ids %d %d %d\n", getpid(), getuid(), getgid());
  status_line("NoNewPrivs");
  status_line("Seccomp:");
  status_line("CapBnd");
  status_line("CapEff");
  struct stat status;
  if (lstat("/owned", &status) == 0) printf("owned %d %d %o\n", status.st_uid, status.st_gid, status.st_mode);
  if (lstat("/hard", &status) == 0) printf("hard %lu\n", (unsigned long)status.st_nlink);
  int count = 0;
  DIR* folder = opendir("/proc/self/fd");
  struct dirent* entry;
  while (folder && (entry = readdir(folder))) count += entry->d_name[0] != '.' && atoi(entry->d_name) != dirfd(folder);
  if (folder) closedir(folder);
  printf("descriptors %d\n", count);
  count = 0;
  folder = opendir("/proc");
  while (folder && (entry = readdir(folder))) count += entry->d_name[0] >= '0' && entry->d_name[0] <= '9';
  if (folder) closedir(folder);
  printf("processes %d\n", count);
  int mounts = 0;
  FILE* file = fopen("/proc/self/mounts", "r");
  while (file && fgets(text, sizeof text, file)) ++mounts;
  if (file) fclose(file);
  printf("mounts %d\n", mounts);
  file = fopen("/proc/net/dev", "r");
  while (file && fgets(text, sizeof text, file)) {
    char* colon = strchr(text, ':');
    if (colon) {
      *colon = 0;
      printf("interface %s\n", text + strspn(text, " "));
    }
  }
  if (file) fclose(file);
}

static void try_forbidden(void) {
  say("vsock", socket(40, SOCK_STREAM, 0));
  say("alg", socket(38, SOCK_SEQPACKET, 0));
  say("packet", socket(17, SOCK_RAW, 0));
  say("inet", socket(AF_INET, SOCK_STREAM, 0));
  say("io_uring", syscall(425, 1, NULL));
  say("bpf", syscall(SYS_bpf, 0, NULL, 0));
  say("ptrace", ptrace(PTRACE_TRACEME, 0, 0, 0));
  say("keyctl", syscall(SYS_keyctl, 0, 0, 0));
  say("userfaultfd", syscall(SYS_userfaultfd, 0));
  say("module", syscall(SYS_init_module, "", 0, ""));
  say("kexec", syscall(SYS_kexec_load, 0, 0, NULL, 0));
  say("perf", syscall(SYS_perf_event_open, NULL, 0, -1, -1, 0));
  say("reboot", syscall(SYS_reboot, 0xfee1dead, 672274793, 0, NULL));
  say("by_handle", syscall(SYS_open_by_handle_at, AT_FDCWD, NULL, 0));
  say("newer_call", syscall(460));
  mkdir("/m", 0755);
  say("mount_ext4", mount("/dev/null", "/m", "ext4", 0, ""));
  say("mount_tmpfs", mount("none", "/m", "tmpfs", 0, ""));
  say("mknod", mknod("/disk", S_IFBLK | 0600, 253 << 8));
  say("write_sysctl", open("/proc/sys/kernel/core_pattern", O_WRONLY));
  say("setuid_high", setresuid(-1, 70000, -1));
  // The app's fence: namespaces of its own, with a /proc.
  pid_t child = fork();
  if (child == 0) {
    errno = 0;
    if (unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID) != 0) _exit(errno);
    pid_t inner = fork();
    if (inner == 0) {
      mkdir("/p", 0755);
      _exit(mount("proc", "/p", "proc", 0, "") == 0 ? 0 : errno);
    }
    int status = 0;
    waitpid(inner, &status, 0);
    _exit(WEXITSTATUS(status));
  }
  int status = 0;
  waitpid(child, &status, 0);
  printf("nested %s\n", WIFEXITED(status) && WEXITSTATUS(status) == 0 ? "ok" : strerrorname_np(WEXITSTATUS(status)));
}

static int unix_socket(const char* path, int listening) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  strcpy(address.sun_path, path);
  int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  int done = listening ? bind(fd, (struct sockaddr*)&address, sizeof address) || listen(fd, 16)
                       : connect(fd, (struct sockaddr*)&address, sizeof address);
  return done == 0 ? fd : -1;
}

static void heartbeat(void) {
  int fd = unix_socket("/cage/v/v_9000", 0);
  unsigned char byte = 0xb7;
  say("heartbeat_dial", fd);
  if (fd >= 0 && write(fd, &byte, 1) == 1 && read(fd, &byte, 1) == 1) printf("heartbeat %02x\n", byte);
}

static void ask_nsm(void) {
  const unsigned char request[] = {0x6b, 'D', 'e', 's', 'c', 'r', 'i', 'b', 'e', 'N', 'S', 'M'};
  unsigned char response[12288];
  if (send(3, request, sizeof request, 0) != sizeof request) {
    say("nsm", -1);
    return;
  }
  printf("nsm %zd\n", recv(3, response, sizeof response, 0));
}

static void serve(void) {
  int listener = unix_socket("/cage/v/v", 1);
  say("listen", listener);
  printf("up\n");
  for (;;) {
    int fd = accept(listener, NULL, NULL);
    char line[64];
    ssize_t n = read(fd, line, sizeof line - 1);
    line[n < 0 ? 0 : n] = 0;
    unsigned port = 0;
    if (sscanf(line, "CONNECT %u", &port) == 1 && port == 7010) {
      dprintf(fd, "OK %u\n", port);
      char piece[4096];
      while ((n = read(fd, piece, sizeof piece)) > 0) {
        if (write(fd, piece, (size_t)n) != n) break;
      }
    } else if (port == 7011) {
      char garbage[4096];
      memset(garbage, 'x', sizeof garbage);
      while (write(fd, garbage, sizeof garbage) > 0) {
      }
    }
    close(fd);
  }
}

static void fill_disk(void) {
  static char piece[1 << 20];
  memset(piece, 1, sizeof piece);
  long written = 0;
  int fd = open("/big", O_WRONLY | O_CREAT, 0600);
  ssize_t n;
  while ((n = write(fd, piece, sizeof piece)) > 0) written += n;
  printf("filled %ld %s\n", written >> 20, strerrorname_np(errno));
  unlink("/big");
  int files = 0;
  char path[64];
  for (; files < 100000; ++files) {
    snprintf(path, sizeof path, "/cage/v/f%d", files);
    fd = open(path, O_WRONLY | O_CREAT, 0600);
    if (fd < 0) break;
    close(fd);
  }
  printf("shared_files %d %s\n", files, strerrorname_np(errno));
}

static void fork_bomb(void) {
  int children = 0;
  for (; children < 100000; ++children) {
    pid_t pid = fork();
    if (pid == 0) {
      pause();
      _exit(0);
    }
    if (pid < 0) break;
  }
  printf("forked %d %s\n", children, strerrorname_np(errno));
}

static void on_term(int number) {
  printf("heard %d\n", number);
  _exit(0);
}

// An init that is not yet listening for signals when it is told to stop.
static void late(void) {
  printf("up\n");
  struct timespec wait = {1, 500000000};
  nanosleep(&wait, NULL);
  signal(SIGTERM, on_term);
  for (;;) pause();
}

static void noise(void) {
  for (int i = 0; i < 20000; ++i) printf("\033[2J noise %d\n", i);
  for (int i = 0; i < 100000; ++i) putchar('x');
  printf("\nup\n");
}

int main(void) {
  setvbuf(stdout, NULL, _IOLBF, 0);
  read_text("/role", role, sizeof role);
  if (strcmp(role, "look") == 0) {
    look();
    heartbeat();
    ask_nsm();
    try_forbidden();
    return 7;
  }
  if (strcmp(role, "fill") == 0) fill_disk();
  if (strcmp(role, "fork") == 0) fork_bomb();
  if (strcmp(role, "late") == 0) late();
  if (strcmp(role, "noise") == 0) noise();
  if (strcmp(role, "link") == 0) {
    say("link", symlink("/proc/self/fd/0", "/cage/v/v"));
    printf("up\n");
    for (;;) pause();
  }
  if (strcmp(role, "orphan") == 0) prctl(PR_SET_PDEATHSIG, 0);
  if (strcmp(role, "serve") == 0 || strcmp(role, "orphan") == 0) {
    for (int i = 0; i < 3; ++i) {
      if (fork() == 0) {
        setsid();
        for (;;) pause();
      }
    }
    serve();
  }
  return 0;
}
