// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/account.h"
#include "core/base/ids.h"
#include "core/base/result.h"
#include "core/store/store.h"

namespace reprieve {

enum class Life : std::uint8_t {
  live,     // reached from the root without meeting a mark
  trashed,  // below a trashed entry, or trashed itself
  purged,   // below nothing any more
};

// Where a directory lies in the tree of one account, found by walking up.
struct Location {
  Life life = Life::live;
  TrashItemId item;         // when trashed: the item that holds it
  std::string path;         // when live: below the root, "" for the root itself; at most kLongestPath
  Role role = Role::owner;  // when live: what the account may do there
  InodeId top;              // when live: the project or run that it is or lies in; none elsewhere
  // Not the owner of `top`, but this account made the directory or one that it lies in: what is in it is its own.
  bool created = false;
  // Likewise, any account but the owner did.
  bool of_guest = false;
  // When live: it is or lies in something that has other places too, as a sample in several projects.
  bool elsewhere_too = false;

  // Whether the account owns what lies in the directory: it may delete it for everybody.
  [[nodiscard]] bool owns() const { return role == Role::owner || created; }
};

bool is_own_item(Transaction& tx, const Account& account, TrashItemId id);

// Purged also for what has no place in this account's tree, as what is no longer shared with it. A directory with
// several places is taken at a live one before a trashed one.
Location locate(Transaction& tx, const Account& account, InodeId directory);

// The place of a directory that leads to this account's root; the trashed one for what is trashed; none for what is
// purged or another account's.
std::optional<EntryRow> place_in_tree(Transaction& tx, const Account& account, InodeId directory);

// stale: there is no such inode any more.
Result<InodeRow> require_inode(Transaction& tx, InodeId inode);

// in_trash, not_found (purged).
Result<Location> require_live(Transaction& tx, const Account& account, InodeId directory);
// The same for a change in `directory`; also viewer_only.
Result<Location> require_changeable(Transaction& tx, const Account& account, InodeId directory);

// Whether the inode can be reached by a live name: where it lies, or of several names the one by which the account may
// do most. The item when it cannot, one of the account's own before another's. The path is that of its directory.
Location locate_inode(Transaction& tx, const Account& account, InodeId inode);

// Whether the account may give what lies at `from`, or has a name there, a name at `to`. What is another's, or has in
// it what others made, stays in the shared item that it is in, and out of the directories there that a collaborator
// made: what is in these that one may delete. viewer_only, not_yours.
Result<void> check_new_place(Transaction& tx, const Account& account, const InodeRow& inode, const Location& from,
                             const Location& to);

// Whether `directory` is `ancestor` or lies below it.
bool is_within(Transaction& tx, InodeId directory, InodeId ancestor);

[[nodiscard]] std::string join(const std::string& path, const std::string& name);

// Where a tree is deeper, its paths begin with kCut in place of what is too much. As long as the path of all the
// folders that a restore makes again, and much longer than any that a program can name (PATH_MAX).
inline constexpr std::size_t kLongestPath = std::size_t{64} << 10;
// No path below a root begins so: there are only projects/, runs/ and .trash/.
inline constexpr std::string_view kCut = "…/";
[[nodiscard]] inline bool is_cut(std::string_view path) { return path.starts_with(kCut); }

// A path put together from its end, as a walk up meets its names. Takes time in proportion to the path, whatever its
// depth.
class UpwardPath {
 public:
  void add(const std::string& name);
  [[nodiscard]] std::string text() const;

 private:
  std::vector<std::string> names_;  // the last one first
  std::size_t size_ = kCut.size();
  bool is_cut_ = false;
};

}  // namespace reprieve
