// SPDX-License-Identifier: Apache-2.0
#include "wire/transcript.h"

#include <cstdlib>

namespace cages::wire {

Bytes transcript(std::initializer_list<ByteView> fields) {
  Bytes out;
  for (const ByteView field : fields) {
    if (field.size() > 0xffff) std::abort();
    out.push_back(static_cast<Byte>(field.size() >> 8));
    out.push_back(static_cast<Byte>(field.size()));
    append(out, field);
  }
  return out;
}

}  // namespace cages::wire
