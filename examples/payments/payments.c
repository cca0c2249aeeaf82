// SPDX-License-Identifier: Apache-2.0
// A small payments service: the example that `./run demo` puts into a cage. HTTP/1.1 over plain TCP on one port; TLS is the cage's
// business. No library but libc, no allocation after start, every buffer bounded.
//
//   POST /v1/charges   {"card":"4242 4242 4242 4242","amount":1250,"currency":"eur"}
//                      → 201 {"id":"ch_…","token":"tok_…","card":"************4242","amount":1250,"currency":"eur"}
//   GET  /v1/charges/ID
//   GET  /healthz
//
// The card number is used for Luhn's check and then wiped: what stays is a random token and the last four digits.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
  kPort = 8080,
  kConnectionsMax = 64,
  kHeadBytesMax = 8192,
  kBodyBytesMax = 2048,
  kAnswerBytesMax = 1024,
  kChargesMax = 4096,
  kIdleMs = 30000,
  kRequestMs = 10000,
  kDigitsMin = 12,
  kDigitsMax = 19,
};

struct charge {
  char id[20];     // "ch_" and 16 hexadecimal digits
  char token[40];  // "tok_" and 32
  char card[kDigitsMax + 1];
  int64_t amount;
  char currency[4];
};

// A ring: the oldest charge makes room for the newest.
static struct charge charges[kChargesMax];
static size_t charges_made;
static pthread_mutex_t charges_lock = PTHREAD_MUTEX_INITIALIZER;
static int connections;
static pthread_mutex_t connections_lock = PTHREAD_MUTEX_INITIALIZER;

struct request {
  char method[8];
  char path[128];
  char body[kBodyBytesMax + 1];
  size_t body_bytes;
  bool keep_alive;
};

struct connection {
  int fd;
  char in[kHeadBytesMax + kBodyBytesMax];
  size_t in_bytes;
};

static int64_t now_ms(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static bool fill_hex(char *out, size_t bytes) {
  unsigned char raw[16];
  if (bytes > sizeof raw || getrandom(raw, bytes, 0) != (ssize_t)bytes) return false;
  for (size_t i = 0; i < bytes; ++i) snprintf(out + 2 * i, 3, "%02x", raw[i]);
  return true;
}

// Reads the string member `name` of a flat JSON object into `out`; escapes are not needed here and are refused.
static bool json_text(const char *json, const char *name, char *out, size_t out_bytes) {
  char key[32];
  snprintf(key, sizeof key, "\"%s\"", name);
  const char *at = strstr(json, key);
  if (at == NULL) return false;
  at += strlen(key);
  at += strspn(at, " \t\r\n");
  if (*at++ != ':') return false;
  at += strspn(at, " \t\r\n");
  if (*at++ != '"') return false;
  const size_t length = strcspn(at, "\"\\");
  if (at[length] != '"' || length >= out_bytes) return false;
  memcpy(out, at, length);
  out[length] = '\0';
  return true;
}

static bool json_number(const char *json, const char *name, int64_t *out) {
  char key[32];
  snprintf(key, sizeof key, "\"%s\"", name);
  const char *at = strstr(json, key);
  if (at == NULL) return false;
  at += strlen(key);
  at += strspn(at, " \t\r\n");
  if (*at++ != ':') return false;
  at += strspn(at, " \t\r\n");
  if (!isdigit((unsigned char)*at)) return false;
  char *end;
  errno = 0;
  *out = strtoll(at, &end, 10);
  return errno == 0 && (*end == ',' || *end == '}' || isspace((unsigned char)*end));
}

// Keeps the digits of a card number, in place; false where anything but spaces and dashes lies between them.
static bool only_digits(char *card) {
  size_t n = 0;
  for (const char *c = card; *c != '\0'; ++c) {
    if (isdigit((unsigned char)*c)) {
      card[n++] = *c;
    } else if (*c != ' ' && *c != '-') {
      return false;
    }
  }
  card[n] = '\0';
  return n >= kDigitsMin && n <= kDigitsMax;
}

static bool luhn(const char *digits) {
  unsigned sum = 0;
  const size_t n = strlen(digits);
  for (size_t i = 0; i < n; ++i) {
    unsigned digit = (unsigned)(digits[n - 1 - i] - '0');
    if (i % 2 == 1) digit = digit < 5 ? 2 * digit : 2 * digit - 9;
    sum += digit;
  }
  return sum % 10 == 0;
}

static int refuse(char *answer, int status, const char *why) {
  snprintf(answer, kAnswerBytesMax, "{\"error\":\"%s\"}\n", why);
  return status;
}

static int write_charge(char *answer, const struct charge *c, int status) {
  snprintf(answer, kAnswerBytesMax, "{\"id\":\"%s\",\"token\":\"%s\",\"card\":\"%s\",\"amount\":%lld,\"currency\":\"%s\"}\n", c->id,
           c->token, c->card, (long long)c->amount, c->currency);
  return status;
}

static int make_charge(struct request *r, char *answer) {
  char card[64] = "";
  struct charge c = {0};
  const bool read = json_text(r->body, "card", card, sizeof card) && json_number(r->body, "amount", &c.amount) &&
                    json_text(r->body, "currency", c.currency, sizeof c.currency);
  explicit_bzero(r->body, sizeof r->body);
  const bool good = read && only_digits(card) && luhn(card);
  if (good) {
    const size_t n = strlen(card);
    memset(c.card, '*', n);
    memcpy(c.card + n - 4, card + n - 4, 4);
  }
  explicit_bzero(card, sizeof card);
  if (!read) return refuse(answer, 400, "card, amount and currency are needed");
  if (!good) return refuse(answer, 422, "not a card number");
  for (const char *p = c.currency; *p != '\0'; ++p) {
    if (!islower((unsigned char)*p)) return refuse(answer, 422, "not a currency");
  }
  if (strlen(c.currency) != 3) return refuse(answer, 422, "not a currency");
  if (c.amount < 1 || c.amount > 99999999) return refuse(answer, 422, "amount out of range");
  memcpy(c.id, "ch_", 3);
  memcpy(c.token, "tok_", 4);
  if (!fill_hex(c.id + 3, 8) || !fill_hex(c.token + 4, 16)) return refuse(answer, 500, "no randomness");
  pthread_mutex_lock(&charges_lock);
  charges[charges_made++ % kChargesMax] = c;
  pthread_mutex_unlock(&charges_lock);
  return write_charge(answer, &c, 201);
}

static int get_charge(const char *id, char *answer) {
  struct charge found = {0};
  pthread_mutex_lock(&charges_lock);
  const size_t held = charges_made < kChargesMax ? charges_made : kChargesMax;
  for (size_t i = 0; i < held; ++i) {
    if (strcmp(charges[i].id, id) == 0) found = charges[i];
  }
  pthread_mutex_unlock(&charges_lock);
  if (found.id[0] == '\0') return refuse(answer, 404, "no such charge");
  return write_charge(answer, &found, 200);
}

static int handle(struct request *r, char *answer) {
  static const char prefix[] = "/v1/charges/";
  const bool get = strcmp(r->method, "GET") == 0;
  if (strcmp(r->path, "/healthz") == 0) {
    snprintf(answer, kAnswerBytesMax, "{\"status\":\"ok\"}\n");
    return get ? 200 : refuse(answer, 405, "GET");
  }
  if (strcmp(r->path, "/v1/charges") == 0) {
    return strcmp(r->method, "POST") == 0 ? make_charge(r, answer) : refuse(answer, 405, "POST");
  }
  if (strncmp(r->path, prefix, sizeof prefix - 1) == 0) {
    return get ? get_charge(r->path + sizeof prefix - 1, answer) : refuse(answer, 405, "GET");
  }
  return refuse(answer, 404, "not found");
}

static const char *reason(int status) {
  switch (status) {
    case 200: return "OK";
    case 201: return "Created";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 422: return "Unprocessable Content";
    case 500: return "Internal Server Error";
    default: return "Bad Request";
  }
}

static bool send_all(int fd, const char *bytes, size_t length) {
  while (length > 0) {
    const ssize_t n = send(fd, bytes, length, MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    bytes += n;
    length -= (size_t)n;
  }
  return true;
}

static bool answer_request(int fd, int status, const char *body, bool keep_alive) {
  char out[kAnswerBytesMax + 256];
  const int n = snprintf(out, sizeof out,
                         "HTTP/1.1 %d %s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\nConnection: %s\r\n\r\n%s", status,
                         reason(status), strlen(body), keep_alive ? "keep-alive" : "close", body);
  return n > 0 && send_all(fd, out, (size_t)n);
}

// Waits for more bytes until `deadline`; false at the end, on an error, or when time is up.
static bool receive(struct connection *c, int64_t deadline) {
  if (c->in_bytes == sizeof c->in) return false;
  const int64_t left = deadline - now_ms();
  struct pollfd wait = {.fd = c->fd, .events = POLLIN};
  if (left <= 0 || poll(&wait, 1, (int)left) <= 0) return false;
  const ssize_t n = recv(c->fd, c->in + c->in_bytes, sizeof c->in - c->in_bytes, 0);
  if (n <= 0) return false;
  c->in_bytes += (size_t)n;
  return true;
}

// Reads the header fields that matter: Content-Length (once, decimal), Connection; Transfer-Encoding is refused.
static bool read_fields(char *fields, struct request *r) {
  bool has_length = false;
  for (char *line = fields, *end; (end = strstr(line, "\r\n")) != NULL; line = end + 2) {
    *end = '\0';
    if (strncasecmp(line, "Transfer-Encoding:", 18) == 0) return false;
    if (strncasecmp(line, "Connection:", 11) == 0 && strcasestr(line, "close") != NULL) r->keep_alive = false;
    if (strncasecmp(line, "Content-Length:", 15) != 0) continue;
    const char *digits = line + 15 + strspn(line + 15, " \t");
    if (has_length || !isdigit((unsigned char)*digits) || strlen(digits) > 6 || digits[strspn(digits, "0123456789")] != '\0') return false;
    r->body_bytes = (size_t)strtoul(digits, NULL, 10);
    has_length = true;
  }
  return true;
}

// 1: a request; 0: the connection is over; -1: it is no request that we take.
static int read_request(struct connection *c, struct request *r) {
  memset(r, 0, sizeof *r);
  char *end;
  int64_t deadline = now_ms() + kIdleMs;
  while ((end = memmem(c->in, c->in_bytes, "\r\n\r\n", 4)) == NULL) {
    if (c->in_bytes > kHeadBytesMax) return -1;
    const bool first = c->in_bytes == 0;
    if (!receive(c, deadline)) return first ? 0 : -1;
    if (first) deadline = now_ms() + kRequestMs;
  }
  const size_t head = (size_t)(end - c->in) + 4;
  char text[kHeadBytesMax + 4];
  if (head > kHeadBytesMax || memchr(c->in, '\0', head) != NULL) return -1;
  memcpy(text, c->in, head - 2);
  text[head - 2] = '\0';
  int used = 0;
  char version[10];
  if (sscanf(text, "%7[A-Z] %127[!-~] %9[!-~]%n", r->method, r->path, version, &used) != 3 || strncmp(text + used, "\r\n", 2) != 0 ||
      strcmp(version, "HTTP/1.1") != 0) {
    return -1;
  }
  r->keep_alive = true;
  if (!read_fields(text + used + 2, r) || r->body_bytes > kBodyBytesMax) return -1;
  while (c->in_bytes < head + r->body_bytes) {
    if (!receive(c, deadline)) return -1;
  }
  memcpy(r->body, c->in + head, r->body_bytes);
  c->in_bytes -= head + r->body_bytes;
  memmove(c->in, c->in + head + r->body_bytes, c->in_bytes);
  // The card number that was moved over is wiped too.
  explicit_bzero(c->in + c->in_bytes, sizeof c->in - c->in_bytes);
  return strlen(r->body) == r->body_bytes ? 1 : -1;
}

static void *serve(void *argument) {
  struct connection *c = argument;
  struct request r;
  char answer[kAnswerBytesMax];
  for (;;) {
    const int got = read_request(c, &r);
    if (got == 0) break;
    const int status = got < 0 ? refuse(answer, 400, "not a request") : handle(&r, answer);
    const bool keep_alive = got > 0 && r.keep_alive;
    if (got > 0) printf("%s %s %d\n", r.method, r.path, status);
    if (!answer_request(c->fd, status, answer, keep_alive) || !keep_alive) break;
  }
  close(c->fd);
  free(c);
  pthread_mutex_lock(&connections_lock);
  --connections;
  pthread_mutex_unlock(&connections_lock);
  return NULL;
}

static bool may_serve(void) {
  pthread_mutex_lock(&connections_lock);
  const bool may = connections < kConnectionsMax;
  if (may) ++connections;
  pthread_mutex_unlock(&connections_lock);
  return may;
}

static void start_connection(int fd) {
  struct connection *c = may_serve() ? calloc(1, sizeof *c) : NULL;
  pthread_t thread;
  if (c == NULL) {
    close(fd);
    return;
  }
  c->fd = fd;
  if (pthread_create(&thread, NULL, serve, c) == 0) {
    pthread_detach(thread);
    return;
  }
  close(fd);
  free(c);
  pthread_mutex_lock(&connections_lock);
  --connections;
  pthread_mutex_unlock(&connections_lock);
}

static void stop(int signal_number) {
  (void)signal_number;
  _exit(0);
}

int main(void) {
  setvbuf(stdout, NULL, _IOLBF, 0);
  signal(SIGTERM, stop);
  signal(SIGINT, stop);
  const char *setting = getenv("PORT");
  const int port = setting != NULL ? atoi(setting) : kPort;
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int yes = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_ANY)};
  if (listener < 0 || bind(listener, (struct sockaddr *)&address, sizeof address) != 0 || listen(listener, 64) != 0) {
    perror("payments");
    return 1;
  }
  printf("payments: listening on port %d\n", port);
  for (;;) {
    const int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    if (fd >= 0) start_connection(fd);
  }
}
