// SPDX-License-Identifier: Apache-2.0
// EifWriter: writes an image in one pass, sections as they come, in AWS's layout (nitro.md §1.2): contiguous,
// version 4. The same sections give the same bytes. For `cage build` and `cage sign`.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "crypto/certificate.h"
#include "crypto/signer.h"
#include "eif/read.h"
#include "eif/types.h"

namespace cages::eif {

// Makes a section's content: passes it to the sink piece by piece, of any size.
using Fill = std::function<Result<void>(const Sink&)>;

// Who signs an image. lifetime: both outlive the call they are given to.
struct Signing {
  const crypto::Certificate& certificate;
  const crypto::Signer& key;
};

class EifWriter {
 public:
  // create opens a temporary file beside `path`; nothing is at `path` until finish(). IO where that fails.
  static Result<EifWriter> create(const std::filesystem::path& path, const Header& header = {});
  ~EifWriter();
  EifWriter(EifWriter&&) noexcept;
  EifWriter& operator=(EifWriter&&) noexcept;

  // In the order kernel, cmdline, metadata, ramdisks; EIF_SECTIONS else. After a failure the writer is of no more use.
  Result<void> kernel(const Fill& fill);
  // cmdline: EIF_CMDLINE where it holds a NUL or a line break, which would be measured unseen.
  Result<void> cmdline(std::string_view text);
  Result<void> metadata(std::string_view json);
  Result<void> ramdisk(const Fill& fill);
  // copy adds every section of `file` but its signature, byte for byte.
  Result<void> copy(const EifFile& file);

  // finish signs where `signing` is given, completes the header and puts the file at its path, mode 0644. EIF_KEY where
  // key and certificate do not belong together; EIF_SIGNATURE_SIZE. Returns what the hypervisor will measure.
  Result<Measurements> finish(const Signing* signing = nullptr);

 private:
  struct State;
  explicit EifWriter(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// fill_from makes a Fill of bytes that outlive it.
Fill fill_from(ByteView bytes);

}  // namespace cages::eif
