// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace reprieve::fs {

// The most bytes of data in one request or answer; also how much the kernel reads ahead.
inline constexpr unsigned kMostData = 1024 * 1024;

// Whether a request is as long as it says, its arguments are all there, its names end inside it, and so does what it
// announces (data, a list); and whether it asks for no more than kMostData. libfuse looks at none of that. Of an
// operation that libfuse does not know, nothing but the length is looked at: it is refused unread.
[[nodiscard]] bool is_well_formed(std::span<const std::byte> request);

// Forgets, interrupts and the like are told, not asked.
[[nodiscard]] bool wants_answer(std::uint32_t operation);

}  // namespace reprieve::fs
