// SPDX-License-Identifier: Apache-2.0
#include "tests/support/store_invariants.h"

#include <sqlite3.h>

#include <array>
#include <memory>
#include <string_view>

namespace reprieve::test {
namespace {

struct Invariant {
  std::string_view rule;
  std::string_view broken_by;  // selects the numbers of rows that break it
};

// Kinds: 2 project, 3 run. States: 0 active, 1 left.
constexpr std::array kInvariants{
    Invariant{"an entry leads to an inode",
              "SELECT e.id FROM entries e LEFT JOIN inodes i ON i.id = e.inode"
              " WHERE i.id IS NULL"},
    Invariant{"an entry lies in an inode that is there, or is an item of its own",
              "SELECT e.id FROM entries e LEFT JOIN inodes i ON i.id = e.parent WHERE i.id IS NULL AND e.item IS NULL"},
    Invariant{"a mark leads to its trash item",
              "SELECT e.id FROM entries e LEFT JOIN trash_items t ON t.id = e.item"
              " AND t.parent = e.parent AND t.entry = e.id AND t.inode = e.inode"
              " WHERE e.item IS NOT NULL AND t.id IS NULL"},
    Invariant{"a trash item has its marked entry",
              "SELECT t.id FROM trash_items t LEFT JOIN entries e ON e.parent = t.parent AND e.id = t.entry"
              " AND e.item = t.id WHERE e.id IS NULL"},
    Invariant{"a project or run has one entry at home",
              "SELECT i.id FROM inodes i WHERE i.kind IN (2, 3) AND"
              " (SELECT count(*) FROM entries e WHERE e.inode = i.id"
              " AND e.role IS NULL) <> 1"
              " AND i.id NOT IN (SELECT inode FROM purge_queue)"},
    Invariant{"it has an owner",
              "SELECT i.id FROM inodes i LEFT JOIN accounts a ON a.id = i.owner"
              " WHERE a.id IS NULL"},
    Invariant{"what lies in it has the same owner, but for what has other names",
              "WITH RECURSIVE tree(id, owner) AS (SELECT i.id, i.owner FROM inodes i WHERE i.kind IN (2, 3)"
              " UNION SELECT e.inode, t.owner FROM entries e JOIN tree t ON e.parent = t.id WHERE e.item IS NULL)"
              " SELECT i.id FROM inodes i JOIN tree t ON t.id = i.id WHERE i.owner <> t.owner"
              " AND (SELECT count(*) FROM entries e WHERE e.inode = i.id) = 1"},
    Invariant{"an entry with a role has an active grant of that role",
              "SELECT e.id FROM entries e LEFT JOIN accounts a ON e.parent IN (a.projects, a.runs)"
              " LEFT JOIN grants g ON g.inode = e.inode AND g.account = a.id AND g.state = 0 AND g.role = e.role"
              " AND g.name = e.name WHERE e.role IS NOT NULL AND g.inode IS NULL"},
    Invariant{
        "an active grant of what is live has its entry",
        "SELECT g.inode FROM grants g JOIN accounts a ON a.id = g.account WHERE g.state = 0"
        " AND EXISTS (SELECT 1 FROM entries h WHERE h.inode = g.inode AND h.role IS NULL AND h.item IS NULL)"
        " AND (SELECT count(*) FROM entries e WHERE e.inode = g.inode AND e.parent IN (a.projects, a.runs)) <> 1"},
    Invariant{"what is in its owner's trash is in nobody's tree",
              "SELECT e.id FROM entries e JOIN entries h ON h.inode = e.inode AND h.role IS NULL"
              " WHERE e.role IS NOT NULL AND h.item IS NOT NULL"},
    Invariant{"a grant is for a project or run that is there",
              "SELECT g.inode FROM grants g LEFT JOIN inodes i ON i.id = g.inode AND i.kind IN (2, 3)"
              " WHERE i.id IS NULL OR i.owner = g.account"},
    Invariant{"a hidden entry is there",
              "SELECT h.entry FROM hidden_entries h LEFT JOIN entries e"
              " ON e.parent = h.parent AND e.id = h.entry WHERE e.id IS NULL"},
    Invariant{"nothing is hidden without a share",
              "WITH RECURSIVE up(account, entry, at) AS (SELECT account, entry, parent FROM hidden_entries"
              " UNION SELECT u.account, u.entry, e.parent FROM up u JOIN entries e ON e.inode = u.at)"
              " SELECT h.entry FROM hidden_entries h WHERE NOT EXISTS (SELECT 1 FROM up u JOIN grants g"
              " ON g.inode = u.at AND g.account = u.account AND g.state = 0"
              " WHERE u.account = h.account AND u.entry = h.entry)"},
    Invariant{"links of a directory are two and its subdirectories",
              "SELECT i.id FROM inodes i WHERE (i.mode & 61440) = 16384 AND i.links <> 2 +"
              " (SELECT count(*) FROM entries e JOIN inodes c ON c.id = e.inode WHERE e.parent = i.id"
              " AND e.item IS NULL AND (c.mode & 61440) = 16384) AND i.id NOT IN (SELECT inode FROM purge_queue)"},
    Invariant{"links of everything else are its names",
              "SELECT i.id FROM inodes i WHERE (i.mode & 61440) <> 16384 AND i.links <>"
              " (SELECT count(*) FROM entries e WHERE e.inode = i.id AND e.item IS NULL)"
              " AND i.id NOT IN (SELECT inode FROM purge_queue)"},
};

struct Closer {
  void operator()(sqlite3* database) const { ::sqlite3_close(database); }
  void operator()(sqlite3_stmt* statement) const { ::sqlite3_finalize(statement); }
};

std::string rows_of(sqlite3* database, std::string_view query) {
  constexpr int kMost = 5;
  sqlite3_stmt* prepared = nullptr;
  if (::sqlite3_prepare_v2(database, query.data(), static_cast<int>(query.size()), &prepared, nullptr) != SQLITE_OK)
    return std::string(" cannot be asked: ") + ::sqlite3_errmsg(database);
  const std::unique_ptr<sqlite3_stmt, Closer> statement(prepared);
  std::string rows;
  int code = SQLITE_ROW;
  for (int i = 0; i < kMost && (code = ::sqlite3_step(statement.get())) == SQLITE_ROW; ++i) {
    rows += " " + std::to_string(::sqlite3_column_int64(statement.get(), 0));
  }
  return code == SQLITE_ROW || code == SQLITE_DONE ? rows : std::string(" ") + ::sqlite3_errmsg(database);
}

}  // namespace

std::string broken_invariants(const std::filesystem::path& store) {
  sqlite3* opened = nullptr;
  const std::string file = store / "metadata.db";
  const int code = ::sqlite3_open_v2(file.c_str(), &opened, SQLITE_OPEN_READONLY, nullptr);
  const std::unique_ptr<sqlite3, Closer> database(opened);
  if (code != SQLITE_OK) return file + " cannot be opened\n";
  std::string broken;
  for (const Invariant& invariant : kInvariants) {
    const std::string rows = rows_of(database.get(), invariant.broken_by);
    if (!rows.empty()) broken += std::string(invariant.rule) + ":" + rows + "\n";
  }
  return broken;
}

}  // namespace reprieve::test
