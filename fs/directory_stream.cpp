// SPDX-License-Identifier: Apache-2.0
#include "fs/directory_stream.h"

#include <algorithm>
#include <cstddef>
#include <cstring>

namespace reprieve::fs {
namespace {

constexpr int kTypeShift = 12;  // from the type in a mode to DT_* of dirent.h

template <typename Wire>
void append(std::string& bytes, const Wire& wire, std::size_t size = sizeof(Wire)) {
  bytes.append(reinterpret_cast<const char*>(&wire), size);
}

}  // namespace

std::size_t DirectoryStream::space_for(std::size_t name_length) const {
  const std::size_t head = form_ == Form::plus ? offsetof(fuse_direntplus, dirent) : 0;
  return FUSE_REC_ALIGN(head + offsetof(fuse_dirent, name) + name_length);
}

std::size_t DirectoryStream::most_entries() const { return std::max<std::size_t>(size_ / space_for(1), 1); }

bool DirectoryStream::add(std::string_view name, InodeId inode, mode_t mode, off_t next, const fuse_entry_out& entry) {
  const std::size_t end = bytes_.size() + space_for(name.size());
  if (end > size_) return false;
  if (form_ == Form::plus) append(bytes_, entry);
  fuse_dirent line{};
  line.ino = static_cast<std::uint64_t>(inode.number());
  line.off = static_cast<std::uint64_t>(next);
  line.namelen = static_cast<std::uint32_t>(name.size());
  line.type = (mode & S_IFMT) >> kTypeShift;
  append(bytes_, line, offsetof(fuse_dirent, name));
  bytes_.append(name);
  bytes_.resize(end, '\0');
  return true;
}

}  // namespace reprieve::fs
