// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <unordered_set>

#include "core/accounts/accounts.h"
#include "core/file_system.h"
#include "fs/convert.h"
#include "fs/invalidator.h"
#include "fs/listings_under_way.h"
#include "fs/node.h"
#include "fs/open_files.h"
#include "fs/passthrough.h"
#include "fs/reply.h"
#include "fs/waiting_requests.h"

namespace reprieve::fs {

// What the handlers of one mount share. Thread-safe, as its parts are.
struct MountContext {
  FileSystem& core;
  const Account account;
  const MountId mount;
  Invalidator& invalidator;
  Passthrough& passthrough;
  OpenFiles& open_files;
  WaitingRequests& waiting_requests;
  ListingsUnderWay& listings;
  // Of what the kernel sends anew: what the daemon before this one had carried out, though not answered. Constant once
  // requests are served.
  std::unordered_set<std::uint64_t> carried_out{};

  [[nodiscard]] InodeId inode_of(fuse_ino_t node) const { return to_inode(node, account.root); }
  [[nodiscard]] fuse_ino_t node_of(InodeId inode) const { return to_node(inode, account.root); }

  // Whether all that is left to do for the request is the answer.
  [[nodiscard]] bool was_carried_out(const Reply& reply) const {
    return reply.received().resent && carried_out.contains(reply.received().request.number);
  }
  // How long the kernel may remember a name in `directory`. Names in .trash/ come and go with every deletion, which the
  // kernel is not told of; what is shared changes through other mounts; everything else changes with word from core.
  [[nodiscard]] Lifetime name_lifetime(InodeId directory, Stability name) const {
    return directory == account.trash || name != Stability::stable ? kNever : kForever;
  }
  // The same of a name that is not there.
  [[nodiscard]] Lifetime absence_lifetime(InodeId directory) const {
    return name_lifetime(directory, core.names().names_in(account, directory).value_or(Stability::view));
  }
  [[nodiscard]] fuse_entry_out entry_of(InodeId directory, const Attributes& attributes) const {
    return entry_answer(node_of(attributes.inode), attributes, name_lifetime(directory, attributes.name_stability));
  }
};

}  // namespace reprieve::fs
