// SPDX-License-Identifier: Apache-2.0
// Process 1 of an image that `cage` did not make: speaks docs/protocol.md, gets what is its own, serves it with evidence, then
// tries what it may not. What it finds stands on its console, one "fact", "attack" or "socket" a line. Files of the image:
// /platform (48 bytes: the platform root's hash), /self and /other (host names; empty: not known yet), /other-deployment.
#define _GNU_SOURCE
#include <openssl/x509v3.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "attacks.h"

static int control = -1;
static uint64_t asked = 0;

static void read_whole(const char* path, char* into, size_t room) {
  FILE* file = fopen(path, "r");
  const size_t n = file ? fread(into, 1, room - 1, file) : 0;
  into[n] = 0;
  if (file) fclose(file);
}

static void tell(const char* stage) {
  static Buffer frame;
  begin_frame(&frame, 1, 1, 3);
  put_uint(&frame, 1);
  put_text(&frame, stage);
  put_uint(&frame, 2);
  put_uint(&frame, 1);
  put_uint(&frame, 3);
  put_text(&frame, "ok");
  end_frame(&frame);
  send_all(control, frame.at, frame.size);
}

static void tell_state(uint64_t state) {
  static Buffer frame;
  begin_frame(&frame, 2, 1, 2);
  put_uint(&frame, 1);
  put_uint(&frame, state);
  put_uint(&frame, 2);
  put_uint(&frame, 1);
  end_frame(&frame);
  send_all(control, frame.at, frame.size);
}

static const char* new_token(void) {
  static Buffer frame;
  static char tokens[8][512];
  char* token = tokens[asked % 8];
  Cursor body;
  uint64_t n = 0;
  const unsigned char* text = NULL;
  size_t size = 0;
  begin_frame(&frame, 5, 1, 1);
  put_uint(&frame, 1);
  put_uint(&frame, ++asked);
  end_frame(&frame);
  send_all(control, frame.at, frame.size);
  int type;
  do type = receive_frame(control, &frame, &body, 30);
  while (type == 16);
  if (type != 17 || !expect(&body, 5, &n) || !expect(&body, 0, &n) || !expect(&body, 0, &n) || n != asked || !expect(&body, 0, &n) ||
      !read_string(&body, 3, &text, &size) || size > 480) {
    printf("fact token refused-%d\n", type);
    return "";
  }
  snprintf(token, sizeof tokens[0], "%.*s", (int)size, (const char*)text);
  return token;
}

static void show(const char* name, const unsigned char* bytes, size_t size) {
  for (size_t i = 0; i < size; i += 200) {
    printf("fact %s ", name);
    for (size_t j = i; j < size && j < i + 200; ++j) printf("%02x", bytes[j]);
    printf("\n");
  }
}

static void show_certificate(const char* name, X509* certificate) {
  unsigned char der[8192], *at = der;
  show(name, der, (size_t)i2d_X509(certificate, &at));
}

static void show_grant(const Keys* keys, Grant* grant) {
  Cursor from = {grant->secrets.at, grant->secrets.at + grant->secrets.size};
  uint64_t n = 0, count = 0;
  const unsigned char *name = NULL, *value = NULL;
  size_t name_size = 0, size = 0;
  show_certificate("intermediate", grant->intermediate);
  printf("fact own-key %d\n", EVP_PKEY_eq(X509_get0_pubkey(grant->intermediate), keys->ca));
  if (!expect(&from, 5, &n) || !expect(&from, 0, &n) || !expect(&from, 4, &count)) die("secrets");
  printf("fact secrets %d\n", (int)count);
  for (uint64_t i = 0; i < count; ++i) {
    if (!expect(&from, 4, &n) || !read_string(&from, 3, &name, &name_size) || !read_string(&from, 2, &value, &size)) die("secret");
    unsigned char digest[32];
    EVP_Digest(value, size, digest, NULL, EVP_sha256(), NULL);
    printf("fact secret.%.*s ", (int)name_size, (const char*)name);
    for (int j = 0; j < 32; ++j) printf("%02x", digest[j]);
    printf("\n");
  }
}

// The answer to POST /.well-known/cage/session: S signs what this session is.
static void answer_session(SSL* ssl, const Keys* keys, const Buffer* document, const char* host, const char* id, const unsigned char* nonce) {
  static Buffer t, body;
  unsigned char exporter[32], digest[48], spki_digest[48], document_digest[48], der[80], raw[64];
  size_t size = sizeof der;
  SSL_export_keying_material(ssl, exporter, 32, "EXPERIMENTAL-cage-session/1", 27, nonce, 32, 1);
  body.size = t.size = 0;
  spki_of(&body, keys->tls);
  EVP_Digest(body.at, body.size, spki_digest, NULL, EVP_sha384(), NULL);
  EVP_Digest(document->at, document->size, document_digest, NULL, EVP_sha384(), NULL);
  put_field(&t, "cage-session/1", 14);
  put_field(&t, "server", 6);
  put_field(&t, host, strlen(host));
  put_field(&t, id, strlen(id));
  put_field(&t, nonce, 32);
  put_field(&t, exporter, 32);
  put_field(&t, spki_digest, 48);
  EVP_Digest(t.at, t.size, digest, NULL, EVP_sha384(), NULL);
  t.size = 0;
  put_field(&t, "cage-sig/1", 10);
  put_field(&t, digest, 48);
  put_field(&t, document_digest, 48);
  EVP_MD_CTX* sign = EVP_MD_CTX_new();
  if (EVP_DigestSignInit(sign, NULL, EVP_sha256(), NULL, keys->session) != 1 || EVP_DigestSign(sign, der, &size, t.at, t.size) != 1) die("sign");
  EVP_MD_CTX_free(sign);
  const unsigned char* at = der;
  ECDSA_SIG* signature = d2i_ECDSA_SIG(NULL, &at, (long)size);
  BN_bn2binpad(ECDSA_SIG_get0_r(signature), raw, 32);
  BN_bn2binpad(ECDSA_SIG_get0_s(signature), raw + 32, 32);
  ECDSA_SIG_free(signature);
  body.size = 0;
  put_head(&body, 5, 2);
  put_uint(&body, 1);
  put_bytes(&body, raw, 64);
  put_uint(&body, 2);
  put_bytes(&body, document_digest, 48);
  char head[200];
  snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\nContent-Type: application/cbor\r\nContent-Length: %zu\r\n\r\n", body.size);
  SSL_write(ssl, head, (int)strlen(head));
  SSL_write(ssl, body.at, (int)body.size);
}

static void converse(SSL* ssl, const Keys* keys, const Buffer* document, const char* id) {
  static const char page[] = "HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nforeign\n";
  static char request[8192];
  int size = 0;
  for (;;) {
    const int n = SSL_read(ssl, request + size, (int)sizeof request - 1 - size);
    if (n <= 0) return;
    size += n;
    request[size] = 0;
    char* end = strstr(request, "\r\n\r\n");
    if (!end) continue;
    if (strncmp(request, "POST /.well-known/cage/session ", 31) != 0) {
      SSL_write(ssl, page, (int)sizeof page - 1);
    } else {
      // {1: 32 bytes, 2: bool} is 39 bytes: a2 01 58 20 … 02 f4
      if (request + size - (end + 4) < 38) continue;
      const char* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
      answer_session(ssl, keys, document, name ? name : "", id, (unsigned char*)end + 8);
    }
    size = 0;
  }
}

static int read_text(int fd, char* into, size_t room, char until) {
  size_t n = 0;
  while (n + 1 < room && recv(fd, into + n, 1, 0) == 1) {
    if (into[n++] == until) {
      into[n] = 0;
      return 1;
    }
  }
  return 0;
}

static void serve_one(int fd, SSL_CTX* context, const Keys* keys, const Buffer* document, const char* id, int turn) {
  char line[64];
  unsigned char head[16 + 536];
  unsigned port = 0;
  if (!read_text(fd, line, sizeof line, '\n') || sscanf(line, "CONNECT %u", &port) != 1) return;
  if (port != 7010 || turn % 4 == 3) {
    // Life cycle: an answer of four gigabytes. And every fourth visitor finds somebody who does not know the way of the ports.
    if (port == 7011) dprintf(fd, "OK 7011\n");
    memset(line, 0xff, sizeof line);
    for (int i = 0; i < 4096 && send(fd, line, sizeof line, MSG_NOSIGNAL) > 0; ++i) {
    }
    sleep(60);
    return;
  }
  dprintf(fd, "OK %u\n", port);
  if (recv(fd, head, 16, MSG_WAITALL) != 16) return;
  const size_t rest = (size_t)head[14] << 8 | head[15];
  if (rest > 536 || recv(fd, head + 16, rest, MSG_WAITALL) != (ssize_t)rest) return;
  SSL* ssl = SSL_new(context);
  SSL_set_fd(ssl, fd);
  if (SSL_accept(ssl) == 1) converse(ssl, keys, document, id);
  SSL_shutdown(ssl);
  SSL_free(ssl);
}

static void serve(const Keys* keys, const Grant* grant, X509* leaf, const Buffer* document, const char* id) {
  SSL_CTX* context = SSL_CTX_new(TLS_server_method());
  SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION);
  SSL_CTX_set_num_tickets(context, 0);
  SSL_CTX_use_certificate(context, leaf);
  SSL_CTX_add1_chain_cert(context, grant->intermediate);
  SSL_CTX_use_PrivateKey(context, keys->tls);
  struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "/cage/v/v"};
  const int listener = socket(AF_UNIX, SOCK_STREAM, 0);
  if (bind(listener, (struct sockaddr*)&address, sizeof address) != 0 || listen(listener, 64) != 0) die("listen");
  if (fork() != 0) return;
  signal(SIGCHLD, SIG_IGN);
  for (int turn = 0;; ++turn) {
    const int fd = accept(listener, NULL, NULL);
    if (fd < 0) continue;
    if (fork() == 0) {
      serve_one(fd, context, keys, document, id, turn);
      _exit(0);
    }
    close(fd);
  }
}

// The module id, as the document has it: "module_id" and then text.
static void module_id(const Buffer* document, char* into, size_t room) {
  unsigned char* at = memmem(document->at, document->size, "module_id", 9);
  Cursor from = {at ? at + 9 : document->at, document->at + document->size};
  const unsigned char* text = NULL;
  size_t size = 0;
  if (!at || !read_string(&from, 3, &text, &size)) die("module id");
  snprintf(into, room, "%.*s", (int)size, (const char*)text);
}

int main(void) {
  static char root[64], self[300], other[300], other_deployment[64], used[512], id[200];
  static Keys keys;
  static Grant grant;
  static Buffer used_document, evidence, spki, set;
  unsigned char beat = 0xb7;
  setvbuf(stdout, NULL, _IOLBF, 0);
  signal(SIGPIPE, SIG_IGN);
  read_whole("/platform", root, sizeof root);
  read_whole("/self", self, sizeof self);
  read_whole("/other", other, sizeof other);
  read_whole("/other-deployment", other_deployment, sizeof other_deployment);
  const int heart = dial(9000);
  if (heart < 0 || !send_all(heart, &beat, 1) || recv(heart, &beat, 1, 0) != 1) die("heartbeat");
  printf("fact heartbeat %02x\n", beat);
  control = dial(7001);
  tell("init.heartbeat");
  tell_state(1);
  make_keys(&keys);
  snprintf(used, sizeof used, "%s", new_token());
  const Try right = {.token = used, .keep_document = &used_document};
  const char* outcome = provision(&keys, &right, (unsigned char*)root, &grant);
  printf("fact provisioned %s\n", outcome);
  if (strcmp(outcome, "granted") != 0) return 1;
  show_grant(&keys, &grant);
  spki_of(&spki, keys.tls);
  key_set(&set, &keys);
  attest(&evidence, &spki, NULL, &set);
  module_id(&evidence, id, sizeof id);
  X509* forged = issue(&keys, &grant, other, NULL);
  show_certificate("forged", forged);
  // Its own name is in its certificate's constraints; the test knows it too.
  serve(&keys, &grant, issue(&keys, &grant, self, &evidence), &evidence, id);
  tell("ready");
  tell_state(3);
  printf("fact ready 1\n");
  sleep(3);
  const Booty booty = {&keys, (unsigned char*)root, used, &used_document, other, other_deployment, new_token};
  attack_provisioner(&booty);
  attack_ports();
  attack_control();
  attack_floods();
  tell_state(3);
  printf("fact attacks done\n");
  for (;;) pause();
}
