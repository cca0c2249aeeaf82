// SPDX-License-Identifier: Apache-2.0
// Layers into a tree (OCI image specification, "Image Layer Filesystem Changeset"): additions, changes, whiteouts,
// opaque directories, hard links. Here is decided what an entry may do: it may change the tree and nothing else. For
// load.cpp.
#pragma once

#include "image/layer.h"
#include "image/tree.h"

namespace cages::image {

// What was left out, for the user to know.
struct LeftOut {
  std::size_t device_entries = 0;  // below dev/: a cage has a /dev of its own
  std::size_t capabilities = 0;    // files whose security.capability attribute is lost
  friend bool operator==(const LeftOut&, const LeftOut&) = default;
};

// Where contents go and what has been used of the bounds, over all layers of one image.
struct LayerContext {
  std::shared_ptr<Spool> spool;
  std::uint64_t content_bytes = 0;  // written by all layers, what later ones replaced included
  LeftOut left_out;
};

// untrusted: apply_layer reads the layer to its end and puts its entries into the tree. `number` counts from 0; the
// layers of an image are applied in ascending order. `blob` is what `reader` reads. IMAGE_PATH for an absolute path or
// one with "..", for a hard link to such a path, for a parent that is no directory; IMAGE_ENTRY for devices (outside of
// dev/), FIFOs and sockets, whatever a tar archive knows besides, a path that occurs twice, an owner that no kernel
// has, a hard link to nothing; IMAGE_LIMIT; IMAGE; IO.
Result<void> apply_layer(Tree& tree, LayerReader& reader, const Blob& blob, std::uint16_t number,
                         LayerContext& context);

// layer_path: the clean path ("" for the root) of a name in a layer: without "./", empty and "." components. IMAGE_PATH
// where it is absolute or has a ".." component; IMAGE_LIMIT where it is too long or deep.
Result<std::string> layer_path(std::string_view name);

}  // namespace cages::image
