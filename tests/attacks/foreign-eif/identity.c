// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "identity.h"

#include <openssl/ec.h>
#include <openssl/hmac.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { kHello = 48, kGrant = 49, kRefused = 50, kNsm = 3 };

EVP_PKEY* new_p256(void) { return EVP_EC_gen("P-256"); }

void make_keys(Keys* keys) {
  keys->tls = new_p256();
  keys->ca = new_p256();
  keys->session = new_p256();
  keys->sealing = EVP_PKEY_Q_keygen(NULL, NULL, "X25519");
  if (!keys->tls || !keys->ca || !keys->session || !keys->sealing) die("keys");
}

void spki_of(Buffer* into, EVP_PKEY* key) {
  unsigned char* at = into->at + into->size;
  into->size += (size_t)i2d_PUBKEY(key, &at);
}

static void sha384(const void* bytes, size_t size, unsigned char digest[48]) {
  EVP_Digest(bytes, size, digest, NULL, EVP_sha384(), NULL);
}

void key_set(Buffer* into, const Keys* keys) {
  static Buffer spki;
  unsigned char digest[48], raw[32];
  size_t size = sizeof raw;
  into->size = spki.size = 0;
  spki_of(&spki, keys->session);
  put_head(into, 5, 3);
  put_uint(into, 1);
  put_bytes(into, spki.at, spki.size);
  EVP_PKEY_get_raw_public_key(keys->sealing, raw, &size);
  put_uint(into, 2);
  put_bytes(into, raw, size);
  spki.size = 0;
  spki_of(&spki, keys->ca);
  sha384(spki.at, spki.size, digest);
  put_uint(into, 3);
  put_bytes(into, digest, sizeof digest);
}

static void put_member(Buffer* into, const char* name, const Buffer* value) {
  put_text(into, name);
  if (value) put_bytes(into, value->at, value->size);
  else put(into, "\xf6", 1);
}

void attest(Buffer* document, const Buffer* user_data, const Buffer* nonce, const Buffer* public_key) {
  static Buffer message;
  message.size = 0;
  put_head(&message, 5, 1);
  put_text(&message, "Attestation");
  put_head(&message, 5, 3);
  put_member(&message, "user_data", user_data);
  put_member(&message, "nonce", nonce);
  put_member(&message, "public_key", public_key);
  if (send(kNsm, message.at, message.size, 0) < 0) die("NSM");
  const ssize_t n = recv(kNsm, message.at, sizeof message.at, 0);
  if (n <= 0) die("NSM");
  Cursor answer = {message.at, message.at + n};
  uint64_t pairs = 0;
  const unsigned char* bytes = NULL;
  size_t size = 0;
  if (!expect(&answer, 5, &pairs) || !read_string(&answer, 3, &bytes, &size) || size != 11 || !expect(&answer, 5, &pairs) ||
      !read_string(&answer, 3, &bytes, &size) || !read_string(&answer, 2, &bytes, &size)) {
    die("an answer of the NSM's");
  }
  document->size = 0;
  put(document, bytes, size);
}

static void make_csr(Buffer* into, EVP_PKEY* key, const char* name) {
  X509_REQ* request = X509_REQ_new();
  X509_NAME_add_entry_by_txt(X509_REQ_get_subject_name(request), "CN", MBSTRING_ASC, (const unsigned char*)(name ? name : "cage"), -1, -1, 0);
  if (name) {
    char text[300];
    snprintf(text, sizeof text, "DNS:%s", name);
    STACK_OF(X509_EXTENSION)* extensions = sk_X509_EXTENSION_new_null();
    sk_X509_EXTENSION_push(extensions, X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, text));
    sk_X509_EXTENSION_push(extensions, X509V3_EXT_conf_nid(NULL, NULL, NID_basic_constraints, "critical,CA:TRUE"));
    X509_REQ_add_extensions(request, extensions);
  }
  X509_REQ_set_pubkey(request, key);
  if (X509_REQ_sign(request, key, EVP_sha256()) <= 0) die("request");
  unsigned char* at = into->at;
  into->size = (size_t)i2d_X509_REQ(request, &at);
  X509_REQ_free(request);
}

// The platform is known by the root's key alone.
static int is_platform(SSL* ssl, const unsigned char root_hash[48]) {
  STACK_OF(X509)* chain = SSL_get_peer_cert_chain(ssl);
  if (!chain || sk_X509_num(chain) != 2) return 0;
  X509* server = sk_X509_value(chain, 0);
  EVP_PKEY* key = X509_get0_pubkey(sk_X509_value(chain, 1));
  static Buffer spki;
  unsigned char digest[48];
  spki.size = 0;
  spki_of(&spki, key);
  sha384(spki.at, spki.size, digest);
  return memcmp(digest, root_hash, 48) == 0 && X509_verify(server, key) == 1 &&
         (X509_get_extended_key_usage(server) & XKU_SSL_SERVER) != 0 &&
         X509_check_host(server, "provisioner.cages", 0, 0, NULL) == 1;
}

size_t unbase64url(const char* text, size_t size, unsigned char* into) {
  uint32_t bits = 0;
  int count = 0;
  size_t out = 0;
  for (size_t i = 0; i < size; ++i) {
    const char* alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    const char* at = strchr(alphabet, text[i]);
    if (!at) return 0;
    bits = bits << 6 | (uint32_t)(at - alphabet);
    count += 6;
    if (count >= 8) into[out++] = (unsigned char)(bits >> (count -= 8));
  }
  return out;
}

int claim(const char* token, const char* name, char* into, size_t room) {
  const char* payload = strchr(token, '.');
  const char* end = payload ? strchr(payload + 1, '.') : NULL;
  if (!end) return 0;
  char text[512] = {0}, key[32];
  unbase64url(payload + 1, (size_t)(end - payload - 1), (unsigned char*)text);
  snprintf(key, sizeof key, "\"%s\":\"", name);
  const char* at = strstr(text, key);
  const char* quote = at ? strchr(at + strlen(key), '"') : NULL;
  if (!quote) return 0;
  snprintf(into, room, "%.*s", (int)(quote - at) - (int)strlen(key), at + strlen(key));
  return 1;
}

// RFC 9180: labelled extract and expand over HKDF-SHA256 (RFC 5869).
static void extract(const char* suite, size_t suite_size, const unsigned char* salt, size_t salt_size, const char* label, const void* ikm,
                    size_t ikm_size, unsigned char out[32]) {
  static Buffer message;
  message.size = 0;
  put(&message, "HPKE-v1", 7);
  put(&message, suite, suite_size);
  put(&message, label, strlen(label));
  put(&message, ikm, ikm_size);
  unsigned size = 0;
  HMAC(EVP_sha256(), salt_size ? (const void*)salt : "", (int)salt_size, message.at, message.size, out, &size);
}

static void expand(const char* suite, size_t suite_size, const unsigned char prk[32], const char* label, const void* info, size_t info_size,
                   unsigned char* out, size_t out_size) {
  static Buffer message;
  message.size = 0;
  const unsigned char length[] = {0, (unsigned char)out_size};
  put(&message, length, 2);
  put(&message, "HPKE-v1", 7);
  put(&message, suite, suite_size);
  put(&message, label, strlen(label));
  put(&message, info, info_size);
  put(&message, "\1", 1);  // one block is enough: at most 32 bytes
  unsigned char block[32];
  unsigned size = 0;
  HMAC(EVP_sha256(), prk, 32, message.at, message.size, block, &size);
  memcpy(out, block, out_size);
}

static int hpke_open(EVP_PKEY* own, const unsigned char* enc, const Buffer* info, const unsigned char* ct, size_t ct_size, Buffer* plain) {
  static const char kem[] = "KEM\0\x20", suite[] = "HPKE\0\x20\0\1\0\2";
  unsigned char dh[32], pub[32], context[64], prk[32], shared[32], schedule[65], key[32], nonce[12];
  size_t size = 32;
  EVP_PKEY* peer = EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, NULL, enc, 32);
  EVP_PKEY_CTX* derive = EVP_PKEY_CTX_new(own, NULL);
  if (!peer || EVP_PKEY_derive_init(derive) != 1 || EVP_PKEY_derive_set_peer(derive, peer) != 1 || EVP_PKEY_derive(derive, dh, &size) != 1) return 0;
  EVP_PKEY_get_raw_public_key(own, pub, &size);
  memcpy(context, enc, 32);
  memcpy(context + 32, pub, 32);
  extract(kem, 5, NULL, 0, "eae_prk", dh, 32, prk);
  expand(kem, 5, prk, "shared_secret", context, 64, shared, 32);
  schedule[0] = 0;
  extract(suite, 10, NULL, 0, "psk_id_hash", NULL, 0, schedule + 1);
  extract(suite, 10, NULL, 0, "info_hash", info->at, info->size, schedule + 33);
  extract(suite, 10, shared, 32, "secret", NULL, 0, prk);
  expand(suite, 10, prk, "key", schedule, 65, key, 32);
  expand(suite, 10, prk, "base_nonce", schedule, 65, nonce, 12);
  if (ct_size < 16 || ct_size > sizeof plain->at) return 0;
  EVP_CIPHER_CTX* gcm = EVP_CIPHER_CTX_new();
  int done = 0, rest = 0;
  EVP_DecryptInit_ex(gcm, EVP_aes_256_gcm(), NULL, key, nonce);
  EVP_DecryptUpdate(gcm, plain->at, &done, ct, (int)ct_size - 16);
  EVP_CIPHER_CTX_ctrl(gcm, EVP_CTRL_AEAD_SET_TAG, 16, (void*)(ct + ct_size - 16));
  if (EVP_DecryptFinal_ex(gcm, plain->at + done, &rest) != 1) return 0;
  plain->size = (size_t)done;
  EVP_CIPHER_CTX_free(gcm);
  EVP_PKEY_CTX_free(derive);
  EVP_PKEY_free(peer);
  return 1;
}

static int ssl_exactly(SSL* ssl, unsigned char* into, size_t size) {
  while (size != 0) {
    const int n = SSL_read(ssl, into, (int)size);
    if (n <= 0) return 0;
    into += n;
    size -= (size_t)n;
  }
  return 1;
}

static X509* read_certificate(Cursor* from) {
  const unsigned char* der = NULL;
  size_t size = 0;
  return read_string(from, 2, &der, &size) ? d2i_X509(NULL, &der, (long)size) : NULL;
}

static const char* read_answer(SSL* ssl, const Keys* keys, const char* token, const Buffer* document, Grant* grant) {
  static Buffer frame, info;
  static char code[128];
  unsigned char length[4], id[32], digest[48];
  char text[64];
  if (!ssl_exactly(ssl, length, 4)) return "closed";
  frame.size = (size_t)length[1] << 16 | (size_t)length[2] << 8 | length[3];
  if (frame.size > 65536 || !ssl_exactly(ssl, frame.at, frame.size)) return "closed";
  Cursor body = {frame.at, frame.at + frame.size};
  uint64_t items = 0, type = 0, n = 0;
  const unsigned char *enc = NULL, *ct = NULL;
  size_t size = 0;
  if (!expect(&body, 4, &items) || !expect(&body, 0, &type) || !expect(&body, 0, &n) || !expect(&body, 5, &items) || !expect(&body, 0, &n)) die("answer");
  if (type == kRefused && read_string(&body, 3, &enc, &size)) {
    snprintf(code, sizeof code, "%.*s", (int)size, (const char*)enc);
    return code;
  }
  if (type != kGrant || !expect(&body, 4, &items) || items != 2) die("grant");
  grant->intermediate = read_certificate(&body);
  grant->root = read_certificate(&body);
  if (!expect(&body, 0, &n) || !read_string(&body, 2, &enc, &size) || size != 32 || !expect(&body, 0, &n) || !read_string(&body, 2, &ct, &size)) die("seal");
  info.size = 0;
  put_field(&info, "cage-provision/1", 16);
  for (int i = 0; i < 2; ++i) {
    if (!claim(token, i == 0 ? "dep" : "jti", text, sizeof text)) die("claims");
    put_field(&info, id, unbase64url(text, strlen(text), id));
  }
  sha384(document->at, document->size, digest);
  put_field(&info, digest, sizeof digest);
  if (!hpke_open(keys->sealing, enc, &info, ct, size, &grant->secrets)) die("the seal does not open");
  return "granted";
}

static void write_hello(Buffer* frame, SSL* ssl, const Keys* keys, const Try* what, Buffer* document) {
  static Buffer csr, spoken, nonce, public_key, user_data;
  unsigned char exporter[32];
  make_csr(&csr, what->other_ca ? what->other_ca : keys->ca, what->asked_names);
  if (SSL_export_keying_material(ssl, exporter, 32, "EXPERIMENTAL-cage-prov/1", 24, NULL, 0, 0) != 1) die("exporter");
  if (what->nonce_of_another) exporter[0] ^= 1;
  spoken.size = nonce.size = user_data.size = document->size = 0;
  put_field(&spoken, "cage-prov/1", 11);
  put_field(&spoken, csr.at, csr.size);
  put_field(&spoken, exporter, sizeof exporter);
  nonce.size = 48;
  sha384(spoken.at, spoken.size, nonce.at);
  key_set(&public_key, keys);
  put(&user_data, what->token, strlen(what->token));
  if (what->document) put(document, what->document->at, what->document->size);
  else attest(document, &user_data, &nonce, &public_key);
  begin_frame(frame, kHello, 1, 2);
  put_uint(frame, 1);
  put_bytes(frame, document->at, document->size);
  put_uint(frame, 2);
  put_bytes(frame, csr.at, csr.size);
  end_frame(frame);
}

const char* provision(const Keys* keys, const Try* what, const unsigned char root_hash[48], Grant* grant) {
  static Buffer frame, document;
  const int fd = dial(7002);
  if (fd < 0) return "no port";
  SSL_CTX* context = SSL_CTX_new(TLS_client_method());
  SSL_CTX_set_max_proto_version(context, what->old_tls ? TLS1_2_VERSION : TLS1_3_VERSION);
  if (!what->old_tls) SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION);
  SSL* ssl = SSL_new(context);
  SSL_set_tlsext_host_name(ssl, "provisioner.cages");
  SSL_set_fd(ssl, fd);
  const char* outcome = "closed";
  if (SSL_connect(ssl) == 1) {
    outcome = is_platform(ssl, root_hash) ? "closed" : "platform";
    const int hellos = what->hellos ? what->hellos : 1;
    for (int i = 0; i < hellos && strcmp(outcome, "platform") != 0; ++i) {
      if (what->raw) frame = *what->raw;
      else write_hello(&frame, ssl, keys, what, &document);
      if (SSL_write(ssl, frame.at, (int)frame.size) <= 0) break;
      if (what->raw) SSL_shutdown(ssl);
      outcome = read_answer(ssl, keys, what->token ? what->token : "", &document, grant);
    }
    if (what->keep_document) *what->keep_document = document;
  }
  SSL_free(ssl);
  SSL_CTX_free(context);
  close(fd);
  return outcome;
}

X509* issue(const Keys* keys, const Grant* grant, const char* name, const Buffer* document) {
  X509* leaf = X509_new();
  char text[300];
  X509_set_version(leaf, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(leaf), 4711);
  X509_gmtime_adj(X509_getm_notBefore(leaf), -60);
  X509_gmtime_adj(X509_getm_notAfter(leaf), 3600);
  X509_set_pubkey(leaf, keys->tls);
  X509_set_issuer_name(leaf, X509_get_subject_name(grant->intermediate));
  snprintf(text, sizeof text, "critical,DNS:%s", name);
  X509_add_ext(leaf, X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, text), -1);
  X509_add_ext(leaf, X509V3_EXT_conf_nid(NULL, NULL, NID_basic_constraints, "critical,CA:FALSE"), -1);
  X509_add_ext(leaf, X509V3_EXT_conf_nid(NULL, NULL, NID_key_usage, "critical,digitalSignature"), -1);
  X509_add_ext(leaf, X509V3_EXT_conf_nid(NULL, NULL, NID_ext_key_usage, "serverAuth"), -1);
  if (document) {
    // The extension's value is itself an OCTET STRING.
    ASN1_OCTET_STRING* inner = ASN1_OCTET_STRING_new();
    ASN1_OCTET_STRING_set(inner, document->at, (int)document->size);
    unsigned char* der = NULL;
    const int size = i2d_ASN1_OCTET_STRING(inner, &der);
    ASN1_OCTET_STRING* value = ASN1_OCTET_STRING_new();
    ASN1_OCTET_STRING_set(value, der, size);
    X509_EXTENSION* evidence =
        X509_EXTENSION_create_by_OBJ(NULL, OBJ_txt2obj("2.25.282451389513744831061643108808504094999", 1), 0, value);
    X509_add_ext(leaf, evidence, -1);
  }
  if (X509_sign(leaf, keys->ca, EVP_sha256()) <= 0) die("leaf");
  return leaf;
}
