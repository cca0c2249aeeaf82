// SPDX-License-Identifier: Apache-2.0
// Frames and CBOR of docs/protocol.md, written from that page alone: nothing of src/ is included. For the foreign init.
#ifndef FOREIGN_WIRE_H
#define FOREIGN_WIRE_H

#include <stddef.h>
#include <stdint.h>

typedef struct {
  size_t size;
  unsigned char at[160 * 1024];
} Buffer;

// put_* append; what does not fit ends the program.
void put(Buffer* into, const void* bytes, size_t size);
void put_head(Buffer* into, int major, uint64_t number);  // the shortest form
void put_uint(Buffer* into, uint64_t value);
void put_int(Buffer* into, int64_t value);
void put_bytes(Buffer* into, const void* bytes, size_t size);
void put_text(Buffer* into, const char* text);
void put_field(Buffer* into, const void* bytes, size_t size);  // of a transcript: u16 length, bytes

// A frame: begin, `pairs` keys with values, end (which fills in the length).
void begin_frame(Buffer* into, uint64_t type, uint64_t version, uint64_t pairs);
void end_frame(Buffer* into);

typedef struct {
  const unsigned char* at;
  const unsigned char* end;
} Cursor;

int read_head(Cursor* from, int* major, uint64_t* number);  // 0 on bad bytes
int expect(Cursor* from, int major, uint64_t* number);
// A byte or text string; points into what is read.
int read_string(Cursor* from, int major, const unsigned char** bytes, size_t* size);

// dial: a stream to a port of the host's, or -1.
int dial(unsigned port);
int send_all(int fd, const void* bytes, size_t size);
// receive_frame: the type (> 0) with `body` at its map, 0 at the end of the stream, -1 after `seconds` of silence.
int receive_frame(int fd, Buffer* whole, Cursor* body, int seconds);

void die(const char* what);

#endif
