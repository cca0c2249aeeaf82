// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <filesystem>

#include "base/file.h"
#include "cli/installed.h"
#include "cli/verb.h"
#include "image/compare.h"

namespace cages::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kMagic = ".eif";

bool is_enclave_image(const fs::path& path) {
  const auto source = eif::open_source(path);
  std::array<Byte, kMagic.size()> magic{};
  return source && (*source)->read_at(0, magic) && as_text(magic) == kMagic;
}

Result<image::Snapshot> open_side(const fs::path& path) {
  std::error_code error;
  const image::LoadOptions options{.spool_folder = fs::temp_directory_path(error), .progress = {}, .total = {}};
  if (fs::is_directory(path, error)) {
    const bool oci = fs::exists(path / "oci-layout", error);
    TRY_ASSIGN(const image::Image image, oci ? load_oci_layout(path, options) : load_rootfs(path, options));
    return image::take_snapshot(image);
  }
  if (is_enclave_image(path)) {
    TRY_ASSIGN(auto source, eif::open_source(path));
    TRY_ASSIGN(const eif::EifFile file, eif::EifFile::open(std::move(source), eif::Gaps::report));
    return image::take_snapshot(file);
  }
  TRY_ASSIGN(const image::Image image, load_docker_archive(path, options));
  return image::take_snapshot(image);
}

std::string pcr_words(const std::vector<int>& pcrs) {
  if (pcrs.empty()) return "(changes no PCR)";
  std::string out = "(changes ";
  for (std::size_t i = 0; i < pcrs.size(); ++i) {
    out += (i == 0 ? "" : i + 1 == pcrs.size() ? " and " : ", ") + std::string("PCR") + std::to_string(pcrs[i]);
  }
  return out + ")";
}

Json to_json(const std::vector<image::Change>& changes) {
  Json::Array rows;
  for (const image::Change& change : changes) {
    Json::Array pcrs;
    for (const int pcr : change.pcrs) pcrs.emplace_back(pcr);
    rows.push_back(Json::object({{"change", change.sentence}, {"pcrs", Json(pcrs)}}));
  }
  return Json::object({{"equal", changes.empty()}, {"changes", Json(rows)}});
}

std::string runtime_words(const eif::RuntimeReleases& releases, const crypto::Digest384& pcr1) {
  const auto match = eif::find_release(releases, pcr1);
  if (!match) return "unknown release";
  return "release " + match->release.version + " " + match->release.build;
}

class Diff final : public Verb {
 public:
  [[nodiscard]] std::string_view name() const override { return "diff"; }
  [[nodiscard]] std::string_view summary() const override {
    return "say which file, mode or setting of two images changes which PCR";
  }
  void declare(Options& options) override {
    options.positional("A", before_, "an enclave image, an OCI layout, a docker archive or a root file system")
        .positional("B", after_, "another of the same kind");
  }
  Result<int> run(Terminal& terminal) override {
    TRY_ASSIGN(const eif::RuntimeReleases releases, load_runtime_releases("", ""));
    TRY_ASSIGN(const image::Snapshot before, open_side(before_));
    TRY_ASSIGN(const image::Snapshot after, open_side(after_));
    if (before.kernel.empty() != after.kernel.empty()) {
      return fail(Code::USAGE, "diff", "two enclave images or two container images", "one of each");
    }
    const auto changes =
        image::compare(before, after, [&](const crypto::Digest384& pcr1) { return runtime_words(releases, pcr1); });
    std::string text;
    for (const image::Change& change : changes) text += change.sentence + "  " + pcr_words(change.pcrs) + "\n";
    terminal.result(to_json(changes), changes.empty() ? "no difference\n" : text);
    return 0;
  }

 private:
  std::string before_;
  std::string after_;
};

}  // namespace

std::unique_ptr<Verb> make_diff() { return std::make_unique<Diff>(); }

}  // namespace cages::cli
