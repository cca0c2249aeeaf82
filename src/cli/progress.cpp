// SPDX-License-Identifier: Apache-2.0
#include "cli/progress.h"

#include <algorithm>

namespace cages::cli {
namespace {

constexpr std::size_t kWidth = 32;
constexpr std::uint64_t kMebibyte = 1024 * 1024;
constexpr std::chrono::milliseconds kEvery{100};

}  // namespace

ProgressBar::ProgressBar(Terminal& terminal, std::string what)
    : terminal_(terminal), what_(std::move(what)), next_(std::chrono::steady_clock::now() + kEvery) {}

ProgressBar::~ProgressBar() {
  if (shown_) terminal_.err << "\r\x1b[K" << std::flush;
}

void ProgressBar::advance(std::uint64_t bytes) {
  done_ += bytes;
  if (!terminal_.interactive || terminal_.json) return;
  const auto now = std::chrono::steady_clock::now();
  if (now < next_) return;
  next_ = now + kEvery;
  shown_ = true;
  terminal_.err << "\r\x1b[K" << what_ << "  ";
  if (total_ > 0) {
    const auto filled = static_cast<std::size_t>(std::min(done_, total_) * kWidth / total_);
    terminal_.err << std::string(filled, '#') << std::string(kWidth - filled, '.') << "  ";
  }
  terminal_.err << done_ / kMebibyte << " MiB" << std::flush;
}

}  // namespace cages::cli
