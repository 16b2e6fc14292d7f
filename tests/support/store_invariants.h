// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>

namespace reprieve::test {

// Which rules the rows of a store do not keep, a line each with the first rows that break it; empty when all hold. The
// store must be closed.
std::string broken_invariants(const std::filesystem::path& store);

}  // namespace reprieve::test
