// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "daemon/control/protocol/responses.h"

namespace reprieve::ctl {

// What a path on the command line means to the daemon, which takes absolute paths below its mount points, and others
// from the root of the account. With `here` inside a mount a relative path counts from `here`; elsewhere it is passed
// on as it is. The way to the last component is followed through symbolic links, the last component itself is not.
[[nodiscard]] std::string to_daemon_path(const std::string& argument, const std::filesystem::path& here,
                                         const std::vector<protocol::Mount>& mounts);

}  // namespace reprieve::ctl
