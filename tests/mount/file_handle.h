// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fcntl.h>

#include <array>

namespace reprieve::test {

// The bytes of a file_handle, which ends in an array of the size that it tells.
struct alignas(file_handle) Handle {
  std::array<unsigned char, sizeof(file_handle) + MAX_HANDLE_SZ> bytes{};
  file_handle* head() { return reinterpret_cast<file_handle*>(bytes.data()); }
};

}  // namespace reprieve::test
