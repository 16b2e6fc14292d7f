// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <toml++/toml.h>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "daemon/config.h"

namespace reprieve {

// What is wrong with a value; nothing when it was taken over.
using ValueProblem = std::optional<std::string>;

struct ConfigKey {
  std::string_view section;
  std::string_view name;
  // Null for a key of a later version, which is refused: a limit that silently does nothing would be a lie.
  ValueProblem (*read)(const toml::node& value, Config& config);
  std::string (*show)(const Config& config);
};

struct MountKey {
  std::string_view name;
  bool required;
  ValueProblem (*read)(const toml::node& value, MountSettings& mount);
};

[[nodiscard]] std::span<const ConfigKey> config_key_table();
[[nodiscard]] std::span<const MountKey> mount_key_table();

}  // namespace reprieve
