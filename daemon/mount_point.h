// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>

#include "core/base/result.h"

namespace reprieve {

// Whether an account can be mounted at `path` (absolute), asked before the store is opened or made. What is mounted
// there already is judged later, by fs::Session. Errors: not_found, not_directory; invalid_argument where mount point
// and store lie one in the other, where the daemon would wait for itself, or the mount point lies in another mount.
Result<void> check_mount_point(const std::filesystem::path& path, const std::filesystem::path& store);

}  // namespace reprieve
