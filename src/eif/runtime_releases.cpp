// SPDX-License-Identifier: Apache-2.0
#include "eif/runtime_releases.h"

#include <algorithm>

#include "crypto/cose.h"

namespace cages::eif {
namespace {

// In front of the list in what is signed, so that no other signed text can pass for one.
constexpr std::string_view kLabel = "cages/runtime-releases/1\n";

Error bad(std::string_view member) {
  return Error(Code::JSON, "runtime releases", std::string(member), "something else");
}

Result<crypto::Digest384> read_pcr(const Json& from) {
  TRY_ASSIGN(const Bytes bytes, parse_hex(from.text_or("pcr1", "")));
  crypto::Digest384 out{};
  if (bytes.size() != out.size()) return fail(bad("pcr1 of 48 bytes"));
  std::ranges::copy(bytes, out.begin());
  return out;
}

bool is_hex(std::string_view text, std::size_t digits) {
  return text.size() == digits && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

Result<RuntimeRelease> read_release(const Json& from) {
  RuntimeRelease out;
  out.version = from.text_or("version", "");
  out.build = from.text_or("build", "");
  out.sha256 = from.text_or("sha256", "");
  const std::string arch = from.text_or("arch", "");
  if (out.version.empty() || out.build.empty()) return fail(bad("version and build"));
  if (arch != name(Arch::x86_64) && arch != name(Arch::aarch64)) return fail(bad("arch x86_64 or aarch64"));
  out.arch = arch == name(Arch::x86_64) ? Arch::x86_64 : Arch::aarch64;
  if (!is_hex(out.sha256, 64)) return fail(bad("sha256"));
  out.ramdisk = from.text_or("ramdisk", "");
  if (!is_hex(out.ramdisk, 96)) return fail(bad("ramdisk"));
  const Json* kernels = from.find("kernels");
  if (kernels == nullptr || !kernels->is_array()) return fail(bad("kernels"));
  for (const Json& row : *kernels->as_array()) {
    KernelRelease kernel{row.text_or("name", ""), row.text_or("sha256", ""), {}};
    if (kernel.sha256 != "none" && !is_hex(kernel.sha256, 64)) return fail(bad("a kernel's sha256"));
    TRY_ASSIGN(kernel.pcr1, read_pcr(row));
    out.kernels.push_back(std::move(kernel));
  }
  if (const Json* record = from.find("record")) out.record = *record;
  return out;
}

Json to_json(const RuntimeReleases& releases) {
  Json::Array rows;
  for (const RuntimeRelease& release : releases.list) {
    Json::Array kernels;
    for (const KernelRelease& kernel : release.kernels) {
      kernels.push_back(Json::object({{"name", kernel.name}, {"sha256", kernel.sha256}, {"pcr1", hex(kernel.pcr1)}}));
    }
    rows.push_back(Json::object({{"version", release.version},
                                 {"build", release.build},
                                 {"arch", name(release.arch)},
                                 {"sha256", release.sha256},
                                 {"ramdisk", release.ramdisk},
                                 {"kernels", Json(kernels)},
                                 {"record", release.record}}));
  }
  return rows;
}

std::string signed_text(const RuntimeReleases& releases) { return std::string(kLabel) + write_json(to_json(releases)); }

}  // namespace

Result<RuntimeReleases> parse_runtime_releases(std::string_view text) {
  TRY_ASSIGN(const Json json, parse_json(text));
  const Json* list = json.find("releases");
  if (json.int_or("v", 0) != 1 || list == nullptr || !list->is_array()) return fail(bad("\"v\":1 and \"releases\""));
  RuntimeReleases out;
  for (const Json& row : *list->as_array()) {
    TRY_ASSIGN(RuntimeRelease release, read_release(row));
    out.list.push_back(std::move(release));
  }
  return out;
}

Result<std::string> write_runtime_releases(const RuntimeReleases& releases, const crypto::Signer* key) {
  Json signature;
  if (key != nullptr) {
    TRY_ASSIGN(const Bytes cose, crypto::sign_cose(as_bytes(signed_text(releases)), *key));
    signature = base64(cose);
  }
  return write_json(Json::object({{"v", 1}, {"releases", to_json(releases)}, {"signed", signature}}), 2) + "\n";
}

Result<RuntimeReleases> verify_runtime_releases(std::string_view text, const crypto::PublicKey& key) {
  TRY_ASSIGN(RuntimeReleases releases, parse_runtime_releases(text));
  TRY_ASSIGN(const Json json, parse_json(text));
  TRY_ASSIGN(const Bytes cose, parse_base64(json.text_or("signed", "")));
  const auto text_signed = crypto::read_cose(cose);
  if (!text_signed || !crypto::verify_cose(*text_signed, key) ||
      as_text(text_signed->payload) != signed_text(releases)) {
    return fail(Code::RELEASE_STATEMENT, "runtime releases", "signed by the key given", "not so");
  }
  return releases;
}

std::optional<ReleaseMatch> find_release(const RuntimeReleases& releases, const crypto::Digest384& pcr1) {
  for (const RuntimeRelease& release : releases.list) {
    const auto kernel = std::ranges::find(release.kernels, pcr1, &KernelRelease::pcr1);
    if (kernel != release.kernels.end()) return ReleaseMatch{release, &*kernel};
  }
  return std::nullopt;
}

std::optional<ReleaseMatch> find_release(const RuntimeReleases& releases, const crypto::Digest384& pcr1,
                                         std::string_view ramdisk) {
  if (auto match = find_release(releases, pcr1)) return match;
  const auto release = std::ranges::find(releases.list, ramdisk, &RuntimeRelease::ramdisk);
  if (release == releases.list.end()) return std::nullopt;
  return ReleaseMatch{*release, nullptr};
}

Json release_json(const std::optional<ReleaseMatch>& match) {
  if (!match) return "unknown";
  return Json::object({{"Version", match->release.version},
                       {"Build", match->release.build},
                       {"Architecture", name(match->release.arch)},
                       {"Sha256", match->release.sha256},
                       {"Kernel", match->kernel == nullptr ? "unknown" : match->kernel->name},
                       {"BuildRecord", match->release.record}});
}

}  // namespace cages::eif
