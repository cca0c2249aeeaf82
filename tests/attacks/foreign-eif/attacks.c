// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "attacks.h"

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { kJournal = 1, kHealth = 2, kLog = 3, kMetrics = 4, kTokenRequest = 5, kClockHint = 16, kToken = 17, kTokenRefused = 18 };
enum { kPatience = 3 };

static Buffer frame;

// What comes back on `fd`, clock hints apart: "closed", "silent" or the type of what is answered.
static const char* reaction(int fd) {
  static Buffer answer;
  static char text[32];
  Cursor body;
  int type;
  do type = receive_frame(fd, &answer, &body, kPatience);
  while (type == kClockHint);
  if (type == 0) return "closed";
  if (type < 0) return "silent";
  snprintf(text, sizeof text, "answered-%d", type);
  return text;
}

// Sends what `frame` holds on a stream of its own.
static void hurl(unsigned port, const char* name) {
  const int fd = dial(port);
  if (fd < 0) {
    printf("attack %u.%s no-port\n", port, name);
    return;
  }
  send_all(fd, frame.at, frame.size);
  printf("attack %u.%s %s\n", port, name, reaction(fd));
  close(fd);
}

static void raw(const void* bytes, size_t size) {
  frame.size = 0;
  put(&frame, "\0\0\0\0", 4);
  put(&frame, bytes, size);
  end_frame(&frame);
}

static void journal(const char* stage, const char* code, size_t detail) {
  static char text[2048];
  memset(text, 'd', detail);
  text[detail] = 0;
  begin_frame(&frame, kJournal, 1, detail ? 4 : 3);
  put_uint(&frame, 1);
  put_text(&frame, stage);
  put_uint(&frame, 2);
  put_uint(&frame, 1);
  put_uint(&frame, 3);
  put_text(&frame, code);
  if (detail) {
    put_uint(&frame, 4);
    put_text(&frame, text);
  }
  end_frame(&frame);
}

static void log_line(uint64_t stream, const void* text, size_t size) {
  begin_frame(&frame, kLog, 1, 3);
  put_uint(&frame, 1);
  put_uint(&frame, stream);
  put_uint(&frame, 2);
  put_uint(&frame, 1);
  put_uint(&frame, 3);
  put_bytes(&frame, text, size);
  end_frame(&frame);
}

static void metrics(unsigned first, unsigned count, const char* form) {
  char name[128];
  begin_frame(&frame, kMetrics, 1, 2);
  put_uint(&frame, 1);
  put_uint(&frame, 1);
  put_uint(&frame, 2);
  put_head(&frame, 4, count);
  for (unsigned i = 0; i < count; ++i) {
    snprintf(name, sizeof name, form, first + i);
    put_head(&frame, 4, 2);
    put_text(&frame, name);
    put_int(&frame, -(int64_t)i);
  }
  end_frame(&frame);
}

static void one_uint(uint64_t type, uint64_t version, uint64_t key, uint64_t value) {
  begin_frame(&frame, type, version, 1);
  put_uint(&frame, key);
  put_uint(&frame, value);
  end_frame(&frame);
}

static void attack_frames(void) {
  static unsigned char many[70000];
  frame.size = 0;
  put(&frame, "\0\0\0\0", 4);
  hurl(7001, "length-0");
  frame.size = 0;
  put(&frame, "\0\1\0\1", 4);
  put(&frame, many, 65537);
  hurl(7001, "length-65537");
  frame.size = 0;
  put(&frame, "\xff\xff\xff\xff", 4);
  put(&frame, many, sizeof many);
  hurl(7001, "length-4g");
  raw("\xa0", 1);
  hurl(7001, "a-map");
  raw("\x83\x18\x05\x01\xa1\x01\x01", 7);
  hurl(7001, "number-longer-than-needed");
  raw("\x9f\x05\x01\xa1\x01\x01\xff", 7);
  hurl(7001, "indefinite-array");
  raw("\x83\x05\x01\xa1\x01\x01\x00", 7);
  hurl(7001, "bytes-after-the-end");
  raw("\x83\x05\x01\xa2\x01\x01\x01\x01", 8);
  hurl(7001, "key-twice");
  raw("\x83\x05\x01\xa1\x02\x01", 6);
  hurl(7001, "unknown-key");
  raw("\x83\x05\x01\xa0", 4);
  hurl(7001, "missing-key");
  memset(many, 0x81, 60000);
  raw(many, 60000);
  hurl(7001, "nested-60000-deep");
  one_uint(kTokenRequest, 2, 1, 1);
  hurl(7001, "version-2");
}

void attack_control(void) {
  static char text[5000];
  attack_frames();
  for (unsigned type = 0; type < 80; ++type) {
    char name[32];
    if (type >= kJournal && type <= kTokenRequest) continue;
    one_uint(type, 1, 1, 1);
    snprintf(name, sizeof name, "type-%u", type);
    // Every message of every other port: the host's own, life cycle, provisioning, host link.
    if (type < 6 || (type > 15 && type < 19) || (type > 31 && type < 35) || (type > 47 && type < 51) || type > 63) hurl(7001, name);
  }
  journal("token\x1b[2J", "ok", 0);
  hurl(7001, "stage-with-an-escape");
  journal("token", "ok\nforged", 0);
  hurl(7001, "code-with-a-line");
  journal("token", "ok", 513);
  hurl(7001, "detail-too-long");
  one_uint(kHealth, 1, 1, 99);
  hurl(7001, "state-99");
  log_line(9, "x", 1);
  hurl(7001, "stream-9");
  memset(text, 'x', sizeof text);
  log_line(1, text, 4097);
  hurl(7001, "line-too-long");
  metrics(0, 65, "m%u");
  hurl(7001, "metrics-65");
  metrics(0, 1, "x{deployment=\"other\"} %u\nforged");
  hurl(7001, "metric-with-labels");
  metrics(0, 1, "\x1b]0;title%u");
  hurl(7001, "metric-with-an-escape");
}

void attack_floods(void) {
  static const char escapes[] =
      "\x1b[2J\x1b]0;owned\x07\x9b\x33\x31m\r\b\xc2\x9b" "31m\xff\x00 text\" enclave=ffffffffffffffff code=\"ok\n2026-01-01 cage-host info forged";
  static Buffer answer;
  Cursor body;
  int fd = dial(7001);
  for (unsigned i = 0; i < 4000 && fd >= 0; ++i) {
    log_line(1 + i % 3, escapes, sizeof escapes - 1);
    if (!send_all(fd, frame.at, frame.size)) break;
  }
  printf("attack flood.lines %s\n", reaction(fd));
  for (unsigned i = 0; i < 2000; ++i) {
    journal("driver.check", "UNTRUSTED_ROOT", 500);
    if (!send_all(fd, frame.at, frame.size)) break;
  }
  printf("attack flood.journal %s\n", reaction(fd));
  for (unsigned i = 0; i < 2000; ++i) {
    metrics(64 * i, 64, "flood_%u");
    if (!send_all(fd, frame.at, frame.size)) break;
  }
  printf("attack flood.metrics %s\n", reaction(fd));
  for (unsigned i = 0; i < 2000; ++i) {
    one_uint(kHealth, 1, 1, 3);
    put_uint(&frame, 2);
    put_uint(&frame, i);
    frame.at[7] = 0xa2;  // two pairs
    end_frame(&frame);
    if (!send_all(fd, frame.at, frame.size)) break;
  }
  printf("attack flood.health %s\n", reaction(fd));
  unsigned tokens = 0, refused = 0;
  for (unsigned i = 0; i < 60; ++i) {
    one_uint(kTokenRequest, 1, 1, i);
    if (!send_all(fd, frame.at, frame.size)) break;
    int type;
    do type = receive_frame(fd, &answer, &body, 20);
    while (type == kClockHint);
    tokens += type == kToken;
    refused += type == kTokenRefused;
  }
  printf("attack flood.tokens got-%u-refused-%u\n", tokens, refused);
  // Asked for and never read: the stream's buffers fill, then the host gives up.
  for (unsigned i = 0; i < 200000; ++i) {
    one_uint(kTokenRequest, 1, 1, i);
    if (send(fd, frame.at, frame.size, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 && errno != EAGAIN) break;
    if (errno == EAGAIN) {
      struct pollfd waiting = {fd, POLLOUT, 0};
      if (poll(&waiting, 1, 20000) == 0) break;
      errno = 0;
    }
  }
  printf("attack flood.unread done\n");
  close(fd);
  int streams[64];
  for (int i = 0; i < 64; ++i) streams[i] = dial(i % 2 ? 7001 : 7002);
  sleep(2);
  for (int i = 0; i < 64; ++i) {
    if (streams[i] >= 0) close(streams[i]);
  }
  printf("attack flood.streams done\n");
}

static void try_provision(const Booty* booty, const char* name, Try what) {
  static Grant grant;
  printf("attack provision.%s %s\n", name, provision(booty->keys, &what, booty->root_hash, &grant));
}

// The token's claims with another deployment's id; its signature stays.
static void rewrite_deployment(const char* token, const char* deployment, char* into, size_t room) {
  char payload[512] = {0};
  char* at;
  const char* first = strchr(token, '.');
  const char* last = strrchr(token, '.');
  unbase64url(first + 1, (size_t)(last - first - 1), (unsigned char*)payload);
  at = strstr(payload, "\"dep\":\"");
  memcpy(at + 7, deployment, 22);
  unsigned char encoded[1024];
  EVP_EncodeBlock(encoded, (unsigned char*)payload, (int)strlen(payload));
  for (char* c = (char*)encoded; *c; ++c) *c = *c == '+' ? '-' : *c == '/' ? '_' : *c == '=' ? 0 : *c;
  snprintf(into, room, "%.*s.%s%s", (int)(first - token), token, (char*)encoded, last);
}

static void attack_tokens(const Booty* booty) {
  char token[1024];
  try_provision(booty, "token-again", (Try){.token = booty->used_token});
  try_provision(booty, "document-again", (Try){.token = booty->used_token, .document = booty->used_document});
  rewrite_deployment(booty->used_token, booty->other_deployment, token, sizeof token);
  try_provision(booty, "another-deployment", (Try){.token = token});
  // {"alg":"none","typ":"cage+jwt","kid":"00000000"}
  snprintf(token, sizeof token, "eyJhbGciOiJub25lIiwidHlwIjoiY2FnZStqd3QiLCJraWQiOiIwMDAwMDAwMCJ9%s", strchr(booty->used_token, '.'));
  try_provision(booty, "alg-none", (Try){.token = token});
  try_provision(booty, "no-token", (Try){.token = ""});
  memset(token, 'x', 500);
  token[500] = 0;
  memcpy(token, "ey", 2);  // what is none of a token is refused before its length
  try_provision(booty, "token-too-long", (Try){.token = token});
  try_provision(booty, "nonce-of-another-session", (Try){.token = booty->new_token(), .nonce_of_another = 1});
  EVP_PKEY* other = new_p256();
  try_provision(booty, "request-for-another-key", (Try){.token = booty->new_token(), .other_ca = other});
  EVP_PKEY_free(other);
}

static void attack_provisioner_frames(const Booty* booty) {
  static Buffer bytes;
  static unsigned char many[65536];
  Try what = {.raw = &bytes};
  for (unsigned type = 1; type < 75; ++type) {
    if (type == 48 || (type > 5 && type < 16) || (type > 18 && type < 32) || (type > 34 && type < 48) || (type > 50 && type < 64)) continue;
    char name[32];
    one_uint(type, 1, 1, 1);
    bytes = frame;
    snprintf(name, sizeof name, "type-%u", type);
    if (type % 8 == 1 || type == 49 || type == 50) try_provision(booty, name, what);
  }
  one_uint(48, 2, 1, 1);
  bytes = frame;
  try_provision(booty, "version-2", what);
  begin_frame(&bytes, 48, 1, 2);
  put_uint(&bytes, 1);
  put_bytes(&bytes, many, 33000);
  put_uint(&bytes, 2);
  put_bytes(&bytes, many, 100);
  end_frame(&bytes);
  try_provision(booty, "document-too-long", what);
  bytes.size = 0;
  put(&bytes, "\xff\xff\xff\xff", 4);
  put(&bytes, many, 16000);
  try_provision(booty, "length-4g", what);
  try_provision(booty, "tls-1.2", (Try){.token = "", .old_tls = 1});
}

void attack_provisioner(const Booty* booty) {
  static Grant grant;
  attack_tokens(booty);
  Try names = {.token = booty->new_token(), .asked_names = booty->other_name};
  printf("attack provision.asks-for-anothers-name %s\n", provision(booty->keys, &names, booty->root_hash, &grant));
  if (grant.intermediate) {
    BIO* text = BIO_new(BIO_s_mem());
    char* at = NULL;
    X509_print_ex(text, grant.intermediate, 0, X509_FLAG_NO_PUBKEY | X509_FLAG_NO_SIGDUMP);
    const long size = BIO_get_mem_data(text, &at);
    printf("attack provision.name-of-another %s\n", memmem(at, (size_t)size, booty->other_name, strlen(booty->other_name)) ? "GRANTED" : "left-out");
    BIO_free(text);
  }
  try_provision(booty, "two-hellos", (Try){.token = booty->new_token(), .hellos = 2});
  attack_provisioner_frames(booty);
  one_uint(48, 1, 1, 1);
  hurl(7002, "no-tls");
}

void attack_ports(void) {
  for (const unsigned* port = (const unsigned[]){7003, 7004, 7005, 7010, 7011, 8443, 8444, 8445, 443, 22, 0}; *port; ++port) {
    const int fd = dial(*port);
    printf("attack port-%u %s\n", *port, fd < 0 ? "no-port" : "OPEN");
    if (fd >= 0) close(fd);
  }
  frame.size = 0;
  put(&frame, "\xb8", 1);
  hurl(9000, "wrong-byte");
  DIR* folder = opendir("/cage/v");
  struct dirent* entry;
  while (folder && (entry = readdir(folder))) {
    if (entry->d_name[0] != '.') printf("socket %s\n", entry->d_name);
  }
  if (folder) closedir(folder);
}
