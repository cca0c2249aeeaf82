// SPDX-License-Identifier: Apache-2.0
#include "http/headers.h"

#include <algorithm>

#include "base/text.h"

namespace cages::http {
namespace {

bool is_token_character(char c) {
  constexpr std::string_view kOthers = "!#$%&'*+-.^_`|~";
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
         kOthers.find(c) != std::string_view::npos;
}

}  // namespace

void Headers::set(std::string_view name, std::string value) {
  remove(name);
  add(std::string(name), std::move(value));
}

std::size_t Headers::remove(std::string_view name) {
  return std::erase_if(list_, [&](const Header& h) { return ascii_iequal(h.name, name); });
}

const std::string* Headers::find(std::string_view name) const {
  const auto found = std::ranges::find_if(list_, [&](const Header& h) { return ascii_iequal(h.name, name); });
  return found == list_.end() ? nullptr : &found->value;
}

std::size_t Headers::count(std::string_view name) const {
  return static_cast<std::size_t>(
      std::ranges::count_if(list_, [&](const Header& h) { return ascii_iequal(h.name, name); }));
}

bool Headers::has_token(std::string_view name, std::string_view token) const {
  return std::ranges::any_of(tokens(name), [&](const std::string& t) { return ascii_iequal(t, token); });
}

std::vector<std::string> Headers::tokens(std::string_view name) const {
  std::vector<std::string> out;
  for (const Header& header : list_) {
    if (!ascii_iequal(header.name, name)) continue;
    for (const std::string_view part : split(header.value, ',')) {
      if (const std::string_view token = trim(part); !token.empty()) out.emplace_back(token);
    }
  }
  return out;
}

bool is_token(std::string_view text) { return !text.empty() && std::ranges::all_of(text, is_token_character); }

bool is_field_value(std::string_view text) {
  return std::ranges::all_of(text, [](char c) {
    const auto b = static_cast<unsigned char>(c);
    return b == '\t' || (b >= 0x20 && b != 0x7f);
  });
}

Task<Result<std::size_t>> BytesBody::read_some(std::span<Byte> into) {
  const std::size_t n = std::min(into.size(), bytes_.size() - used_);
  std::copy_n(bytes_.begin() + static_cast<std::ptrdiff_t>(used_), n, into.begin());
  used_ += n;
  co_return n;
}

Task<Result<Bytes>> read_body(Body& body, std::size_t bytes_max) {
  constexpr std::size_t kStepBytes = 16 * 1024;
  if (body.length() && *body.length() > bytes_max) {
    co_return fail(Code::LIMIT, "body", "at most " + std::to_string(bytes_max) + " bytes",
                   std::to_string(*body.length()));
  }
  Bytes whole;
  for (;;) {
    const std::size_t used = whole.size();
    whole.resize(used + std::min(kStepBytes, bytes_max + 1 - used));
    CO_TRY_ASSIGN(const std::size_t n, co_await body.read_some(std::span(whole).subspan(used)));
    whole.resize(used + n);
    if (n == 0) co_return whole;
    if (whole.size() > bytes_max) {
      co_return fail(Code::LIMIT, "body", "at most " + std::to_string(bytes_max) + " bytes", "more");
    }
  }
}

}  // namespace cages::http
