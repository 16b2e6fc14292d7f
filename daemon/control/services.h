// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "core/file_system.h"

namespace reprieve::control {

struct MountInfo {
  std::string account;
  std::string path;       // absolute, without symbolic links
  std::string data_path;  // how file data flows: "passthrough" or "splice"
  bool allow_other = false;
};

// What the control socket needs to know of mounts. Called from several threads.
class MountTable {
 public:
  virtual ~MountTable() = default;
  virtual std::vector<MountInfo> mounts() = 0;
};

// What handlers work with. Constant while the server runs.
struct Services {
  FileSystem& files;
  MountTable& mounts;
  const Clock& clock;
  std::string version;
  std::optional<gid_t> admin_group;
  std::chrono::steady_clock::time_point started;
};

}  // namespace reprieve::control
