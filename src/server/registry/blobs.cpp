// SPDX-License-Identifier: Apache-2.0
#include "server/registry/blobs.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <string>

#include "base/limits.h"

namespace cages::server {
namespace {

constexpr std::string_view kUploadPrefix = "upload-";

std::filesystem::path path_in(const std::filesystem::path& folder, ByteView sha256) { return folder / (hex(sha256) + ".eif"); }

}  // namespace

Upload::Upload(std::filesystem::path folder, std::filesystem::path temporary, Fd file)
    : folder_(std::move(folder)), temporary_(std::move(temporary)), file_(std::move(file)) {}

Upload::Upload(Upload&& other) noexcept
    : folder_(std::move(other.folder_)), temporary_(std::exchange(other.temporary_, {})), file_(std::move(other.file_)),
      hasher_(std::move(other.hasher_)), bytes_(other.bytes_) {}

Upload::~Upload() {
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

Result<void> Upload::write(ByteView bytes) {
  bytes_ += bytes.size();
  if (bytes_ > limits::kImageUploadBytesMax) {
    return fail(Code::LIMIT, "image", std::to_string(limits::kImageUploadBytesMax) + " bytes", "more");
  }
  hasher_.update(bytes);
  while (!bytes.empty()) {
    const ssize_t count = ::write(file_.get(), bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return fail(errno_error(temporary_.string(), errno));
    bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
  return {};
}

Result<Blob> Upload::finish() {
  Blob blob;
  std::ranges::copy(hasher_.finish(), blob.sha256.begin());
  blob.bytes = bytes_;
  blob.path = path_in(folder_, blob.sha256);
  if (::fsync(file_.get()) != 0 || ::rename(temporary_.c_str(), blob.path.c_str()) != 0) {
    return fail(errno_error(blob.path.string(), errno));
  }
  temporary_.clear();
  return blob;
}

Result<Blobs> Blobs::open(std::filesystem::path folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) return fail(errno_error(folder.string(), error.value()));
  std::filesystem::permissions(folder, std::filesystem::perms(0700), error);
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    if (entry.path().filename().string().starts_with(kUploadPrefix)) std::filesystem::remove(entry.path(), error);
  }
  return Blobs(std::move(folder));
}

Result<Upload> Blobs::begin() {
  std::string pattern = (folder_ / (std::string(kUploadPrefix) + "XXXXXX")).string();
  Fd file(::mkostemp(pattern.data(), O_CLOEXEC));
  if (!file) return fail(errno_error(pattern, errno));
  return Upload(folder_, pattern, std::move(file));
}

std::filesystem::path Blobs::path(const crypto::Digest256& sha256) const { return path_in(folder_, sha256); }

}  // namespace cages::server
