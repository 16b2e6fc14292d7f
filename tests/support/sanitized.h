// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace reprieve::test {

// Whether test and daemon are built with a sanitizer whose runtime has memory, threads and calls of its own.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool kSanitized = true;
#else
inline constexpr bool kSanitized = false;
#endif

}  // namespace reprieve::test
