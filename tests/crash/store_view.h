// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "core/file_system.h"

namespace reprieve::test {

// Whatever users can see of a store, line by line: accounts, trees, trash, shares, history. Of regular files without
// their bytes, sizes and times, which the kernel writes past the store.
using StoreView = std::map<std::string, std::string>;

// Whether it has what another run of the same operations would have different: numbers and times.
enum class Exactness : std::uint8_t { exact, repeatable };

// Throws where something that is listed cannot be looked at, or a file cannot be opened.
StoreView view_of(FileSystem& core, Exactness exactness = Exactness::exact);
// A line each; empty when there is none.
std::string differences(const StoreView& expected, const StoreView& actual);

// Which rules the rows and blobs of a closed store do not keep; empty when all hold. `nameless` blobs are to belong to
// no file.
std::string broken_rules(const std::filesystem::path& store, std::size_t nameless = 0);

}  // namespace reprieve::test
