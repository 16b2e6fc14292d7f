// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <vector>

#include "core/base/entry_name.h"
#include "core/base/ids.h"

namespace reprieve {

// Something that a kernel may have cached and that is no longer so.
struct Change {
  InodeId inode;                  // its attributes and, of a directory, its listing
  std::optional<EntryName> name;  // set: what this name in the directory `inode` leads to, or that it leads nowhere
};

// What one operation made stale, in no order.
//
// `through` names the mount whose request caused it, none for the control socket. That mount's kernel has drawn the
// consequences for itself already; `aftermath` holds what even it cannot know (a trash item that got another name
// than the rename asked for, a link count put back by a fold).
struct Changes {
  MountId through;
  std::vector<Change> seen;
  std::vector<Change> aftermath;
  // Others may change names from now on where kernels were told to remember them for ever: they are to doubt those.
  bool newly_shared = false;
  // The kernel of `through` will take a name to lead where it does not, as soon as it has the answer: it is to doubt
  // its names before.
  bool misleading = false;
};

// Told of every change after its commit and before the operation returns, by the thread that made it and with no
// lock of core held. The implementation decides whom to tell and whether to wait.
class ChangeListener {
 public:
  virtual ~ChangeListener() = default;
  virtual void changed(const Changes& changes) = 0;
};

}  // namespace reprieve
