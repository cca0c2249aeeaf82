// SPDX-License-Identifier: Apache-2.0
// Task<T>: a coroutine. The only door to Boost.Asio outside net/; include it where a signature needs a coroutine type.
// lifetime: awaited coroutines may take references; spawned ones take values (net/spawn.h).
#pragma once

#include <boost/asio/awaitable.hpp>

namespace cages {

template <class T>
using Task = boost::asio::awaitable<T>;

}  // namespace cages
