// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "daemon/control/protocol/responses.h"
#include "daemon/ctl/failure.h"

namespace reprieve::ctl {

// The mount that the path lies in, the innermost of several. Null for none.
[[nodiscard]] const protocol::Mount* mount_of(const std::filesystem::path& path,
                                              const std::vector<protocol::Mount>& mounts);

// What a path on the command line means to the daemon, which takes absolute paths below its mount points, and others
// from the root of the account. A relative path that leads into a mount from `here` is meant that way; any other is
// passed on as it is. The way to the last component is followed through symbolic links, the last component itself is
// not. Refused where such a link leads out of a mount into that of another account: whoever may write to the one could
// so have things done to the other by somebody who may act for both.
Outcome<std::string> to_daemon_path(const std::string& argument, const std::filesystem::path& here,
                                    const std::vector<protocol::Mount>& mounts);

}  // namespace reprieve::ctl
