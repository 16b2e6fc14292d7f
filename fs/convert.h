// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <limits>

#include "core/base/attributes.h"
#include "fs/fuse_api.h"

// Between core's values and the kernel's structures.
namespace reprieve::fs {

// How long the kernel may believe something.
struct Lifetime {
  std::uint64_t seconds = 0;
  std::uint32_t nanoseconds = 0;
  friend bool operator==(const Lifetime&, const Lifetime&) = default;
};

// The kernel cuts it to what its clock can hold (time_to_jiffies, fs/fuse/dir.c).
inline constexpr Lifetime kForever{.seconds = std::numeric_limits<std::int64_t>::max()};
inline constexpr Lifetime kNever{};
// About one tick of the kernel's own clock, in which it does not tell one mtime from another either. Long enough for
// the fstat(2) that follows a create.
inline constexpr Lifetime kOneTick{.nanoseconds = 5'000'000};

[[nodiscard]] Lifetime attributes_lifetime(Stability stability);

[[nodiscard]] fuse_attr to_wire(const Attributes& attributes);
[[nodiscard]] fuse_attr_out attributes_answer(const Attributes& attributes);
[[nodiscard]] fuse_entry_out entry_answer(fuse_ino_t node, const Attributes& attributes, Lifetime name);
// There is no such name, and that may be remembered.
[[nodiscard]] fuse_entry_out no_entry_answer();

// `which` has FUSE_SET_ATTR_* bits.
[[nodiscard]] AttributeChanges to_changes(const struct stat& values, int which);

}  // namespace reprieve::fs
