// SPDX-License-Identifier: Apache-2.0
// The foreign init's keys, documents and grant: provisioning, evidence and the session of docs/protocol.md.
#ifndef FOREIGN_IDENTITY_H
#define FOREIGN_IDENTITY_H

#include <openssl/ssl.h>

#include "wire.h"

typedef struct {
  EVP_PKEY* tls;
  EVP_PKEY* ca;
  EVP_PKEY* session;
  EVP_PKEY* sealing;
} Keys;

typedef struct {
  X509* intermediate;
  X509* root;
  Buffer secrets;  // the plaintext of the grant
} Grant;

// One try to be provisioned; what is not set is done as it should be.
typedef struct {
  const char* token;          // user_data
  const Buffer* document;     // sent instead of a new one
  Buffer* keep_document;      // filled with the one that was sent
  EVP_PKEY* other_ca;         // the request is for this key; document and nonce speak of the right one
  int nonce_of_another;       // the nonce is over another session's exporter
  const char* asked_names;    // the request asks for this name
  int hellos;                 // how many are sent on one session; 0: 1
  const Buffer* raw;          // sent instead of a hello
  int old_tls;                // at most TLS 1.2
} Try;

void make_keys(Keys* keys);
EVP_PKEY* new_p256(void);
// attest: a document by the NSM.
void attest(Buffer* document, const Buffer* user_data, const Buffer* nonce, const Buffer* public_key);
void key_set(Buffer* into, const Keys* keys);
void spki_of(Buffer* into, EVP_PKEY* key);
// provision returns "granted", the platform's code, "closed" or "platform" (it is not the one that was measured).
const char* provision(const Keys* keys, const Try* what, const unsigned char root_hash[48], Grant* grant);
// issue makes a leaf for `name`, signed by the CA key; with evidence in it where `document` is not empty.
X509* issue(const Keys* keys, const Grant* grant, const char* name, const Buffer* document);
// claim copies a text claim of the token ("dep", "jti"); 0 where there is none.
int claim(const char* token, const char* name, char* into, size_t room);
size_t unbase64url(const char* text, size_t size, unsigned char* into);

#endif
