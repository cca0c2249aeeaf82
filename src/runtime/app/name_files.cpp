// SPDX-License-Identifier: Apache-2.0
#include "runtime/app/name_files.h"

#include "base/text.h"

namespace cages::runtime {

std::string hosts_text(std::string_view hostname) {
  std::string text = "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n";
  if (!hostname.empty()) text += "127.0.0.1\t" + std::string(hostname) + "\n";
  return text;
}

std::string resolver_text() { return "nameserver 127.0.0.1\noptions edns0 timeout:3 attempts:2\n"; }

std::string nsswitch_text(std::string_view image) {
  std::string text;
  for (const std::string_view line : split(image, '\n')) {
    if (!trim(line).starts_with("hosts:") && !line.empty()) text += std::string(line) + "\n";
  }
  return text + "hosts: files dns\n";
}

}  // namespace cages::runtime
