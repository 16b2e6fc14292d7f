// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

// Requests that came into the kernel's protocol after libfuse 3.14, which answers them ENOSYS. They begin as an older
// request does that it knows, so each is handed to it as that one, marked in a way that the kernel never uses.
namespace reprieve::fs::late {

// FUSE_TMPFILE (Linux 6.1) is a FUSE_CREATE under this name, which the kernel itself gives the file.
inline constexpr std::string_view kUnnamed = "/";
// FUSE_STATX (Linux 6.6) is a FUSE_GETATTR of this open file.
inline constexpr std::uint64_t kStatxHandle = ~std::uint64_t{0};

// Makes such a request the older one. Leaves all others, and what is malformed, alone.
void translate(void* request, std::size_t size);

}  // namespace reprieve::fs::late
