// SPDX-License-Identifier: Apache-2.0
#include "cli/build_cage.h"

#include <chrono>

#include "base/file.h"
#include "base/limits.h"
#include "base/text.h"
#include "cli/builder.h"
#include "cli/idna.h"
#include "cli/installed.h"
#include "cli/kernel.h"
#include "cli/key_files.h"
#include "cli/progress.h"
#include "cli/runtime_file.h"
#include "cli/work_folder.h"
#include "crypto/deterministic/signer.h"
#include "crypto/release_statement.h"
#include "eif/cmdline.h"
#include "eif/describe.h"
#include "eif/metadata.h"
#include "eif/write.h"
#include "image/compose.h"
#include "image/load.h"
#include "image/ramdisk.h"
#include "policy/allow_list.h"

#ifndef CAGES_VERSION
#error "CAGES_VERSION comes from CMake"
#endif

namespace cages::cli {

namespace fs = std::filesystem;

namespace {

constexpr std::int64_t kSecondsADay = 86400;
constexpr std::int64_t kStatementDays = 365;
constexpr std::uint64_t kMebibyte = 1024 * 1024;

#if defined(__aarch64__)
constexpr eif::Arch kThisMachine = eif::Arch::aarch64;
#else
constexpr eif::Arch kThisMachine = eif::Arch::x86_64;
#endif

std::string_view go_name(eif::Arch arch) { return arch == eif::Arch::x86_64 ? "amd64" : "arm64"; }

Result<std::string> read_text(const fs::path& path) {
  TRY_ASSIGN(const Bytes content, read_file(path, limits::kTomlBytesMax));
  return std::string(as_text(content));
}

class Build {
 public:
  Build(const BuildRequest& request, Terminal& terminal) : request_(request), terminal_(terminal) {}

  Result<BuildResult> run() {
    TRY(read_project());
    TRY_ASSIGN(const WorkFolder work, WorkFolder::make(out_folder()));
    TRY_ASSIGN(const eif::RuntimeReleases releases, load_runtime_releases("", ""));
    TRY_ASSIGN(RuntimeFile runtime, find_runtime(request_.runtime, project_.variant, releases));
    if (!project_.runtime_version.empty() && project_.runtime_version != CAGES_VERSION) {
      return fail(Code::MACHINE, "[runtime] version", "the `cage` of version " + printable(project_.runtime_version),
                  "the one of " CAGES_VERSION);
    }
    const std::string named_kernel =
        request_.kernel.empty() && !project_.kernel.empty() ? beside(project_.kernel).string() : request_.kernel;
    TRY_ASSIGN(const Kernel kernel, find_kernel(named_kernel, runtime.arch));
    if (!kernel.present()) out_.notes.push_back(kernel_advice());
    TRY_ASSIGN(image::Image image, load(work.path(), runtime.arch));
    TRY(compose(image));
    TRY(write_eif(image, runtime, kernel, work.path()));
    TRY(check_lock());
    TRY(write_statement(releases));
    return std::move(out_);
  }

 private:
  [[nodiscard]] fs::path beside(const std::string& path) const { return request_.folder / path; }
  [[nodiscard]] fs::path out_folder() const { return request_.folder / ".cage"; }

  Result<void> read_project() {
    TRY_ASSIGN(const std::string toml, read_text(beside("cage.toml")));
    TRY_ASSIGN(project_, image::parse_project(toml));
    std::error_code error;
    if (fs::exists(beside("cage.lock"), error)) {
      TRY_ASSIGN(const std::string lock, read_text(beside("cage.lock")));
      TRY_ASSIGN(out_.lock, image::parse_lock(lock));
    }
    if (request_.roots.empty() && out_.lock.roots.empty()) {
      return fail(Code::NO_PLATFORM, "cage.lock", "1 to 4 platform roots", "none");
    }
    TRY(to_a_labels(project_.egress));
    TRY_ASSIGN(const policy::AllowList egress, policy::AllowList::parse(project_.egress));
    for (const std::string& entry : egress.entries_without_tls()) {
      out_.notes.push_back(
          "[egress] " + printable(entry) +
          " reaches a port that is not usually TLS: what is sent there in the clear is readable by the host");
    }
    return {};
  }

  Result<image::Image> load(const fs::path& work, eif::Arch arch) {
    image::LoadOptions options;
    ProgressBar bar(terminal_, "reading the image");
    options.architecture = go_name(arch);
    options.spool_folder = work;
    options.progress = [&bar](std::uint64_t bytes) { bar.advance(bytes); };
    options.total = [&bar](std::uint64_t bytes) { bar.total(bytes); };
    const fs::path source = beside(project_.source_path);
    switch (project_.source) {
      case image::ImageSource::dockerfile: return load_dockerfile(source, work, arch, options);
      case image::ImageSource::oci: return image::load_oci_layout(source, options);
      case image::ImageSource::docker_archive: return image::load_docker_archive(source, options);
      case image::ImageSource::rootfs: return image::load_rootfs(source, options);
    }
    std::unreachable();
  }

  Result<image::Image> load_dockerfile(const fs::path& dockerfile, const fs::path& work, eif::Arch arch,
                                       const image::LoadOptions& options) {
    std::error_code error;
    if (!fs::exists(dockerfile, error)) return fail(Code::NOT_FOUND, dockerfile.string(), "a Dockerfile", "none");
    TRY_ASSIGN(const Builder builder, find_builder(request_.builder, work));
    const std::string platform = arch == kThisMachine ? "" : "linux/" + std::string(go_name(arch));
    const BuildJob job{dockerfile, request_.folder,
                       work,       "cages/" + project_.name,
                       platform,   terminal_.interactive && !terminal_.json};
    TRY_ASSIGN(const fs::path archive, build_archive(builder, job));
    auto image = image::load_docker_archive(archive, options);
    // Contents are read through the open file; its name, and at the end its blocks, can go.
    fs::remove(archive, error);
    return image;
  }

  Result<void> compose(image::Image& image) {
    image::PolicyInputs inputs;
    inputs.roots = request_.roots.empty() ? out_.lock.roots : request_.roots;
    for (const std::string& file : project_.client_ca_files) {
      TRY_ASSIGN(const crypto::Certificate certificate, read_certificate(beside(file).string()));
      inputs.client_cas.push_back(certificate.pem());
    }
    TRY_ASSIGN(image::Composed composed, image::compose(project_, image, inputs));
    out_.manifest = std::move(composed.manifest);
    out_.notes.insert(out_.notes.end(), composed.warnings.begin(), composed.warnings.end());
    return {};
  }

  Result<std::string> metadata(const RuntimeFile& runtime, const Kernel& kernel) const {
    eif::Metadata metadata;
    metadata.image_name = project_.name;
    metadata.image_version = "1";
    metadata.build_time = eif::build_time(std::getenv("SOURCE_DATE_EPOCH"));
    metadata.build_tool = "cage";
    metadata.build_tool_version = CAGES_VERSION;
    metadata.operating_system = kernel.words.operating_system;
    metadata.kernel_version = kernel.words.version;
    metadata.custom_metadata = eif::cages_metadata(runtime.release, kernel.sha256);
    return eif::write_metadata(metadata);
  }

  Result<void> add_kernel(eif::EifWriter& writer, const Kernel& kernel) const {
    if (!kernel.present()) return writer.kernel(eif::fill_from(as_bytes(eif::kNoKernel)));
    TRY_ASSIGN(const image::Blob blob, image::open_blob(kernel.path));
    return writer.kernel([&](const eif::Sink& sink) -> Result<void> {
      Bytes buffer(limits::kEifChunkBytes);
      const image::Source source = blob.source();
      for (;;) {
        TRY_ASSIGN(const std::size_t n, source(buffer));
        if (n == 0) return {};
        TRY(sink(ByteView(buffer).first(n)));
      }
    });
  }

  Result<void> add_app(eif::EifWriter& writer, const image::Image& image) {
    TRY_ASSIGN(const Bytes manifest, wire::write_manifest(out_.manifest));
    ProgressBar bar(terminal_, "writing the image");
    bar.total(image.tree.content_bytes());
    return writer.ramdisk([&](const eif::Sink& sink) {
      return image::write_app_ramdisk(image.tree, manifest, [&](ByteView bytes) {
        bar.advance(bytes.size());
        return sink(bytes);
      });
    });
  }

  Result<void> write_eif(const image::Image& image, const RuntimeFile& runtime, const Kernel& kernel, const fs::path& work) {
    eif::Header header;
    header.arch = runtime.arch;
    if (project_.memory_mib) header.default_memory_bytes = *project_.memory_mib * kMebibyte;
    if (project_.cpus) header.default_cpus = *project_.cpus;
    out_.eif = out_folder() / (project_.name + ".eif");
    // What a killed build leaves lies in its work folder, and goes with it.
    const fs::path unfinished = work / out_.eif.filename();
    TRY_ASSIGN(eif::EifWriter writer, eif::EifWriter::create(unfinished, header));
    TRY(add_kernel(writer, kernel));
    TRY(writer.cmdline(eif::kCmdline));
    TRY_ASSIGN(const std::string text, metadata(runtime, kernel));
    TRY(writer.metadata(text));
    TRY(writer.ramdisk(
        [&](const eif::Sink& sink) { return image::write_runtime_ramdisk(runtime.content, eif::kCmdline, sink); }));
    TRY(add_app(writer, image));
    TRY_ASSIGN(out_.measurements, finish(writer));
    std::error_code moved;
    fs::rename(unfinished, out_.eif, moved);
    if (moved) return fail(errno_error(out_.eif.string(), moved.value()));
    out_.kernel_sha256 = kernel.sha256;
    out_.runtime = runtime.release;
    std::error_code error;
    out_.eif_bytes = fs::file_size(out_.eif, error);
    const Json json = Json::object({{"Measurements", eif::measurements_json(out_.measurements)}});
    return write_file(out_folder() / "measurements.json", as_bytes(write_json(json, 2) + "\n"));
  }

  Result<eif::Measurements> finish(eif::EifWriter& writer) {
    if (project_.signing_key.empty()) return writer.finish();
    TRY_ASSIGN(const crypto::Certificate certificate, read_certificate(beside(project_.signing_certificate).string()));
    TRY_ASSIGN(const crypto::PrivateKey key, read_private_key(beside(project_.signing_key).string()));
    const crypto::DeterministicSigner signer(key);
    const eif::Signing signing{certificate, signer};
    out_.is_signed = true;
    return writer.finish(&signing);
  }

  // A build that measures what the last one did is the same release; another one is the next.
  Result<void> check_lock() {
    const std::string pcr0 = hex(out_.measurements.pcr0);
    if (request_.locked && pcr0 != out_.lock.pcr0) {
      return fail(Code::LOCK_DIFFERS, "PCR0", out_.lock.pcr0.empty() ? "a release" : out_.lock.pcr0, pcr0);
    }
    if (pcr0 == out_.lock.pcr0) return {};
    out_.lock.pcr0 = pcr0;
    out_.lock.counter += 1;
    out_.lock.not_after = (now() / kSecondsADay + kStatementDays) * kSecondsADay;
    if (!request_.roots.empty()) return {};
    return write_file(beside("cage.lock"), as_bytes(image::write_lock(out_.lock)));
  }

  static std::int64_t now() {
    const char* epoch = std::getenv("SOURCE_DATE_EPOCH");
    if (epoch != nullptr && *epoch != '\0') return std::strtoll(epoch, nullptr, 10);
    return unix_seconds(SystemClock().wall());
  }

  Result<void> write_statement(const eif::RuntimeReleases& releases) {
    wire::ReleaseStatement& statement = out_.statement;
    statement.app = project_.name;
    statement.counter = out_.lock.counter;
    statement.pcr0 = out_.measurements.pcr0;
    statement.pcr1 = out_.measurements.pcr1;
    statement.pcr2 = out_.measurements.pcr2;
    statement.pcr8 = out_.measurements.pcr8;
    const auto match = eif::find_release(releases, out_.measurements.pcr1);
    statement.runtime = match ? match->release.version + " " + match->release.build : "unknown";
    statement.not_after = out_.lock.not_after;
    std::optional<crypto::PrivateKey> key;
    std::optional<crypto::DeterministicSigner> signer;
    if (!request_.release_key.empty()) {
      TRY_ASSIGN(key, read_private_key(request_.release_key));
      signer.emplace(*key);
    }
    TRY_ASSIGN(const std::string text, crypto::write_release_file(statement, signer ? &*signer : nullptr));
    return write_file(out_folder() / "release.json", as_bytes(text));
  }

  const BuildRequest& request_;
  Terminal& terminal_;
  image::Project project_;
  BuildResult out_;
};

}  // namespace

Result<BuildResult> build_cage(const BuildRequest& request, Terminal& terminal) {
  return Build(request, terminal).run();
}

}  // namespace cages::cli
