// SPDX-License-Identifier: Apache-2.0
// Who the app runs as: an image's USER, resolved in its own /etc/passwd and /etc/group at build, by Docker's rules. The
// runtime gets numbers and reads neither file. For compose.cpp.
#pragma once

#include "image/tree.h"
#include "wire/manifest.h"

namespace cages::image {

struct ResolvedUser {
  wire::User user;
  std::string home = "/";
};

// resolve_user: `text` is "", "user", "uid", "user:group", … . An unknown number stands for itself (group 0); an
// unknown name is IMAGE_CONFIG. Without a group, the user's own and those that /etc/group lists it in. IMAGE_LIMIT
// where one of the two files is not of a sane size. untrusted: the two files come from the image; lines that make no
// sense are passed over, as the C library does.
Result<ResolvedUser> resolve_user(const Tree& tree, std::string_view text);

// read_tree_file returns a small file of the tree, symlinks followed inside of it; nothing where there is none.
Result<std::optional<std::string>> read_tree_file(const Tree& tree, std::string_view path, std::size_t bytes_max);

}  // namespace cages::image
