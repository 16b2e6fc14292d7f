// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/accounts/accounts.h"
#include "core/base/result.h"
#include "core/store/store.h"
#include "core/tree/attribute_service.h"
#include "core/view/ancestry.h"

// user.reprieve.*: what the file system itself tells of an item as extended attributes. They are read by name and not
// listed, as other file systems do with theirs: programs that copy what they find listed would fail to set them.
namespace reprieve {

[[nodiscard]] bool is_own_attribute(std::string_view name);

// no_attribute: it says nothing of this inode.
Result<std::string> own_attribute(CoreParts& parts, const Account& account, InodeId inode, const std::string& name);

// reserved_name: any but .status and .derived_from. exists, no_attribute: `mode`. invalid_argument: no such status;
// paths of what the item cannot be derived from. not_found: such a path leads nowhere.
Result<void> set_own_attribute(Transaction& tx, const Account& account, const InodeRow& item, const std::string& name,
                               const std::string& value, XattrMode mode, const Caller& caller, Timestamp now);
// reserved_name, no_attribute.
Result<void> remove_own_attribute(Transaction& tx, const Account& account, const InodeRow& item,
                                  const std::string& name, const Caller& caller, Timestamp now);

// The path by which the account sees the inode: a live one, else one below .trash/, else none.
std::optional<std::string> visible_path(Transaction& tx, const Account& account, InodeId inode);
// Whose an item is, and what the account may do with it: "owner"…
struct Ownership {
  std::string owner;  // the account that owns the project or run that it is or lies in
  std::string_view role;
};
Ownership ownership_of(Transaction& tx, const InodeRow& item, const Location& location);

}  // namespace reprieve
