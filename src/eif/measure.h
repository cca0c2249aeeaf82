// SPDX-License-Identifier: Apache-2.0
// The measurements of an image (nitro.md §1.4), taken in one pass while it is read or written. For the reader, the
// writer, and whoever must know what it starts or stores. PCR8 is the signature's business: signature.h.
#pragma once

#include "crypto/hash.h"
#include "eif/read.h"
#include "eif/types.h"

namespace cages::eif {

// measure_content returns SHA384(0^48 || digest): a PCR that was extended once with the digest of its content.
crypto::Digest384 measure_content(ByteView digest);

// Fed with sections in file order; those that are not measured may be left out or fed.
class Measurer {
 public:
  Measurer();
  // begin says what the bytes of the following update() calls belong to.
  void begin(SectionType type);
  void update(ByteView data);
  // finish returns PCR0, 1 and 2; once.
  Measurements finish();

 private:
  SectionType type_ = SectionType::metadata;
  std::size_t ramdisks_ = 0;
  crypto::Hasher all_;    // PCR0
  crypto::Hasher boot_;   // PCR1: kernel, cmdline, first ramdisk
  crypto::Hasher other_;  // PCR2: the other ramdisks
};

struct Measured {
  Measurements pcrs;      // without PCR8
  std::uint32_t crc = 0;  // computed; the file's own is in its header
};

// measure reads the whole file once, in pieces: PCR0, 1, 2 and the checksum. IO, EIF_TRUNCATED where it cannot be read.
Result<Measured> measure(const EifFile& file);

}  // namespace cages::eif
