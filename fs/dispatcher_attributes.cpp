// SPDX-License-Identifier: Apache-2.0
#include "fs/dispatcher_attributes.h"

#include <sys/xattr.h>

#include <string>
#include <utility>
#include <vector>

#include "fs/late_requests.h"
#include "fs/worker_pool.h"

namespace reprieve::fs {
namespace {

// Larger values go through the write-ahead log at a cost that others should not wait for.
constexpr std::size_t kLargeValue = std::size_t{16} * 1024;

Result<XattrMode> to_xattr_mode(int flags) {
  switch (flags) {
    case 0: return XattrMode::set;
    case XATTR_CREATE: return XattrMode::create;
    case XATTR_REPLACE: return XattrMode::replace;
    case XATTR_CREATE | XATTR_REPLACE: return XattrMode::neither;
    default: return fail(Errc::invalid_argument, "unknown setxattr flags");
  }
}

// What getxattr(2) and listxattr(2) do with a size: none asks for the size alone.
void answer_sized(Reply reply, const std::string& value, std::size_t size) {
  if (size == 0) return void(std::move(reply).attribute_size(value.size()));
  if (value.size() > size) return void(std::move(reply).error({.code = Errc::buffer_too_small, .reason = {}}));
  std::move(reply).bytes(value);
}

}  // namespace

void AttributesDispatcher::getattr(Reply reply, fuse_ino_t node, fuse_file_info* file) {
  const auto attributes = mount_.core.attributes().get(mount_.account, mount_.inode_of(node));
  if (!attributes) return void(std::move(reply).error(attributes.error()));
  if (file != nullptr && file->fh == late::kStatxHandle) return void(std::move(reply).wire(statx_answer(*attributes)));
  std::move(reply).wire(attributes_answer(*attributes));
}

void AttributesDispatcher::setattr(Reply reply, fuse_ino_t node, struct stat* values, int which, fuse_file_info*) {
  const Caller caller = reply.caller(mount_.mount);
  const AttributeChanges changes = to_changes(*values, which);
  const InodeId inode = mount_.inode_of(node);
  const auto waits = mount_.core.attributes().has_to_be_compared(inode, changes);
  if (!waits) return void(std::move(reply).error(waits.error()));
  if (!*waits) {
    if (changes.size) WorkerPool::step_aside();
    return set(std::move(reply), inode, changes, caller);
  }
  mount_.waiting_requests.wait(mount_.core.content(), inode, caller, std::move(reply),
                               [this, inode, changes, caller](Reply later, const Result<void>& compared) {
                                 if (!compared) return void(std::move(later).error(compared.error()));
                                 set(std::move(later), inode, changes, caller);
                               });
}

void AttributesDispatcher::set(Reply reply, InodeId inode, const AttributeChanges& changes, const Caller& caller) {
  const auto attributes = mount_.core.attributes().set(mount_.account, inode, changes, caller);
  if (!attributes) return void(std::move(reply).error(attributes.error()));
  std::move(reply).wire(attributes_answer(*attributes));
}

void AttributesDispatcher::getxattr(Reply reply, fuse_ino_t node, const char* name, std::size_t size) {
  const auto value = mount_.core.attributes().get_xattr(mount_.account, mount_.inode_of(node), name);
  if (!value) return void(std::move(reply).error(value.error()));
  answer_sized(std::move(reply), *value, size);
}

void AttributesDispatcher::listxattr(Reply reply, fuse_ino_t node, std::size_t size) {
  const auto names =
      mount_.core.attributes().list_xattrs(mount_.account, mount_.inode_of(node), reply.caller(mount_.mount));
  if (!names) return void(std::move(reply).error(names.error()));
  std::string list;
  for (const std::string& name : *names) list.append(name).push_back('\0');
  answer_sized(std::move(reply), list, size);
}

// The kernel does not number this change of mode and ctime either (see Invalidator; fuse_set_acl, fs/fuse/acl.c).
void AttributesDispatcher::setxattr(Reply reply, fuse_ino_t node, const char* name, const char* value, std::size_t size,
                                    int flags) {
  if (mount_.was_carried_out(reply)) return void(std::move(reply).done());
  const auto mode = to_xattr_mode(flags);
  if (!mode) return void(std::move(reply).error(mode.error()));
  if (size >= kLargeValue) WorkerPool::step_aside();

  const Caller caller = reply.caller(mount_.mount);
  const auto set = mount_.core.attributes().set_xattr(mount_.account, mount_.inode_of(node), name,
                                                      std::string(value, size), *mode, caller);
  if (!set) return void(std::move(reply).error(set.error()));
  mount_.invalidator.attributes_stale(mount_.inode_of(node));
  std::move(reply).done();
}

void AttributesDispatcher::removexattr(Reply reply, fuse_ino_t node, const char* name) {
  if (mount_.was_carried_out(reply)) return void(std::move(reply).done());
  const auto removed =
      mount_.core.attributes().remove_xattr(mount_.account, mount_.inode_of(node), name, reply.caller(mount_.mount));
  if (!removed) return void(std::move(reply).error(removed.error()));
  mount_.invalidator.attributes_stale(mount_.inode_of(node));
  std::move(reply).done();
}

void AttributesDispatcher::statfs(Reply reply, fuse_ino_t) {
  const auto figures = mount_.core.attributes().statfs(mount_.account);
  if (!figures) return void(std::move(reply).error(figures.error()));
  std::move(reply).figures(*figures);
}

}  // namespace reprieve::fs
