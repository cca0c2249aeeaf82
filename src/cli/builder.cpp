// SPDX-License-Identifier: Apache-2.0
#include "cli/builder.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>

#include "base/file.h"
#include "base/paths.h"
#include "base/process.h"
#include "base/text.h"

namespace cages::cli {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t kWordsMax = 2000;  // of a builder's last words, in an error
constexpr std::size_t kSmallFileMax = 1024 * 1024;
constexpr std::string_view kRemembered = "builder";

// In the order in which they are tried.
constexpr auto kCandidates = std::to_array<Builder>({{BuilderKind::docker, false, false},
                                                     {BuilderKind::podman, false, false},
                                                     {BuilderKind::podman, true, false},
                                                     {BuilderKind::buildah, false, false},
                                                     {BuilderKind::buildah, true, false},
                                                     {BuilderKind::buildah, true, true}});

std::string program_of(BuilderKind kind) {
  switch (kind) {
    case BuilderKind::docker: return "docker";
    case BuilderKind::podman: return "podman";
    case BuilderKind::buildah: return "buildah";
  }
  std::unreachable();
}

// Debian's buildah and podman refuse to do anything where this file is missing, and do not depend on the package that
// has it.
Result<fs::path> signature_policy(const fs::path& cache) {
  const fs::path path = cache / "containers-policy.json";
  std::error_code error;
  if (!fs::exists(path, error))
    TRY(write_file(path, as_bytes(R"({"default":[{"type":"insecureAcceptAnything"}]})"
                                  "\n")));
  return path;
}

Result<fs::path> cache_folder() {
  TRY_ASSIGN(const fs::path cache, user_folder(UserFolder::cache));
  std::error_code error;
  fs::create_directories(cache, error);
  if (error) return fail(Code::IO, cache.string(), "", error.message());
  return cache;
}

// The program with the flags that come before its sub-command. Another platform has a store of its own: podman and
// buildah take layers that they have, for whatever architecture those were made.
Result<std::vector<std::string>> call(const Builder& builder, const BuildJob& job) {
  std::vector<std::string> argv{program_of(builder.kind)};
  const bool apart = !job.platform.empty() && builder.kind != BuilderKind::docker;
  if (!builder.own_store && !apart) return argv;
  TRY_ASSIGN(const fs::path cache, cache_folder());
  const fs::path images = apart ? cache / "images" / job.platform : cache / "images";
  for (const std::string& word : {std::string("--storage-driver"), std::string("vfs"), std::string("--root"),
                                  (images / "store").string(), std::string("--runroot"), (images / "run").string()}) {
    argv.push_back(word);
  }
  return argv;
}

void add(std::vector<std::string>& argv, std::initializer_list<std::string> words) { argv.insert(argv.end(), words); }

Result<void> add_policy(const Builder& builder, std::vector<std::string>& argv) {
  std::error_code error;
  const char* home = std::getenv("HOME");
  const bool has_policy = fs::exists("/etc/containers/policy.json", error) ||
                          (home != nullptr && fs::exists(fs::path(home) / ".config/containers/policy.json", error));
  if (builder.kind == BuilderKind::docker || has_policy) return {};
  TRY_ASSIGN(const fs::path cache, cache_folder());
  TRY_ASSIGN(const fs::path policy, signature_policy(cache));
  add(argv, {"--signature-policy", policy.string()});
  return {};
}

Result<std::vector<std::string>> build_call(const Builder& builder, const BuildJob& job, const fs::path& dockerfile) {
  TRY_ASSIGN(std::vector<std::string> argv, call(builder, job));
  argv.emplace_back(builder.kind == BuilderKind::buildah ? "bud" : "build");
  if (builder.chroot) add(argv, {"--isolation", "chroot"});
  if (!job.platform.empty()) add(argv, {"--platform", job.platform});
  TRY(add_policy(builder, argv));
  if (builder.kind != BuilderKind::docker) {
    // Docker's own format keeps HEALTHCHECK and SHELL, which OCI's drops; layers are kept for the next build.
    add(argv,
        {"--format", "docker", "--layers", "--timestamp", "0", "--ignorefile", dockerfile.string() + ".dockerignore"});
  }
  add(argv, {"-t", job.tag, "-f", dockerfile.string(), job.context.string()});
  return argv;
}

Result<std::vector<std::string>> save_call(const Builder& builder, const BuildJob& job, const fs::path& archive) {
  TRY_ASSIGN(std::vector<std::string> argv, call(builder, job));
  if (builder.kind == BuilderKind::buildah) {
    argv.emplace_back("push");
    TRY(add_policy(builder, argv));
    add(argv, {"--quiet", job.tag, "docker-archive:" + archive.string() + ":" + job.tag + ":latest"});
    return argv;
  }
  argv.emplace_back("save");
  if (builder.kind == BuilderKind::podman) add(argv, {"--format", "docker-archive"});
  add(argv, {"-o", archive.string(), job.tag});
  return argv;
}

std::string last_words(const fs::path& log) {
  const auto text = read_file(log, 64 * kSmallFileMax);
  if (!text) return "";
  const std::string_view words = trim(as_text(*text));
  const std::string_view end = words.substr(words.size() - std::min(words.size(), kWordsMax));
  std::string out;
  for (const std::string_view line : split(end, '\n')) out += (out.empty() ? "" : "\n  ") + printable(line, 400);
  return out;
}

Result<void> run_step(const std::vector<std::string>& argv, const BuildJob& job) {
  const fs::path log_path = job.folder / "builder.log";
  const Fd log(::open(log_path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  if (!log) return fail(errno_error(log_path.string(), errno));
  const int out = job.show_output ? STDERR_FILENO : log.get();
  // Docker's builder before BuildKit knows no list beside the Dockerfile: our own output would become part of the
  // image.
  TRY_ASSIGN(Child child, Child::start({argv, {"DOCKER_BUILDKIT=1"}, {}}, out, out));
  if (child.wait() == 0) return {};
  return fail(Code::BUILDER, argv[0], "success",
              job.show_output ? "a failure, above" : "a failure:\n  " + last_words(log_path));
}

// The context never holds what we write ourselves: each build would change the next. Builders take the list of what to
// leave out from beside the Dockerfile.
Result<fs::path> prepare_dockerfile(const BuildJob& job) {
  TRY_ASSIGN(const Bytes dockerfile, read_file(job.dockerfile, kSmallFileMax));
  const fs::path copy = job.folder / "Dockerfile";
  TRY(write_file(copy, dockerfile));
  Bytes ignored;
  for (const fs::path& list : {fs::path(job.dockerfile.string() + ".dockerignore"), job.context / ".containerignore",
                               job.context / ".dockerignore"}) {
    std::error_code error;
    if (!fs::exists(list, error)) continue;
    TRY_ASSIGN(ignored, read_file(list, kSmallFileMax));
    break;
  }
  append(ignored, as_bytes("\n.cage\ncage.lock\n"));
  TRY(write_file(copy.string() + ".dockerignore", ignored));
  return copy;
}

Result<void> build_and_save(const Builder& builder, const BuildJob& job, const fs::path& archive) {
  TRY_ASSIGN(const fs::path dockerfile, prepare_dockerfile(job));
  TRY_ASSIGN(const auto build, build_call(builder, job, dockerfile));
  TRY(run_step(build, job));
  TRY_ASSIGN(const auto save, save_call(builder, job, archive));
  return run_step(save, job);
}

Result<void> try_builder(const Builder& builder, const fs::path& folder) {
  const fs::path trial = folder / "trial";
  std::error_code error;
  fs::remove_all(trial, error);
  fs::create_directories(trial / "context", error);
  TRY(write_file(trial / "context" / "file", as_bytes("x")));
  TRY(write_file(trial / "context" / "Dockerfile", as_bytes("FROM scratch\nCOPY file /file\n")));
  BuildJob job{trial / "context" / "Dockerfile", trial / "context", trial, "cages/trial", "", false};
  auto outcome = build_and_save(builder, job, trial / "image.tar");
  fs::remove_all(trial, error);
  return outcome;
}

std::optional<Builder> remembered(const std::string& chosen) {
  const auto cache = user_folder(UserFolder::cache);
  if (!cache) return std::nullopt;
  const auto text = read_file(*cache / kRemembered, 256);
  if (!text) return std::nullopt;
  for (const Builder& candidate : kCandidates) {
    const std::string program = program_of(candidate.kind);
    if (candidate.name() != trim(as_text(*text)) || (!chosen.empty() && chosen != program)) continue;
    if (find_program(program)) return candidate;
  }
  return std::nullopt;
}

void remember(const Builder& builder) {
  const auto cache = cache_folder();
  if (cache) (void)write_file(*cache / kRemembered, as_bytes(builder.name() + "\n"));  // only saves time
}

}  // namespace

std::string Builder::name() const {
  return program_of(kind) + (own_store ? " --storage-driver vfs" : "") + (chroot ? " --isolation chroot" : "");
}

Result<Builder> find_builder(const std::string& chosen, const fs::path& folder) {
  const bool known = chosen.empty() || chosen == "docker" || chosen == "podman" || chosen == "buildah";
  if (!known) return fail(Code::USAGE, "--builder", "docker, podman or buildah", printable(chosen));
  if (const auto last = remembered(chosen)) return *last;
  return try_builders(chosen, folder);
}

Result<Builder> try_builders(const std::string& chosen, const fs::path& folder) {
  std::string tried;
  for (const Builder& candidate : kCandidates) {
    const std::string program = program_of(candidate.kind);
    if (!chosen.empty() && chosen != program) continue;
    if (!find_program(program)) {
      if (!candidate.chroot) tried += "\n  " + program + ": not installed";
      continue;
    }
    const auto outcome = try_builder(candidate, folder);
    if (outcome) {
      remember(candidate);
      return candidate;
    }
    tried += "\n  " + candidate.name() + ": " + outcome.error().got;
  }
  return fail(Code::BUILDER, "Dockerfile", "a builder that works (on Debian: apt install buildah)", tried);
}

Result<fs::path> build_archive(const Builder& builder, const BuildJob& job) {
  fs::path archive = job.folder / "image.tar";
  auto outcome = build_and_save(builder, job, archive);
  // The trial has no RUN: where containers cannot be started, only a build that has one tells.
  if (!outcome && !builder.chroot && builder.kind != BuilderKind::docker) {
    Builder again = builder;
    again.chroot = true;
    outcome = build_and_save(again, job, archive);
    if (outcome) remember(again);
  }
  if (!outcome) {
    // What worked once need not work now: the next build looks again.
    if (const auto cache = user_folder(UserFolder::cache)) ::unlink((*cache / kRemembered).c_str());
    return fail(std::move(outcome).error());
  }
  return archive;
}

}  // namespace cages::cli
