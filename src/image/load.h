// SPDX-License-Identifier: Apache-2.0
// Image: a container image as values, whatever form it came in: an OCI layout directory, a `docker save` archive, or a
// plain directory. Every blob is checked against its digest. No code of the image runs. For cli/.
#pragma once

#include <filesystem>

#include "image/layers.h"
#include "image/oci.h"
#include "image/tree.h"

namespace cages::image {

struct Image {
  ImageConfig config;
  Tree tree;
  LeftOut left_out;
};

struct LoadOptions {
  std::string architecture = "amd64";        // which image of an index; one for another is refused
  std::filesystem::path spool_folder;        // where contents may be kept while the image is used
  Progress progress;                         // told as bytes of layers are read
  std::function<void(std::uint64_t)> total;  // told once how many there are
};

// Each may fail as apply_layer, with IMAGE_DIGEST where a blob is not what its digest says, IMAGE where a document is
// not as the specification says, IO. untrusted: files and documents may come from anywhere. lifetime: the image reads
// contents from the files it was loaded from; they must not change while it is used.
Result<Image> load_oci_layout(const std::filesystem::path& folder, const LoadOptions& options);
Result<Image> load_docker_archive(const std::filesystem::path& file, const LoadOptions& options);
// load_rootfs takes a directory as the root. Owners are kept, except that whoever owns the directory itself becomes
// root: the one who made the tree has no meaning in it.
Result<Image> load_rootfs(const std::filesystem::path& folder, const LoadOptions& options);

}  // namespace cages::image
