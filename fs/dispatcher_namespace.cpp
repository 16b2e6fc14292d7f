// SPDX-License-Identifier: Apache-2.0
#include "fs/dispatcher_namespace.h"

#include <sys/stat.h>

#include <cstdio>
#include <string_view>
#include <utility>

namespace reprieve::fs {
namespace {

// Of rename(2). RENAME_WHITEOUT, for union mounts, is not offered.
Result<RenameMode> to_rename_mode(unsigned flags) {
  switch (flags) {
    case 0: return RenameMode::replace;
    case RENAME_NOREPLACE: return RenameMode::no_replace;
    case RENAME_EXCHANGE: return RenameMode::exchange;
    default: return fail(Errc::invalid_argument, "unknown rename flags");
  }
}

}  // namespace

void NamespaceDispatcher::lookup(Reply reply, fuse_ino_t parent, const char* name) {
  const InodeId directory = mount_.inode_of(parent);
  if (const std::string_view dots = name; dots == "." || dots == "..") {
    return look_up_handle(std::move(reply), directory, dots);
  }
  const auto entry = EntryName::parse(name);
  if (!entry) return void(std::move(reply).error(entry.error()));

  const auto found = mount_.core.names().lookup(mount_.account, directory, *entry);
  if (found) return void(std::move(reply).wire(mount_.entry_of(directory, *found)));
  const bool may_be_remembered = found.error().code == Errc::not_found && mount_.absence_lifetime(directory) != kNever;
  if (may_be_remembered) return void(std::move(reply).wire(no_entry_answer()));
  std::move(reply).error(found.error());
}

// What a file handle of name_to_handle_at(2), as NFS exports them, leads to, and its parent (fuse_get_dentry and
// fuse_get_parent, fs/fuse/inode.c). The kernel compares the generation.
void NamespaceDispatcher::look_up_handle(Reply reply, InodeId inode, std::string_view dots) {
  auto found = mount_.core.names().find(mount_.account, inode);
  if (found && dots == "..") {
    const auto parent = mount_.core.names().parent_of(mount_.account, inode);
    if (!parent) return void(std::move(reply).error(parent.error()));
    found = mount_.core.names().find(mount_.account, *parent);
  }
  if (!found) return void(std::move(reply).error(found.error()));
  std::move(reply).wire(mount_.entry_of(inode, *found));
}

void NamespaceDispatcher::forget(Reply reply, fuse_ino_t, std::uint64_t) { std::move(reply).nothing(); }
void NamespaceDispatcher::forget_many(Reply reply, std::size_t, fuse_forget_data*) { std::move(reply).nothing(); }

void NamespaceDispatcher::make(Reply reply, fuse_ino_t parent, const char* name, const NewNode& node) {
  const InodeId directory = mount_.inode_of(parent);
  const auto entry = EntryName::parse(name);
  if (!entry) return void(std::move(reply).error(entry.error()));

  Namespace& names = mount_.core.names();
  const auto made = mount_.was_carried_out(reply)
                        ? names.lookup(mount_.account, directory, *entry)
                        : names.create(mount_.account, directory, *entry, node, reply.caller(mount_.mount));
  if (!made) return void(std::move(reply).error(made.error()));
  std::move(reply).wire(mount_.entry_of(directory, *made));
}

void NamespaceDispatcher::mknod(Reply reply, fuse_ino_t parent, const char* name, mode_t mode, dev_t device) {
  const NewNode node{.mode = mode, .umask = reply.umask(), .device = device, .symlink_target = {}};
  make(std::move(reply), parent, name, node);
}

void NamespaceDispatcher::mkdir(Reply reply, fuse_ino_t parent, const char* name, mode_t mode) {
  const NewNode node{
      .mode = S_IFDIR | (mode & mode_t{07777}), .umask = reply.umask(), .device = 0, .symlink_target = {}};
  make(std::move(reply), parent, name, node);
}

void NamespaceDispatcher::symlink(Reply reply, const char* target, fuse_ino_t parent, const char* name) {
  make(std::move(reply), parent, name,
       {.mode = S_IFLNK | mode_t{0777}, .umask = 0, .device = 0, .symlink_target = target});
}

void NamespaceDispatcher::link(Reply reply, fuse_ino_t node, fuse_ino_t parent, const char* name) {
  const InodeId directory = mount_.inode_of(parent);
  const auto entry = EntryName::parse(name);
  if (!entry) return void(std::move(reply).error(entry.error()));

  Namespace& names = mount_.core.names();
  const auto linked = mount_.was_carried_out(reply) ? names.lookup(mount_.account, directory, *entry)
                                                    : names.link(mount_.account, mount_.inode_of(node), directory,
                                                                 *entry, reply.caller(mount_.mount));
  if (!linked) return void(std::move(reply).error(linked.error()));
  std::move(reply).wire(mount_.entry_of(directory, *linked));
}

void NamespaceDispatcher::unlink(Reply reply, fuse_ino_t parent, const char* name) {
  if (mount_.was_carried_out(reply)) return void(std::move(reply).done());
  const auto entry = EntryName::parse(name);
  if (!entry) return void(std::move(reply).error(entry.error()));

  const auto removed =
      mount_.core.names().unlink(mount_.account, mount_.inode_of(parent), *entry, reply.caller(mount_.mount));
  if (!removed) return void(std::move(reply).error(removed.error()));
  std::move(reply).done();
}

void NamespaceDispatcher::rmdir(Reply reply, fuse_ino_t parent, const char* name) {
  if (mount_.was_carried_out(reply)) return void(std::move(reply).done());
  const auto entry = EntryName::parse(name);
  if (!entry) return void(std::move(reply).error(entry.error()));

  const auto removed =
      mount_.core.names().rmdir(mount_.account, mount_.inode_of(parent), *entry, reply.caller(mount_.mount));
  if (!removed) return void(std::move(reply).error(removed.error()));
  std::move(reply).done();
}

void NamespaceDispatcher::rename(Reply reply, fuse_ino_t parent, const char* name, fuse_ino_t new_parent,
                                 const char* new_name, unsigned flags) {
  if (mount_.was_carried_out(reply)) return void(std::move(reply).done());
  const auto mode = to_rename_mode(flags);
  if (!mode) return void(std::move(reply).error(mode.error()));
  const auto from = EntryName::parse(name);
  if (!from) return void(std::move(reply).error(from.error()));
  const auto to = EntryName::parse(new_name);
  if (!to) return void(std::move(reply).error(to.error()));

  const auto renamed = mount_.core.names().rename(mount_.account, mount_.inode_of(parent), *from,
                                                  mount_.inode_of(new_parent), *to, *mode, reply.caller(mount_.mount));
  if (!renamed) return void(std::move(reply).error(renamed.error()));
  std::move(reply).done();
}

void NamespaceDispatcher::readlink(Reply reply, fuse_ino_t node) {
  const auto target = mount_.core.names().read_symlink(mount_.account, mount_.inode_of(node));
  if (!target) return void(std::move(reply).error(target.error()));
  static_cast<void>(mount_.core.attributes().note_access(mount_.inode_of(node)));
  std::move(reply).bytes(*target);
}

}  // namespace reprieve::fs
