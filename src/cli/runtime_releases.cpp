// SPDX-License-Identifier: Apache-2.0
#include "eif/runtime_releases.h"

#include <optional>

#include "base/file.h"
#include "base/limits.h"
#include "cli/kernel.h"
#include "cli/key_files.h"
#include "cli/runtime_file.h"
#include "cli/verb.h"
#include "crypto/deterministic/signer.h"
#include "eif/cmdline.h"
#include "eif/measure.h"
#include "image/blob.h"
#include "image/ramdisk.h"

#ifndef CAGES_VERSION
#error "CAGES_VERSION comes from CMake"
#endif

namespace cages::cli {
namespace {

struct Named {
  std::string name;
  std::string path;
};

Result<std::vector<Named>> parse_named(std::string_view option, const std::vector<std::string>& words) {
  std::vector<Named> out;
  for (const std::string& word : words) {
    const std::size_t at = word.find('=');
    if (at == 0 || at == std::string::npos) return fail(Code::USAGE, std::string(option), "NAME=PATH", printable(word));
    out.push_back({word.substr(0, at), word.substr(at + 1)});
  }
  return out;
}

Result<void> feed(const image::Source& source, const image::Sink& sink) {
  Bytes buffer(limits::kEifChunkBytes);
  for (;;) {
    TRY_ASSIGN(const std::size_t count, source(buffer));
    if (count == 0) return {};
    TRY(sink(ByteView(buffer).first(count)));
  }
}

// What an image with this kernel and runtime measures as PCR1, whatever its app.
Result<crypto::Digest384> measure_boot(const Kernel& kernel, const RuntimeFile& runtime) {
  eif::Measurer measurer;
  const image::Sink sink = [&](ByteView piece) -> Result<void> {
    measurer.update(piece);
    return {};
  };
  measurer.begin(eif::SectionType::kernel);
  if (kernel.present()) {
    TRY_ASSIGN(const image::Blob blob, image::open_blob(kernel.path));
    TRY(feed(blob.source(), sink));
  } else {
    TRY(sink(as_bytes(eif::kNoKernel)));
  }
  measurer.begin(eif::SectionType::cmdline);
  TRY(sink(as_bytes(eif::kCmdline)));
  measurer.begin(eif::SectionType::ramdisk);
  TRY(image::write_runtime_ramdisk(runtime.content, eif::kCmdline, sink));
  return measurer.finish().pcr1;
}

Result<std::string> hash_ramdisk(const RuntimeFile& runtime) {
  crypto::Hasher hasher(crypto::Hasher::Algorithm::sha384);
  TRY(image::write_runtime_ramdisk(runtime.content, eif::kCmdline, [&](ByteView piece) -> Result<void> {
    hasher.update(piece);
    return {};
  }));
  return hex(hasher.finish());
}

class RuntimeReleasesVerb final : public Verb {
 public:
  [[nodiscard]] std::string_view name() const override { return "runtime releases"; }
  [[nodiscard]] std::string_view summary() const override {
    return "write the list of runtime releases that `cage describe` reads (for those who build Cages)";
  }
  void declare(Options& options) override {
    options.option("--runtime", runtimes_, "BUILD=PATH of a runtime, BUILD networked or isolated")
        .option("--record", records_, "BUILD=PATH of its build record (JSON)")
        .option("--kernel", kernels_, "NAME=PATH of a kernel to measure with")
        .option("--key", key_, "PEM key that signs the list")
        .option("-o,--output", output_, "where to write it (runtime-releases.json)");
  }
  Result<int> run(Terminal& terminal) override {
    TRY_ASSIGN(const auto runtimes, parse_named("--runtime", runtimes_));
    eif::RuntimeReleases releases;
    for (const Named& runtime : runtimes) {
      TRY_ASSIGN(eif::RuntimeRelease release, make_release(runtime));
      releases.list.push_back(std::move(release));
    }
    std::optional<crypto::PrivateKey> key;
    std::optional<crypto::DeterministicSigner> signer;
    if (!key_.empty()) {
      TRY_ASSIGN(key, read_private_key(key_));
      signer.emplace(*key);
    }
    TRY_ASSIGN(const std::string text, eif::write_runtime_releases(releases, signer ? &*signer : nullptr));
    TRY(write_file(output_, as_bytes(text)));
    terminal.result(Json::object({{"output", output_}}), output_ + "\n");
    return 0;
  }

 private:
  Result<eif::RuntimeRelease> make_release(const Named& named) {
    TRY_ASSIGN(const RuntimeFile runtime, find_runtime(named.path, {}, {}));
    eif::RuntimeRelease release;
    release.version = CAGES_VERSION;
    release.build = named.name;
    release.arch = runtime.arch;
    release.sha256 = runtime.sha256;
    TRY_ASSIGN(release.ramdisk, hash_ramdisk(runtime));
    TRY_ASSIGN(release.record, read_record(named.name));
    TRY_ASSIGN(const auto kernels, parse_named("--kernel", kernels_));
    TRY(add_kernel({"none", ""}, runtime, release));
    for (const Named& kernel : kernels) TRY(add_kernel(kernel, runtime, release));
    return release;
  }

  static Result<void> add_kernel(const Named& named, const RuntimeFile& runtime, eif::RuntimeRelease& release) {
    Kernel kernel;
    if (!named.path.empty()) {
      TRY_ASSIGN(kernel, find_kernel(named.path, runtime.arch));
    }
    TRY_ASSIGN(const crypto::Digest384 pcr1, measure_boot(kernel, runtime));
    release.kernels.push_back({named.name, kernel.sha256, pcr1});
    return {};
  }

  Result<Json> read_record(const std::string& build) {
    TRY_ASSIGN(const auto records, parse_named("--record", records_));
    for (const Named& record : records) {
      if (record.name != build) continue;
      TRY_ASSIGN(const Bytes text, read_file(record.path, limits::kJsonBytesMax));
      return parse_json(as_text(text));
    }
    return Json();
  }

  std::vector<std::string> runtimes_;
  std::vector<std::string> records_;
  std::vector<std::string> kernels_;
  std::string key_;
  std::string output_ = "runtime-releases.json";
};

}  // namespace

std::unique_ptr<Verb> make_runtime_releases() { return std::make_unique<RuntimeReleasesVerb>(); }

}  // namespace cages::cli
