// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <cstdlib>
#include <random>
#include <string>

namespace reprieve::test {

// Random choices that depend on the seed alone. Not thread-safe.
class Choices {
 public:
  explicit Choices(std::uint64_t seed) : engine_(seed) {}

  // 0 to `end` less one.
  std::size_t below(std::size_t end) { return static_cast<std::size_t>(engine_() % end); }
  bool one_in(std::size_t times) { return below(times) == 0; }
  // Bytes that tell where they belong.
  std::string bytes(std::size_t size) {
    std::string text(size, '\0');
    std::uint64_t state = engine_() | 1U;
    for (char& byte : text) {
      state = state * 6364136223846793005ULL + 1442695040888963407ULL;
      byte = static_cast<char>(state >> 56U);
    }
    return text;
  }

 private:
  std::mt19937_64 engine_;
};

// A number from the environment, or what is taken without it.
inline std::uint64_t from_environment(const char* variable, std::uint64_t otherwise) {
  const char* text = std::getenv(variable);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

// Where the random tests start: REPRIEVE_RANDOM_SEED, or another one each time.
inline std::uint64_t random_seed() { return from_environment("REPRIEVE_RANDOM_SEED", std::random_device()()); }

}  // namespace reprieve::test
