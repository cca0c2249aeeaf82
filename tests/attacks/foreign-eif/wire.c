// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "wire.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

void die(const char* what) {
  printf("fatal %s: %s\n", what, strerror(errno));
  exit(1);
}

void put(Buffer* into, const void* bytes, size_t size) {
  if (size > sizeof into->at - into->size) die("a message that does not fit");
  if (size != 0) memcpy(into->at + into->size, bytes, size);
  into->size += size;
}

void put_head(Buffer* into, int major, uint64_t number) {
  const int extra = number < 24 ? 0 : number < 0x100 ? 1 : number < 0x10000 ? 2 : number < 0x100000000 ? 4 : 8;
  const int code[] = {0, 24, 25, 0, 26, 0, 0, 0, 27};
  unsigned char first = (unsigned char)(major << 5 | (extra == 0 ? (int)number : code[extra]));
  put(into, &first, 1);
  for (int i = extra - 1; i >= 0; --i) {
    unsigned char byte = (unsigned char)(number >> 8 * i);
    put(into, &byte, 1);
  }
}

void put_uint(Buffer* into, uint64_t value) { put_head(into, 0, value); }

void put_int(Buffer* into, int64_t value) {
  put_head(into, value < 0 ? 1 : 0, value < 0 ? (uint64_t)(-1 - value) : (uint64_t)value);
}

void put_bytes(Buffer* into, const void* bytes, size_t size) {
  put_head(into, 2, size);
  put(into, bytes, size);
}

void put_text(Buffer* into, const char* text) {
  put_head(into, 3, strlen(text));
  put(into, text, strlen(text));
}

void put_field(Buffer* into, const void* bytes, size_t size) {
  const unsigned char length[] = {(unsigned char)(size >> 8), (unsigned char)size};
  put(into, length, 2);
  put(into, bytes, size);
}

void begin_frame(Buffer* into, uint64_t type, uint64_t version, uint64_t pairs) {
  into->size = 0;
  put(into, "\0\0\0\0", 4);
  put_head(into, 4, 3);
  put_uint(into, type);
  put_uint(into, version);
  put_head(into, 5, pairs);
}

void end_frame(Buffer* into) {
  const size_t length = into->size - 4;
  for (int i = 0; i < 4; ++i) into->at[i] = (unsigned char)(length >> (24 - 8 * i));
}

int read_head(Cursor* from, int* major, uint64_t* number) {
  if (from->at == from->end) return 0;
  const int first = *from->at++;
  *major = first >> 5;
  *number = (uint64_t)(first & 31);
  if (*number < 24) return 1;
  if (*number > 27) return 0;
  const int extra = 1 << (*number - 24);
  if (from->end - from->at < extra) return 0;
  *number = 0;
  for (int i = 0; i < extra; ++i) *number = *number << 8 | *from->at++;
  return 1;
}

int expect(Cursor* from, int major, uint64_t* number) {
  int got = 0;
  return read_head(from, &got, number) && got == major;
}

int read_string(Cursor* from, int major, const unsigned char** bytes, size_t* size) {
  uint64_t length = 0;
  if (!expect(from, major, &length) || length > (uint64_t)(from->end - from->at)) return 0;
  *bytes = from->at;
  *size = (size_t)length;
  from->at += length;
  return 1;
}

int dial(unsigned port) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  snprintf(address.sun_path, sizeof address.sun_path, "/cage/v/v_%u", port);
  const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  if (fd >= 0 && connect(fd, (struct sockaddr*)&address, sizeof address) == 0) return fd;
  if (fd >= 0) close(fd);
  return -1;
}

int send_all(int fd, const void* bytes, size_t size) {
  const unsigned char* at = bytes;
  while (size != 0) {
    const ssize_t n = send(fd, at, size, MSG_NOSIGNAL);
    if (n <= 0) return 0;
    at += n;
    size -= (size_t)n;
  }
  return 1;
}

static int receive_exactly(int fd, unsigned char* into, size_t size, int seconds) {
  while (size != 0) {
    struct pollfd waiting = {fd, POLLIN, 0};
    if (poll(&waiting, 1, seconds * 1000) == 0) return -1;
    const ssize_t n = recv(fd, into, size, 0);
    if (n <= 0) return 0;
    into += n;
    size -= (size_t)n;
  }
  return 1;
}

int receive_frame(int fd, Buffer* whole, Cursor* body, int seconds) {
  unsigned char length[4];
  int got = receive_exactly(fd, length, 4, seconds);
  if (got <= 0) return got;
  whole->size = (size_t)length[0] << 24 | (size_t)length[1] << 16 | (size_t)length[2] << 8 | length[3];
  if (whole->size > 65536) die("a frame that is too long");
  got = receive_exactly(fd, whole->at, whole->size, seconds);
  if (got <= 0) return got;
  *body = (Cursor){whole->at, whole->at + whole->size};
  uint64_t items = 0, type = 0, version = 0;
  if (!expect(body, 4, &items) || items != 3 || !expect(body, 0, &type) || !expect(body, 0, &version) || version != 1) {
    die("a frame of another form");
  }
  return (int)type;
}
