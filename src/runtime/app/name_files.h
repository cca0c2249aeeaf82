// SPDX-License-Identifier: Apache-2.0
// The files by which a C library finds names: texts for /etc/hosts, /etc/resolv.conf and /etc/nsswitch.conf of the app.
// The image's own are not changed; these are bound over them. Pure.
#pragma once

#include <string>
#include <string_view>

namespace cages::runtime {

// hosts_text: where the image brings none, or an empty one as container engines leave it.
std::string hosts_text(std::string_view hostname);
// resolver_text: the resolver on 127.0.0.1. musl waits the whole timeout on a refusal, so it is short.
std::string resolver_text();
// nsswitch_text: the image's, with hosts looked for in files, then by DNS, and nowhere else.
std::string nsswitch_text(std::string_view image);

}  // namespace cages::runtime
