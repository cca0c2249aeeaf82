// SPDX-License-Identifier: Apache-2.0
// compare: two snapshots to sentences, each with the PCRs that it changes. Pure. For `cage diff`.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "image/snapshot.h"

namespace cages::image {

struct Change {
  std::string sentence;   // "file /app: mode 0755 -> 0700"
  std::vector<int> pcrs;  // which it changes, ascending; empty: not measured
};

// Says in words which runtime release a PCR1 is.
using NameRuntime = std::function<std::string(const crypto::Digest384& pcr1)>;

// compare lists every difference, most consequential first. Where a PCR differs and nothing that was compared explains
// it, the last change says so: silence never means "equal".
std::vector<Change> compare(const Snapshot& before, const Snapshot& after, const NameRuntime& name_runtime);

// compare_files: `shown` turns a path of the list into what people read. Sentences without PCRs.
std::vector<std::string> compare_files(const FileList& before, const FileList& after,
                                       const std::function<std::string(std::string_view)>& shown);
// compare_manifests: one sentence a setting that differs; "operator (platform root) differs" where the roots do.
std::vector<std::string> compare_manifests(const wire::Manifest& before, const wire::Manifest& after);

}  // namespace cages::image
