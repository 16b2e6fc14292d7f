// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <tl/expected.hpp>
#include <utility>

#include "daemon/exit_codes.h"

namespace reprieve::ctl {

// Why a command ends early: what to tell the user and what to exit with. `body` is the response that says so, if one
// does.
struct Failure {
  ExitCode code = ExitCode::refused_or_failed;
  std::string message;
  std::string body = {};
};

template <typename T>
class [[nodiscard]] Outcome : public tl::expected<T, Failure> {
 public:
  using tl::expected<T, Failure>::expected;
};

inline tl::unexpected<Failure> give_up(Failure failure) { return tl::unexpected<Failure>(std::move(failure)); }
inline tl::unexpected<Failure> give_up(ExitCode code, std::string message) {
  return give_up(Failure{.code = code, .message = std::move(message)});
}

}  // namespace reprieve::ctl
