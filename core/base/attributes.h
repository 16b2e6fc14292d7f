// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>

#include "core/base/clock.h"
#include "core/base/ids.h"

namespace reprieve {

// How long what was just told about an inode stays true without word from core.
enum class Stability : std::uint8_t {
  stable,         // until core announces a change
  being_written,  // the kernel may be writing the blob behind our back: passthrough, mmap
  view,           // computed from other tables at every look, as .trash/ is
};

// What stat(2) shows of an inode. Sizes are bytes; `blocks` counts units of 512 bytes as st_blocks does.
struct Attributes {
  InodeId inode;
  std::uint64_t generation = 0;  // grows when a directory comes back from rmdir: to the kernel it is another one
  mode_t mode = 0;               // type and permission bits
  std::uint32_t links = 0;
  uid_t uid = 0;
  gid_t gid = 0;
  dev_t device = 0;  // of a device node
  std::uint64_t size = 0;
  std::uint64_t blocks = 0;
  Timestamp accessed{};
  Timestamp modified{};
  Timestamp changed{};
  Timestamp born{};
  Stability stability = Stability::stable;
  Stability name_stability = Stability::stable;  // of the name by which it was found
};

// Which attributes a setattr changes; what is not set stays. `now` in a time means the moment of the call.
struct AttributeChanges {
  struct Time {
    bool now = false;
    Timestamp at{};
  };
  std::optional<mode_t> mode;  // permission bits, with set-id and sticky bits
  std::optional<uid_t> uid;
  std::optional<gid_t> gid;
  std::optional<std::uint64_t> size;
  std::optional<Time> accessed;
  std::optional<Time> modified;
  bool drop_set_id_bits = false;  // the kernel asks for what a write by a plain user does to set-id bits
};

}  // namespace reprieve
