// SPDX-License-Identifier: Apache-2.0
// A layer of an image, applied twice: bounded, and no path of the tree leaves the root.
#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>

#include "image/layers.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace cages::image;
  static const auto spool = Spool::in("/tmp").value();
  const auto file = std::make_shared<const cages::Fd>(::memfd_create("layer", MFD_CLOEXEC));
  if (::write(file->get(), data, size) != static_cast<ssize_t>(size)) return 0;
  const Blob blob{file, 0, size};
  Tree tree;
  LayerContext context;
  context.spool = spool;
  for (std::uint16_t number = 0; number < 2; ++number) {
    const auto reader = LayerReader::open(blob);
    if (!reader || !apply_layer(tree, **reader, blob, number, context)) break;
  }
  for (const auto& [path, node] : tree.nodes()) {
    const auto clean = layer_path(path);
    if (!clean || *clean != path) std::abort();
  }
  return 0;
}
