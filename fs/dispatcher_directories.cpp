// SPDX-License-Identifier: Apache-2.0
#include "fs/dispatcher_directories.h"

#include <sys/stat.h>

#include <cerrno>
#include <utility>

#include "fs/worker_pool.h"

namespace reprieve::fs {

void DirectoriesDispatcher::opendir(Reply reply, fuse_ino_t, fuse_file_info*) { std::move(reply).error_number(ENOSYS); }

void DirectoriesDispatcher::readdir(Reply reply, fuse_ino_t node, std::size_t size, off_t offset, fuse_file_info*) {
  list(std::move(reply), mount_.inode_of(node), offset, {DirectoryStream::Form::plain, size}, Detail::types);
}

void DirectoriesDispatcher::readdirplus(Reply reply, fuse_ino_t node, std::size_t size, off_t offset, fuse_file_info*) {
  list(std::move(reply), mount_.inode_of(node), offset, {DirectoryStream::Form::plus, size}, Detail::attributes);
}

void DirectoriesDispatcher::list(Reply reply, InodeId directory, off_t offset, DirectoryStream stream, Detail detail) {
  if (const auto filled = fill(directory, offset, detail, stream); !filled) {
    return void(std::move(reply).error(filled.error()));
  }
  // Once a listing, and only in vain where the disk is full.
  if (offset == 0) static_cast<void>(mount_.core.attributes().note_access(directory));
  std::move(reply).bytes(stream.bytes());
}

Result<void> DirectoriesDispatcher::fill(InodeId directory, off_t offset, Detail detail, DirectoryStream& stream) {
  if (mount_.listings.has_become_crowded()) mount_.invalidator.see_to_listings(mount_.mount);
  auto under_way = mount_.listings.asked(directory, offset);
  REPRIEVE_TRY_VOID(add_dots(directory, offset, stream));
  REPRIEVE_TRY(const off_t remembered_until, add_entries(directory, offset, detail, stream));
  if (remembered_until != 0) under_way.remembered_until(remembered_until);
  return {};
}

// "." and ".." have a number and a type, and are never looked up (fuse_direntplus_link, fs/fuse/readdir.c).
Result<void> DirectoriesDispatcher::add_dots(InodeId directory, off_t offset, DirectoryStream& stream) {
  if (offset < DirectoryStream::kBehindDot) {
    stream.add(".", directory, S_IFDIR, DirectoryStream::kBehindDot, {});
  }
  if (offset < DirectoryStream::kBehindDotDot) {
    REPRIEVE_TRY(const InodeId parent, mount_.core.names().parent_of(mount_.account, directory));
    stream.add("..", parent, S_IFDIR, DirectoryStream::kBehindDotDot, {});
  }
  return {};
}

// Where the answer ends, if it has names that the kernel is to remember; else 0.
Result<off_t> DirectoriesDispatcher::add_entries(InodeId directory, off_t offset, Detail detail,
                                                 DirectoryStream& stream) {
  REPRIEVE_TRY(const auto entries,
               mount_.core.names().list(mount_.account, directory, DirectoryStream::entry_at(offset),
                                        stream.most_entries(), detail));
  off_t end = 0;
  bool remembered = false;
  for (const ListedEntry& entry : entries) {
    const fuse_entry_out found =
        detail == Detail::attributes ? mount_.entry_of(directory, entry.attributes) : fuse_entry_out{};
    const bool fits = stream.add(entry.name.bytes(), entry.attributes.inode, entry.attributes.mode,
                                 DirectoryStream::behind(entry.id), found);
    if (fits) {
      end = DirectoryStream::behind(entry.id);
      remembered |= found.entry_valid != 0;
      continue;
    }
    // An answer without entries would mean the end of the directory.
    if (stream.bytes().empty()) return fail(Errc::invalid_argument, "the buffer is too small for one entry");
    break;
  }
  return remembered ? end : 0;
}

void DirectoriesDispatcher::fsyncdir(Reply reply, fuse_ino_t, int, fuse_file_info*) {
  WorkerPool::step_aside();
  const auto synced = mount_.core.sync();
  if (!synced) return void(std::move(reply).error(synced.error()));
  std::move(reply).done();
}

}  // namespace reprieve::fs
