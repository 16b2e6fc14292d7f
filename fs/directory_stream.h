// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/base/ids.h"
#include "fs/fuse_api.h"

namespace reprieve::fs {

// What a READDIR is answered with: a run of struct fuse_dirent, or of struct fuse_direntplus, which also look up.
//
// The offset of an entry says where to go on behind it. It is made of the entry's id and not of a position or a
// pointer, so that a stream neither misses nor repeats what stayed, and survives this process: 0 is the start, 1 is
// behind ".", 2 behind "..", and an entry's id and 2 behind that entry.
class DirectoryStream {
 public:
  enum class Form : bool { plain, plus };

  static constexpr off_t kBehindDot = 1;
  static constexpr off_t kBehindDotDot = 2;
  [[nodiscard]] static off_t behind(EntryId entry) { return off_t{entry.number()} + kBehindDotDot; }
  // The entry that `offset` stands behind; none for the start of the entries.
  [[nodiscard]] static EntryId entry_at(off_t offset) {
    return EntryId(offset <= kBehindDotDot ? 0 : offset - kBehindDotDot);
  }

  DirectoryStream(Form form, std::size_t size) : form_(form), size_(size) {}

  // How many entries can fit at most, however short their names are; at least one, which then may not fit.
  [[nodiscard]] std::size_t most_entries() const;
  // False when there is no room for it. `entry` counts in the form `plus` alone: all zero for what is not to be looked
  // up, as "." and "..".
  bool add(std::string_view name, InodeId inode, mode_t mode, off_t next, const fuse_entry_out& entry);

  [[nodiscard]] const std::string& bytes() const { return bytes_; }

 private:
  [[nodiscard]] std::size_t space_for(std::size_t name_length) const;

  const Form form_;
  const std::size_t size_;
  std::string bytes_;
};

}  // namespace reprieve::fs
