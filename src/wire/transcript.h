// SPDX-License-Identifier: Apache-2.0
// transcript: several fields as one sequence of bytes that can be taken apart in one way only (u16 big-endian length before
// each), for hashing and signing. For every part that binds things together (design §4, §5).
#pragma once

#include <initializer_list>

#include "base/bytes.h"

namespace cages::wire {

// transcript joins `fields`; aborts where one is longer than 65535 bytes: callers hash what may be long.
Bytes transcript(std::initializer_list<ByteView> fields);

}  // namespace cages::wire
