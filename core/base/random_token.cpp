// SPDX-License-Identifier: Apache-2.0
#include "core/base/random_token.h"

#include <sys/random.h>

#include <array>
#include <cstdio>

namespace reprieve {

Result<std::string> random_token() {
  std::array<unsigned char, 16> bits{};
  if (::getrandom(bits.data(), bits.size(), 0) != static_cast<ssize_t>(bits.size())) return fail(Errc::io, "getrandom");
  std::string token;
  for (const unsigned char byte : bits) {
    std::array<char, 3> digits{};
    std::snprintf(digits.data(), digits.size(), "%02x", static_cast<unsigned>(byte));
    token += digits.data();
  }
  return token;
}

}  // namespace reprieve
