// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <tl/expected.hpp>
#include <utility>

#include "core/base/error.h"

namespace reprieve {

// A value or the reason why there is none. Expected failures travel as values; exceptions are for bugs and for
// std::bad_alloc. A class and not an alias, because tl::expected 1.0 is not [[nodiscard]] by itself.
template <typename T>
class [[nodiscard]] Result : public tl::expected<T, Error> {
 public:
  using tl::expected<T, Error>::expected;
};

inline tl::unexpected<Error> fail(Errc code, std::string reason = {}) {
  return tl::unexpected<Error>(Error{code, std::move(reason)});
}

inline tl::unexpected<Error> fail(Error error) { return tl::unexpected<Error>(std::move(error)); }

}  // namespace reprieve

#define REPRIEVE_CONCAT_INNER(a, b) a##b
#define REPRIEVE_CONCAT(a, b) REPRIEVE_CONCAT_INNER(a, b)

// REPRIEVE_TRY(auto value, expression): declares `value` from a Result, or returns its error from this function.
#define REPRIEVE_TRY(declaration, ...) \
  REPRIEVE_TRY_INNER(REPRIEVE_CONCAT(reprieve_try_, __COUNTER__), declaration, __VA_ARGS__)
#define REPRIEVE_TRY_INNER(result, declaration, ...)               \
  auto result = (__VA_ARGS__);                                     \
  if (!result) return ::reprieve::fail(std::move(result).error()); \
  declaration = std::move(*result)

// REPRIEVE_TRY_VOID(expression): the same where only success matters.
#define REPRIEVE_TRY_VOID(...) REPRIEVE_TRY_VOID_INNER(REPRIEVE_CONCAT(reprieve_try_, __COUNTER__), __VA_ARGS__)
#define REPRIEVE_TRY_VOID_INNER(result, ...)              \
  do {                                                    \
    if (auto result = (__VA_ARGS__); !result) {           \
      return ::reprieve::fail(std::move(result).error()); \
    }                                                     \
  } while (false)
