// SPDX-License-Identifier: Apache-2.0
// Result<T>: a value or an Error, and never ignored. For every part; own code neither throws nor catches.
#pragma once

#include <expected>
#include <utility>

#include "base/error.h"

namespace cages {

template <class T>
class [[nodiscard]] Result : public std::expected<T, Error> {
 public:
  using std::expected<T, Error>::expected;
};

template <>
class [[nodiscard]] Result<void> : public std::expected<void, Error> {
 public:
  using std::expected<void, Error>::expected;
};

// fail makes the error side of any Result: `return fail(Code::COSE_ALG, "", "-35 (ES384)", "-7");`
[[nodiscard]] inline std::unexpected<Error> fail(Code code, std::string subject = {}, std::string expected = {},
                                                 std::string got = {},
                                                 std::source_location where = std::source_location::current()) {
  return std::unexpected<Error>(Error(code, std::move(subject), std::move(expected), std::move(got), where));
}
[[nodiscard]] inline std::unexpected<Error> fail(Error error) { return std::unexpected<Error>(std::move(error)); }

}  // namespace cages

#define CAGES_CONCAT_(a, b) a##b
#define CAGES_CONCAT(a, b) CAGES_CONCAT_(a, b)

// TRY(expr): go on if the Result holds a value, else return its error. TRY_ASSIGN(decl, expr): the value into `decl`.
// CO_TRY and CO_TRY_ASSIGN: the same inside a coroutine (the expression holds its own co_await).
#define TRY(expr)                                                                       \
  do {                                                                                  \
    if (auto try_result_ = (expr); !try_result_) return ::cages::fail(std::move(try_result_).error()); \
  } while (0)
#define TRY_ASSIGN_(name, decl, expr)                                \
  auto name = (expr);                                                \
  if (!name) return ::cages::fail(std::move(name).error());          \
  decl = std::move(name).value()
#define TRY_ASSIGN(decl, expr) TRY_ASSIGN_(CAGES_CONCAT(try_, __COUNTER__), decl, expr)
#define CO_TRY(expr)                                                                       \
  do {                                                                                     \
    if (auto try_result_ = (expr); !try_result_) co_return ::cages::fail(std::move(try_result_).error()); \
  } while (0)
#define CO_TRY_ASSIGN_(name, decl, expr)                             \
  auto name = (expr);                                                \
  if (!name) co_return ::cages::fail(std::move(name).error());       \
  decl = std::move(name).value()
#define CO_TRY_ASSIGN(decl, expr) CO_TRY_ASSIGN_(CAGES_CONCAT(try_, __COUNTER__), decl, expr)
