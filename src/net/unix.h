// SPDX-License-Identifier: Apache-2.0
// Unix stream sockets by path (at most 107 bytes, a bound of the kernel's).
#pragma once

#include <filesystem>

#include "net/descriptor.h"

namespace cages::net {

Task<Result<StreamPtr>> dial_unix(EventLoop& loop, std::filesystem::path path);
// listen_unix removes a socket that a dead process left at `path` (nobody answers there); EXISTS where somebody does.
// The caller removes the file when done. The socket's mode is 0600.
Result<ListenerPtr> listen_unix(EventLoop& loop, const std::filesystem::path& path);
// A connected pair.
Result<std::pair<StreamPtr, StreamPtr>> unix_pair(EventLoop& loop);

}  // namespace cages::net
