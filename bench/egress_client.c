// SPDX-License-Identifier: Apache-2.0
// Small messages for bench/egress.py.
//   egress_client serve ADDRESS PORT            echoes what comes, a thread each
//   egress_client pingpong HOST PORT SECONDS    64 bytes there and back over one stream: p50 and p99 in µs
//   egress_client connects HOST PORT SECONDS    connect, one byte each way, close: how many a second
#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { kMessage = 64, kSamplesMax = 4000000 };

static void fail(const char* what) {
  perror(what);
  exit(1);
}

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void no_delay(int fd) {
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

static void* echo(void* argument) {
  const int fd = (int)(long)argument;
  char buffer[4096];
  for (ssize_t n; (n = read(fd, buffer, sizeof buffer)) > 0;) {
    if (write(fd, buffer, (size_t)n) != n) break;
  }
  close(fd);
  return NULL;
}

static int serve(const char* address, const char* port) {
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((unsigned short)atoi(port))};
  inet_pton(AF_INET, address, &to.sin_addr);
  const int listener = socket(AF_INET, SOCK_STREAM, 0);
  const int on = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(listener, (struct sockaddr*)&to, sizeof to) != 0 || listen(listener, 1024) != 0) fail("listen");
  pthread_attr_t detached;
  pthread_attr_init(&detached);
  pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
  pthread_attr_setstacksize(&detached, 64 * 1024);
  for (;;) {
    const int fd = accept(listener, NULL, NULL);
    if (fd < 0) continue;
    no_delay(fd);
    pthread_t thread;
    if (pthread_create(&thread, &detached, echo, (void*)(long)fd) != 0) close(fd);
  }
}

static struct addrinfo* find(const char* host, const char* port) {
  struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM};
  struct addrinfo* found = NULL;
  if (getaddrinfo(host, port, &hints, &found) != 0) fail("getaddrinfo");
  return found;
}

static int dial(const struct addrinfo* to) {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  if (fd < 0 || connect(fd, to->ai_addr, to->ai_addrlen) != 0) fail("connect");
  no_delay(fd);
  return fd;
}

static void round_trip(int fd, char* message, size_t bytes) {
  if (write(fd, message, bytes) != (ssize_t)bytes) fail("write");
  for (size_t got = 0; got < bytes;) {
    const ssize_t n = read(fd, message + got, bytes - got);
    if (n <= 0) fail("read");
    got += (size_t)n;
  }
}

static int by_value(const void* a, const void* b) {
  const float x = *(const float*)a;
  const float y = *(const float*)b;
  return (x > y) - (x < y);
}

static int pingpong(const char* host, const char* port, double seconds) {
  const int fd = dial(find(host, port));
  float* samples = malloc(kSamplesMax * sizeof *samples);
  char message[kMessage] = {1};
  for (int i = 0; i < 200; ++i) round_trip(fd, message, sizeof message);
  size_t count = 0;
  for (const double end = now() + seconds; count < kSamplesMax;) {
    const double began = now();
    if (began > end) break;
    round_trip(fd, message, sizeof message);
    samples[count++] = (float)((now() - began) * 1e6);
  }
  qsort(samples, count, sizeof *samples, by_value);
  printf("%.1f %.1f\n", samples[count / 2], samples[count * 99 / 100]);
  return 0;
}

static int connects(const char* host, const char* port, double seconds) {
  const struct addrinfo* to = find(host, port);
  const double began = now();
  size_t count = 0;
  char byte = 1;
  while (now() - began < seconds) {
    const int fd = dial(to);
    round_trip(fd, &byte, 1);
    close(fd);
    ++count;
  }
  printf("%.1f\n", (double)count / (now() - began));
  return 0;
}

int main(int argc, char** argv) {
  signal(SIGPIPE, SIG_IGN);
  if (argc == 4 && strcmp(argv[1], "serve") == 0) return serve(argv[2], argv[3]);
  if (argc == 5 && strcmp(argv[1], "pingpong") == 0) return pingpong(argv[2], argv[3], atof(argv[4]));
  if (argc == 5 && strcmp(argv[1], "connects") == 0) return connects(argv[2], argv[3], atof(argv[4]));
  fprintf(stderr, "usage: egress_client serve|pingpong|connects …\n");
  return 2;
}
