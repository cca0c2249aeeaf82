/* SPDX-License-Identifier: Apache-2.0
 * libcage, the C interface (also for other languages): attested connections to cages, blocking. See cage/client.h for what is
 * promised. Every function is safe with one thread at a time for each object. Strings are UTF-8 and end with NUL. */
#ifndef CAGE_CAGE_H
#define CAGE_CAGE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct cage_connection cage_connection;
typedef struct cage_response cage_response;

/* Why something was refused: `code` as in docs/guide/errors.md, `text` for people, `kind` the exit code of `cage`. Free it. */
typedef struct cage_failure {
  char* code;
  char* text;
  int kind;
} cage_failure;

typedef struct cage_header {
  const char* name;
  const char* value;
} cage_header;

/* cage_open connects to a cage and attests it. `options` is one JSON object:
 *   {"measurements": [object…], "policy": {…}, "release": {"file": text of release.json, "key": PEM of its signer's public key},
 *    "roots": [PEM…], "authorities": PEM, "identity": "any",
 *    "binding": "session" | "fresh" | "key", "dial": address, "timeout_ms": 30000}
 * each member optional, an unknown one an error. Returns NULL on failure; *failure (if not NULL) then says why. */
cage_connection* cage_open(const char* host, uint16_t port, const char* options, cage_failure** failure);
void cage_close(cage_connection* connection);
/* cage_evidence: what was proven, one JSON object; valid until cage_close. */
const char* cage_evidence(const cage_connection* connection);

/* cage_request sends one HTTP/1.1 request and returns the whole answer, whose body is at most body_max bytes long; NULL on
 * failure, after which the connection is closed. */
cage_response* cage_request(cage_connection* connection, const char* method, const char* target, const cage_header* headers,
                            size_t header_count, const void* body, size_t body_bytes, size_t body_max,
                            cage_failure** failure);
int cage_response_status(const cage_response* response);
/* Valid until cage_response_free. cage_response_header returns NULL above the last. */
const void* cage_response_body(const cage_response* response, size_t* bytes);
const cage_header* cage_response_header(const cage_response* response, size_t index);
void cage_response_free(cage_response* response);

/* cage_verify judges an attestation document: request and answer are the JSON of `cage verify`. *answer is set always and is to
 * be freed by cage_string_free. Returns 0 for accept, 10 reject, 20 malformed, 30 policy. */
int cage_verify(const char* request, char** answer);
void cage_string_free(char* text);
void cage_failure_free(cage_failure* failure);

#ifdef __cplusplus
}
#endif

#endif
