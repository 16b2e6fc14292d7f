// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/ids.h"

namespace SQLite {
class Database;
}

namespace reprieve {

// What is done about rows that break a rule. Nothing is destroyed by any of these: what goes leads nowhere.
enum class Repair : std::uint8_t {
  none,            // for people to decide
  to_lost_found,   // the inode gets an entry in projects/lost+found-DATE
  remove_row,      // a row that names what is not there
  clear_mark,      // an entry that no trash item knows of is no longer trashed, and goes to lost+found
  count_links,     // the link count becomes that of the entries
  inherit_owner,   // the tree gets the owner of the directory that it is in
  raise_sequence,  // the next number becomes greater than all in use
  follow_grant,    // entry and grant of a share are brought into line
  follow_owner,    // the trash item goes to the trash of who owns what it leads to
};

// The tables whose rows are looked at, each in the order of its key.
enum class Walk : std::uint8_t {
  accounts,
  inodes,
  entries,
  trash_items,
  xattrs,
  grants,
  hidden_entries,
  derivations,
  doomed_blobs,
  idempotency_outcomes,
  empty_plans,
};
inline constexpr std::array kWalks{
    Walk::accounts,   Walk::inodes,         Walk::entries,     Walk::trash_items,  Walk::xattrs,
    Walk::grants,     Walk::hidden_entries, Walk::derivations, Walk::doomed_blobs, Walk::idempotency_outcomes,
    Walk::empty_plans};

// A rule that holds for every row of a table whenever no transaction is under way.
struct Invariant {
  std::string_view name;     // stable, for programs
  std::string_view message;  // what is wrong with a row that breaks it, for people
  Walk walk;
  Repair repair;
  const char* broken_when;  // SQL over the row `r`
};

// Every rule about rows. Rules about blobs are in core/upkeep/checker.
[[nodiscard]] std::span<const Invariant> invariants();

// A place between two rows of a walk: behind all whose key is up to this.
struct WalkPlace {
  std::int64_t first = INT64_MIN;
  std::int64_t second = INT64_MIN;
  friend bool operator==(const WalkPlace&, const WalkPlace&) = default;
};

// Which row it is, as far as it names these.
struct RowSubject {
  InodeId inode;
  InodeId parent;  // with `entry`, the key of an entry
  EntryId entry;
  TrashItemId item;
  AccountId account;
  WalkPlace key;  // in its walk
  friend bool operator==(const RowSubject&, const RowSubject&) = default;
};

// SQL that finds rows which break a rule. Reached through a Transaction only; each check() sees one state of the
// database. Its statements are prepared when they are needed, and kept until forget().
class InvariantRows {
 public:
  using Found = std::function<void(const Invariant&, const RowSubject&)>;
  struct Portion {
    WalkPlace end;
    std::uint64_t rows = 0;
    bool is_last = false;
  };

  explicit InvariantRows(SQLite::Database& database);
  ~InvariantRows();

  // Tries the rules of the walk on about `rows` rows behind `from`; calls `found` for each that breaks one.
  Portion check(Walk walk, WalkPlace from, std::size_t rows, const Found& found);
  // Regular files among the inodes behind `from`, up to and with `to`.
  std::vector<InodeId> files(InodeId from, InodeId to);
  // Inodes that have an attribute of this name.
  std::vector<InodeId> having(const std::string& xattr);
  // The greatest number of an inode.
  InodeId last_inode();
  // The structure of the database and its indexes, in full; "ok" where it is sound. Takes time in proportion to the
  // database.
  std::string integrity();

  // Whether a row of this key breaks the rule.
  bool is_broken(const Invariant& rule, WalkPlace key);
  // Removes the rows of this key that break the rule. Of xattrs and derivations, which nothing is remembered of.
  void remove_broken(const Invariant& rule, WalkPlace key);
  // The link count becomes what the entries say.
  void count_links(InodeId inode);

  void forget();

 private:
  struct Statements;
  Statements& prepared();
  SQLite::Database& database_;
  std::unique_ptr<Statements> statements_;
};

}  // namespace reprieve
