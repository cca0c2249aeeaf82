// SPDX-License-Identifier: Apache-2.0
// What every attack test is: somebody lies, and the class of the one check that must refuse it. One row of table.toml each;
// tests/mutate shows that the check named there, and no other, is what refuses.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "base/error.h"
#include "base/result.h"

namespace cages::attacks {

struct Attack {
  std::string id;          // letters, digits and _; unique in its program
  std::string refused_as;  // the error's class
  std::function<std::string()> attempt;  // returns the class, empty where the attack succeeded
};

inline std::ostream& operator<<(std::ostream& out, const Attack& attack) { return out << attack.id; }

inline std::string attack_name(const ::testing::TestParamInfo<Attack>& info) { return info.param.id; }

// class_of returns the class of a refusal, empty for a success.
template <class T>
std::string class_of(const Result<T>& outcome) {
  return outcome ? "" : error_class(outcome.error());
}

class Attempt : public ::testing::TestWithParam<Attack> {};

}  // namespace cages::attacks
