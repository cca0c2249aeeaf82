// SPDX-License-Identifier: Apache-2.0
#include "image/compare.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <set>

#include "image/ramdisk.h"

namespace cages::image {
namespace {

constexpr std::string_view kRuntimePath = "init";
constexpr std::uint32_t kTypeMask = 0170000;

std::string kind(const FileFacts& facts) {
  switch (facts.mode & kTypeMask) {
    case 0040000: return "directory";
    case 0100000: return "file";
    case 0120000: return "symlink";
    default: return "special file";
  }
}

std::string octal(std::uint32_t mode) {
  char text[8];
  std::snprintf(text, sizeof text, "%04o", mode & 07777);
  return text;
}

std::string owner(const FileFacts& facts) { return std::to_string(facts.uid) + ":" + std::to_string(facts.gid); }

std::string size_words(const FileFacts& a, const FileFacts& b) {
  if (a.bytes == b.bytes) return std::to_string(a.bytes) + " bytes as before";
  return std::to_string(a.bytes) + " -> " + std::to_string(b.bytes) + " bytes";
}

void compare_one(const std::string& path, const FileFacts& a, const FileFacts& b, std::vector<std::string>& to) {
  const std::string what = kind(b) + " " + path;
  if (kind(a) != kind(b)) {
    to.push_back(path + " was a " + kind(a) + " and is now a " + kind(b));
    return;
  }
  if (a.content != b.content || (kind(b) == "file" && a.bytes != b.bytes)) {
    to.push_back(what + ": content differs (" + size_words(a, b) + ")");
  }
  if ((a.mode & 07777) != (b.mode & 07777)) to.push_back(what + ": mode " + octal(a.mode) + " -> " + octal(b.mode));
  if (a.uid != b.uid || a.gid != b.gid) to.push_back(what + ": owner " + owner(a) + " -> " + owner(b));
  if (a.link != b.link) {
    const auto words = [](const std::string& link) { return link.empty() ? "nothing" : printable(link, 256); };
    to.push_back(what + (kind(b) == "symlink" ? ": points to " : ": another name of ") + words(a.link) + " -> " +
                 words(b.link));
  }
  if (a.mtime != b.mtime) to.push_back(what + ": time " + std::to_string(a.mtime) + " -> " + std::to_string(b.mtime));
}

// Files of the user's image as the app sees them, everything else as it is in its ramdisk.
std::string shown_path(std::string_view path, std::size_t ramdisk) {
  const std::string prefix = std::string(kRootfsFolder) + "/";
  if (ramdisk > 0 && path.starts_with(prefix)) return "/" + printable(path.substr(prefix.size()), 512);
  return printable(path, 512) + " of ramdisk " + std::to_string(ramdisk);
}

class Comparison {
 public:
  Comparison(const Snapshot& before, const Snapshot& after, const NameRuntime& name_runtime)
      : a_(before), b_(after), name_runtime_(name_runtime) {}

  std::vector<Change> run() {
    compare_signer();
    compare_boot();
    compare_policy();
    for (std::size_t i = 0; i < std::max(a_.ramdisks.size(), b_.ramdisks.size()); ++i) compare_ramdisk(i);
    compare_config();
    compare_unmeasured();
    explain_the_rest();
    return std::move(out_);
  }

 private:
  void add(std::string sentence, std::vector<int> pcrs) { out_.push_back({std::move(sentence), std::move(pcrs)}); }

  // A container image has no boot parts: nothing to say about those of the other side.
  [[nodiscard]] bool both_enclave_images() const { return !a_.kernel.empty() && !b_.kernel.empty(); }

  void compare_signer() {
    if (!both_enclave_images() || a_.signer == b_.signer) return;
    const auto words = [](const std::string& signer) { return signer.empty() ? "unsigned" : signer; };
    add("signer differs: " + words(a_.signer) + " -> " + words(b_.signer), {8});
  }

  void compare_boot() {
    if (!both_enclave_images()) return;
    if (a_.kernel != b_.kernel) add("kernel differs: " + a_.kernel + " -> " + b_.kernel, {0, 1});
    if (a_.cmdline != b_.cmdline) {
      add("kernel command line differs: \"" + printable(a_.cmdline, 512) + "\" -> \"" + printable(b_.cmdline, 512) +
              "\"",
          {0, 1});
    }
  }

  void compare_policy() {
    if (!a_.manifest || !b_.manifest) return;
    for (std::string& sentence : compare_manifests(*a_.manifest, *b_.manifest)) add(std::move(sentence), {0, 2});
  }

  static std::vector<int> pcrs_of(std::size_t ramdisk) { return ramdisk == 0 ? std::vector{0, 1} : std::vector{0, 2}; }

  void compare_ramdisk(std::size_t index) {
    const bool in_a = index < a_.ramdisks.size();
    const bool in_b = index < b_.ramdisks.size();
    if (!in_a || !in_b)
      return add("ramdisk " + std::to_string(index) + " is only in the " + (in_a ? "first" : "second"), pcrs_of(index));
    const Ramdisk& a = a_.ramdisks[index];
    const Ramdisk& b = b_.ramdisks[index];
    if (both_enclave_images() && a.digest == b.digest) return;
    if (!a.files || !b.files) {
      return add(
          "ramdisk " + std::to_string(index) + " differs and cannot be listed (" + (a.files ? b : a).unreadable + ")",
          pcrs_of(index));
    }
    compare_listed(index, *a.files, *b.files);
  }

  void compare_listed(std::size_t index, FileList a, FileList b) {
    const std::size_t before = out_.size();
    if (index == 0) compare_runtime(a, b);
    bool explained = out_.size() != before;
    if (a_.manifest && b_.manifest && index == 1 && *a_.manifest != *b_.manifest) {
      a.erase(std::string(wire::kManifestPath));
      b.erase(std::string(wire::kManifestPath));
      explained = true;
    }
    const auto shown = [index](std::string_view path) { return shown_path(path, index); };
    for (std::string& sentence : compare_files(a, b, shown)) add(std::move(sentence), pcrs_of(index));
    explained = explained || out_.size() != before;
    if (!explained && both_enclave_images()) {
      add("ramdisk " + std::to_string(index) + " holds the same files, packed differently", pcrs_of(index));
    }
  }

  // /init of ramdisk 0 is the runtime: its release says more than its bytes.
  void compare_runtime(FileList& a, FileList& b) {
    const auto in_a = a.find(kRuntimePath);
    const auto in_b = b.find(kRuntimePath);
    if (in_a == a.end() || in_b == b.end() || in_a->second.content == in_b->second.content) return;
    add("runtime differs: " + name_runtime_(a_.measurements.pcr1) + ", SHA-256 " + hex(in_a->second.content) + " -> " +
            name_runtime_(b_.measurements.pcr1) + ", SHA-256 " + hex(in_b->second.content),
        {0, 1});
    in_b->second.content = in_a->second.content;
    in_b->second.bytes = in_a->second.bytes;
  }

  void compare_config() {
    const auto value = [](const auto& config, const std::string& name) -> std::string {
      const auto found = std::ranges::find(config, name, &std::pair<std::string, std::string>::first);
      return found == config.end() || found->second.empty() ? "none" : "\"" + printable(found->second, 256) + "\"";
    };
    if (both_enclave_images() || a_.config.empty() || b_.config.empty()) return;
    std::set<std::string> names;
    for (const auto& [name, text] : a_.config) names.insert(name);
    for (const auto& [name, text] : b_.config) names.insert(name);
    for (const std::string& name : names) {
      const std::string before = value(a_.config, name);
      const std::string after = value(b_.config, name);
      if (before != after) add("setting " + name + ": " + before + " -> " + after, {0, 2});
    }
  }

  void compare_unmeasured() {
    if (!both_enclave_images()) return;
    if (a_.arch != b_.arch) add("architecture in the header: " + a_.arch + " -> " + b_.arch, {});
    if (a_.metadata != b_.metadata) add("metadata differ", {});
  }

  void explain_the_rest() {
    if (!both_enclave_images()) return;
    const std::array differs{a_.measurements.pcr0 != b_.measurements.pcr0, a_.measurements.pcr1 != b_.measurements.pcr1,
                             a_.measurements.pcr2 != b_.measurements.pcr2};
    for (int pcr = 0; pcr < 3; ++pcr) {
      const bool explained =
          std::ranges::any_of(out_, [&](const Change& c) { return std::ranges::find(c.pcrs, pcr) != c.pcrs.end(); });
      if (differs.at(static_cast<std::size_t>(pcr)) && !explained) {
        add("something differs that this comparison does not see", {pcr});
      }
    }
    // Boundaries between sections are not measured: a change may leave a PCR as it was.
    for (Change& change : out_) {
      const auto unchanged = [&](int pcr) { return pcr < 3 && !differs.at(static_cast<std::size_t>(pcr)); };
      if (std::erase_if(change.pcrs, unchanged) != 0 && change.pcrs.empty()) {
        change.sentence += ", yet the same bytes are measured: they moved from one section to another";
      }
    }
  }

  const Snapshot& a_;
  const Snapshot& b_;
  const NameRuntime& name_runtime_;
  std::vector<Change> out_;
};

}  // namespace

std::vector<std::string> compare_files(const FileList& before, const FileList& after,
                                       const std::function<std::string(std::string_view)>& shown) {
  std::vector<std::string> out;
  for (const auto& [path, facts] : before) {
    const auto other = after.find(path);
    if (other == after.end()) {
      out.push_back(kind(facts) + " " + shown(path) + " is gone");
    } else {
      compare_one(shown(path), facts, other->second, out);
    }
  }
  for (const auto& [path, facts] : after) {
    if (!before.contains(path)) {
      out.push_back(kind(facts) + " " + shown(path) + " is new (" + octal(facts.mode) + ", " + owner(facts) + ", " +
                    std::to_string(facts.bytes) + " bytes)");
    }
  }
  return out;
}

std::vector<Change> compare(const Snapshot& before, const Snapshot& after, const NameRuntime& name_runtime) {
  return Comparison(before, after, name_runtime).run();
}

}  // namespace cages::image
