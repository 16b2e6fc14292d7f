// SPDX-License-Identifier: Apache-2.0
#include "core/store/invariants.h"

#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Statement.h>
#include <sqlite3.h>
#include <sys/random.h>

#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>

#include "core/store/statement.h"

// Numbers of modes are those of inode(7): 61440 S_IFMT, 16384 S_IFDIR, 32768 S_IFREG, 40960 S_IFLNK. Kinds, roles and
// states are numbers of core/base: 0 file, 1 folder, 2 project, 3 run, 4 sample, 5 analysis, 10 root, 11 projects,
// 12 runs, 13 trash, 14 samples, 15 analyses; grants: 0 active.
//
// The purge queue has no index over inodes. A CASE keeps the list of it from being built where no row is in question. A
// plus sign keeps the index of live names from being taken, which would read a whole directory for each portion.
//
// shuffled() puts inodes in an order of its own. A cycle is found at the first of its directories in that order, so
// that a way up ends at whatever comes before where it began: after some ten steps, however deep the tree is.
namespace reprieve {
namespace {

constexpr std::array kInvariants{
    Invariant{"account-folder", "a fixed folder of the account is missing or not one", Walk::accounts, Repair::none,
              "NOT EXISTS (SELECT 1 FROM inodes i WHERE i.id = r.root AND i.kind = 10)"
              " OR NOT EXISTS (SELECT 1 FROM inodes i WHERE i.id = r.projects AND i.kind = 11)"
              " OR NOT EXISTS (SELECT 1 FROM inodes i WHERE i.id = r.runs AND i.kind = 12)"
              " OR NOT EXISTS (SELECT 1 FROM inodes i WHERE i.id = r.trash AND i.kind = 13)"
              " OR (SELECT count(*) FROM entries e WHERE e.parent = r.root AND e.item IS NULL AND"
              " ((e.inode = r.projects AND e.name = CAST('projects' AS BLOB))"
              " OR (e.inode = r.runs AND e.name = CAST('runs' AS BLOB))"
              " OR (e.inode = r.trash AND e.name = CAST('.trash' AS BLOB)))) <> 3"},

    Invariant{"inode-number", "the number of the inode will be given out again", Walk::inodes, Repair::raise_sequence,
              "r.id >= (SELECT next FROM sequences WHERE name = 'inode')"},
    Invariant{"inode-kind", "the kind of the inode does not go with its type", Walk::inodes, Repair::none,
              "r.kind NOT IN (0, 1, 2, 3, 4, 5, 10, 11, 12, 13, 14, 15) OR (r.kind <> 0) <> ((r.mode & 61440) = 16384)"
              " OR (r.mode & 61440) NOT IN (4096, 8192, 16384, 24576, 32768, 40960, 49152)"},
    Invariant{"symlink-target", "the symbolic link has no target, or something else has one", Walk::inodes,
              Repair::none, "((r.mode & 61440) = 40960) <> (r.target IS NOT NULL)"},
    Invariant{"inode-owner", "the inode belongs to no account", Walk::inodes, Repair::inherit_owner,
              "NOT EXISTS (SELECT 1 FROM accounts a WHERE a.id = r.owner)"},
    Invariant{"inode-unnamed", "no entry leads to the inode, and it waits for no purge", Walk::inodes,
              Repair::to_lost_found,
              "CASE WHEN EXISTS (SELECT 1 FROM entries e WHERE e.inode = r.id)"
              " OR EXISTS (SELECT 1 FROM accounts a WHERE a.root = r.id) THEN 0"
              " ELSE r.id NOT IN (SELECT inode FROM purge_queue) END"},
    Invariant{"directory-cycle", "the directory lies in itself", Walk::inodes, Repair::to_lost_found,
              "(r.mode & 61440) = 16384 AND r.id IN (WITH RECURSIVE up(id) AS"
              " (SELECT e.parent FROM entries e WHERE e.inode = r.id AND e.item IS NULL UNION"
              " SELECT e.parent FROM up CROSS JOIN entries e ON e.inode = up.id WHERE e.item IS NULL"
              " AND shuffled(up.id) > shuffled(r.id)) SELECT id FROM up)"},
    Invariant{"item-at-home", "the project or run has no place of its own, or several", Walk::inodes,
              Repair::to_lost_found,
              "CASE WHEN r.kind NOT IN (2, 3) OR (SELECT count(*) FROM entries e WHERE e.inode = r.id"
              " AND e.role IS NULL) = 1 OR NOT EXISTS (SELECT 1 FROM entries e WHERE e.inode = r.id) THEN 0"
              " ELSE r.id NOT IN (SELECT inode FROM purge_queue) END"},
    Invariant{"file-links", "the link count is not that of the names", Walk::inodes, Repair::count_links,
              "CASE WHEN (r.mode & 61440) = 16384 OR r.links ="
              " (SELECT count(*) FROM entries e WHERE e.inode = r.id AND e.item IS NULL) THEN 0"
              " ELSE r.id NOT IN (SELECT inode FROM purge_queue) END"},
    Invariant{"directory-links", "the link count is not two and one a subdirectory", Walk::inodes, Repair::count_links,
              "CASE WHEN (r.mode & 61440) <> 16384 OR r.links = 2 +"
              " (SELECT count(*) FROM entries e CROSS JOIN inodes c ON c.id = e.inode WHERE e.parent = r.id"
              " AND e.item IS NULL AND (c.mode & 61440) = 16384) THEN 0"
              " ELSE r.id NOT IN (SELECT inode FROM purge_queue) END"},

    Invariant{"entry-number", "the number of the entry will be given out again", Walk::entries, Repair::raise_sequence,
              "r.id >= (SELECT next FROM sequences WHERE name = 'entry')"},
    Invariant{"entry-name", "the name is none that an entry can have", Walk::entries, Repair::to_lost_found,
              "length(r.name) NOT BETWEEN 1 AND 255 OR instr(r.name, x'2f') > 0 OR instr(r.name, x'00') > 0"
              " OR r.name IN (x'2e', x'2e2e')"},
    Invariant{"entry-inode", "the entry leads to no inode", Walk::entries, Repair::remove_row,
              "NOT EXISTS (SELECT 1 FROM inodes i WHERE i.id = r.inode)"},
    Invariant{"entry-directory", "the entry lies in no directory", Walk::entries, Repair::to_lost_found,
              "+r.item IS NULL AND NOT EXISTS (SELECT 1 FROM inodes i WHERE i.id = r.parent"
              " AND (i.mode & 61440) = 16384)"},
    Invariant{"entry-mark", "the entry is trashed, but by no item of the trash", Walk::entries, Repair::clear_mark,
              "r.item IS NOT NULL AND NOT EXISTS (SELECT 1 FROM trash_items t WHERE t.id = r.item"
              " AND t.parent = r.parent AND t.entry = r.id AND t.inode = r.inode)"},
    // placement() of core/view/item_kind, by what can come of it.
    Invariant{"entry-place", "what the entry leads to does not belong there", Walk::entries, Repair::to_lost_found,
              "+r.item IS NULL AND EXISTS (SELECT 1 FROM inodes p CROSS JOIN inodes c ON c.id = r.inode"
              " WHERE p.id = r.parent AND (p.mode & 61440) = 16384 AND CASE p.kind"
              " WHEN 10 THEN c.kind NOT IN (11, 12, 13) WHEN 11 THEN c.kind <> 2 WHEN 12 THEN c.kind <> 3"
              " WHEN 2 THEN c.kind NOT IN (0, 1, 14, 15) WHEN 14 THEN c.kind NOT IN (0, 4)"
              " WHEN 15 THEN c.kind NOT IN (0, 5) WHEN 13 THEN 1 ELSE c.kind NOT IN (0, 1) END)"},
    Invariant{"entry-owner", "it belongs to another account than the directory that it lies in", Walk::entries,
              Repair::inherit_owner,
              "+r.item IS NULL AND r.role IS NULL AND EXISTS (SELECT 1 FROM inodes p CROSS JOIN inodes c"
              " ON c.id = r.inode WHERE p.id = r.parent AND p.owner <> c.owner)"
              " AND (SELECT count(*) FROM entries e WHERE e.inode = r.inode AND e.role IS NULL) = 1"},
    Invariant{"name-owner", "one of the names of the file lies in what another account than its own owns",
              Walk::entries, Repair::none,
              "+r.item IS NULL AND r.role IS NULL AND EXISTS (SELECT 1 FROM inodes p CROSS JOIN inodes c"
              " ON c.id = r.inode WHERE p.id = r.parent AND p.owner <> c.owner)"
              " AND (SELECT count(*) FROM entries e WHERE e.inode = r.inode AND e.role IS NULL) > 1"},
    Invariant{"entry-role", "the entry is that of a share that is not granted so", Walk::entries, Repair::follow_grant,
              "r.role IS NOT NULL AND NOT EXISTS (SELECT 1 FROM grants g CROSS JOIN accounts a ON a.id = g.account"
              " WHERE g.inode = r.inode AND g.state = 0 AND g.role = r.role AND g.name = r.name"
              " AND r.parent IN (a.projects, a.runs))"},
    Invariant{"entry-of-trashed", "the entry shows a collaborator what its owner has in the trash", Walk::entries,
              Repair::follow_grant,
              "r.role IS NOT NULL AND EXISTS (SELECT 1 FROM entries h WHERE h.inode = r.inode AND h.role IS NULL"
              " AND h.item IS NOT NULL)"},

    Invariant{"item-number", "the number of the trash item will be given out again", Walk::trash_items,
              Repair::raise_sequence, "r.id >= (SELECT next FROM sequences WHERE name = 'event')"},
    Invariant{"item-entry", "no trashed entry belongs to the trash item", Walk::trash_items, Repair::remove_row,
              "NOT EXISTS (SELECT 1 FROM entries e WHERE e.parent = r.parent AND e.id = r.entry AND e.item = r.id)"},
    Invariant{"item-account", "the trash item is in the trash of no account", Walk::trash_items, Repair::to_lost_found,
              "NOT EXISTS (SELECT 1 FROM accounts a WHERE a.id = r.account)"},
    Invariant{"item-owner", "the trash item is not in the trash of who owns what it leads to", Walk::trash_items,
              Repair::follow_owner,
              "EXISTS (SELECT 1 FROM inodes i CROSS JOIN accounts a ON a.id = i.owner"
              " WHERE i.id = r.inode AND i.owner <> r.account)"},
    // The sessions of an account that was removed are gone with it.
    Invariant{"item-session", "the trash item was deleted in a session that is not known", Walk::trash_items,
              Repair::none,
              "EXISTS (SELECT 1 FROM accounts a WHERE a.id = r.deleted_by)"
              " AND NOT EXISTS (SELECT 1 FROM sessions s WHERE s.id = r.session)"},

    Invariant{"xattr-inode", "the attribute belongs to no inode", Walk::xattrs, Repair::remove_row,
              "NOT EXISTS (SELECT 1 FROM inodes i WHERE i.id = r.inode)"},

    Invariant{"grant-item", "the grant is for no project or run, or for its owner", Walk::grants, Repair::remove_row,
              "NOT EXISTS (SELECT 1 FROM inodes i WHERE i.id = r.inode AND i.kind IN (2, 3) AND i.owner <> r.account)"},
    Invariant{"grant-account", "the grant is for no account", Walk::grants, Repair::remove_row,
              "NOT EXISTS (SELECT 1 FROM accounts a WHERE a.id = r.account)"},
    Invariant{"grant-entry", "the collaborator does not have what is shared with it, or has it twice", Walk::grants,
              Repair::follow_grant,
              "r.state = 0 AND EXISTS (SELECT 1 FROM entries h WHERE h.inode = r.inode AND h.role IS NULL"
              " AND h.item IS NULL) AND (SELECT count(*) FROM accounts a CROSS JOIN entries e ON e.inode = r.inode"
              " WHERE a.id = r.account AND e.parent IN (a.projects, a.runs)) <> 1"},

    Invariant{"hidden-entry", "what is hidden is not there", Walk::hidden_entries, Repair::remove_row,
              "NOT EXISTS (SELECT 1 FROM entries e WHERE e.parent = r.parent AND e.id = r.entry)"},
    Invariant{"hidden-share", "it is hidden from an account that it is not shared with", Walk::hidden_entries,
              Repair::remove_row,
              "NOT EXISTS (WITH RECURSIVE up(id) AS (SELECT r.parent UNION"
              " SELECT e.parent FROM up CROSS JOIN entries e ON e.inode = up.id)"
              " SELECT 1 FROM up CROSS JOIN grants g ON g.inode = up.id AND g.account = r.account AND g.state = 0)"},
    Invariant{"hidden-session", "it was hidden in a session that is not known", Walk::hidden_entries,
              Repair::remove_row, "NOT EXISTS (SELECT 1 FROM sessions s WHERE s.id = r.session)"},

    Invariant{"derivation-items", "one of the two items that are associated is not there", Walk::derivations,
              Repair::remove_row,
              "NOT EXISTS (SELECT 1 FROM inodes d CROSS JOIN inodes s ON s.id = r.source WHERE d.id = r.derived"
              " AND (d.kind, s.kind) IN (VALUES (4, 3), (5, 4)))"},

    Invariant{"doomed-blob", "the blob of an inode that is there is to be destroyed", Walk::doomed_blobs,
              Repair::remove_row, "EXISTS (SELECT 1 FROM inodes i WHERE i.id = r.inode)"},

    Invariant{"outcome-key", "the outcome is that of a request which is not known", Walk::idempotency_outcomes,
              Repair::remove_row, "NOT EXISTS (SELECT 1 FROM idempotency_keys k WHERE k.id = r.request)"},
    Invariant{"plan-account", "the plan of an empty is for no account", Walk::empty_plans, Repair::remove_row,
              "NOT EXISTS (SELECT 1 FROM accounts a WHERE a.id = r.account)"},
};

// shuffled(number): another number for each, by a bijection (the mixing of splitmix64) that nobody outside can foresee,
// who could else build a tree that takes the square of its depth.
void shuffled(sqlite3_context* context, int /*count*/, sqlite3_value** values) {
  static const std::uint64_t key = [] {
    std::uint64_t bits = 0;
    // Without it the order is as good, but for who knows it.
    static_cast<void>(::getrandom(&bits, sizeof bits, 0));
    return bits;
  }();
  auto mixed = static_cast<std::uint64_t>(sqlite3_value_int64(values[0])) ^ key;
  mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9U;
  mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111ebU;
  sqlite3_result_int64(context, static_cast<std::int64_t>(mixed ^ (mixed >> 31)));
}

// How a table is walked: its key, of which all rows of one value are looked at together, and what its rows name.
struct Table {
  Walk walk;
  const char* name;
  const char* first;
  const char* second;   // null: the key has one column
  const char* subject;  // inode, parent, entry, item, account
};

constexpr std::array kTables{
    Table{Walk::accounts, "accounts", "id", nullptr, "r.root, NULL, NULL, NULL, r.id"},
    Table{Walk::inodes, "inodes", "id", nullptr, "r.id, NULL, NULL, NULL, NULL"},
    Table{Walk::entries, "entries", "parent", "id", "r.inode, r.parent, r.id, r.item, NULL"},
    Table{Walk::trash_items, "trash_items", "id", nullptr, "r.inode, r.parent, r.entry, r.id, r.account"},
    Table{Walk::xattrs, "xattrs", "inode", nullptr, "r.inode, NULL, NULL, NULL, NULL"},
    Table{Walk::grants, "grants", "inode", nullptr, "r.inode, NULL, NULL, NULL, r.account"},
    Table{Walk::hidden_entries, "hidden_entries", "account", "parent", "NULL, r.parent, r.entry, NULL, r.account"},
    Table{Walk::derivations, "derivations", "derived", nullptr, "r.derived, NULL, NULL, NULL, NULL"},
    Table{Walk::doomed_blobs, "doomed_blobs", "inode", nullptr, "r.inode, NULL, NULL, NULL, NULL"},
    Table{Walk::idempotency_outcomes, "idempotency_outcomes", "request", "place", "NULL, NULL, NULL, NULL, NULL"},
    Table{Walk::empty_plans, "empty_plans", "id", nullptr, "NULL, NULL, NULL, NULL, r.account"},
};

const Table& table_of(Walk walk) { return kTables[static_cast<std::size_t>(walk)]; }

std::string from(const Table& table) { return std::string(" FROM ") + table.name + " r"; }

// "(r.parent, r.id)"
std::string key(const Table& table) {
  return table.second == nullptr ? std::string("r.") + table.first
                                 : std::string("(r.") + table.first + ", r." + table.second + ")";
}

std::string behind(const Table& table) {
  return " WHERE " + key(table) + (table.second == nullptr ? " > ?1" : " > (?1, ?2)");
}

std::string up_to(const Table& table) {
  return " AND " + key(table) + (table.second == nullptr ? " <= ?2" : " <= (?3, ?4)");
}

std::string at_key(const Table& table) {
  return std::string(" WHERE r.") + table.first + " = ?1" +
         (table.second == nullptr ? std::string(" AND ?2 = ?2") : std::string(" AND r.") + table.second + " = ?2");
}

std::string order(const Table& table) {
  return std::string(" ORDER BY r.") + table.first +
         (table.second == nullptr ? std::string() : std::string(", r.") + table.second);
}

// The statements of one walk.
struct WalkStatements {
  WalkStatements(SQLite::Database& database, const Table& table)
      : is_wide(table.second != nullptr),
        end(database, std::string("SELECT r.") + table.first + ", r." + (is_wide ? table.second : table.first) +
                          from(table) + behind(table) + order(table) + " LIMIT 1 OFFSET " + (is_wide ? "?3" : "?2")),
        count(database, "SELECT count(*)" + from(table) + behind(table) + up_to(table)) {
    for (const Invariant& rule : kInvariants) {
      if (rule.walk != table.walk) continue;
      rules.emplace_back(
          &rule, SQLite::Statement(database, std::string("SELECT ") + table.subject + ", r." + table.first + ", r." +
                                                 (is_wide ? table.second : table.first) + from(table) + behind(table) +
                                                 up_to(table) + " AND (" + rule.broken_when + ")"));
    }
  }

  // Steps through `statement` over the range.
  template <typename Each>
  void for_range(SQLite::Statement& statement, WalkPlace from, WalkPlace to, const Each& each) const {
    if (is_wide) {
      Query query(statement, from.first, from.second, to.first, to.second);
      while (query.step()) each(query);
    } else {
      Query query(statement, from.first, to.first);
      while (query.step()) each(query);
    }
  }

  // Of the last of so many rows; none: there are fewer.
  std::optional<WalkPlace> end_of(WalkPlace from, std::size_t rows) {
    const auto read = [](Query query) -> std::optional<WalkPlace> {
      if (!query.step()) return std::nullopt;
      return WalkPlace{query.integer(0), query.integer(1)};
    };
    return is_wide ? read(Query(end, from.first, from.second, rows - 1)) : read(Query(end, from.first, rows - 1));
  }

  bool is_wide;
  SQLite::Statement end;
  SQLite::Statement count;
  std::vector<std::pair<const Invariant*, SQLite::Statement>> rules;
};

}  // namespace

struct InvariantRows::Statements {
  explicit Statements(SQLite::Database& database)
      : files(database, "SELECT id FROM inodes WHERE id > ?1 AND id <= ?2 AND (mode & 61440) = 32768") {}
  std::map<Walk, WalkStatements> walks;
  SQLite::Statement files;
};

std::span<const Invariant> invariants() { return kInvariants; }

InvariantRows::InvariantRows(SQLite::Database& database) : database_(database) {
  database.createFunction("shuffled", 1, true, nullptr, &shuffled, nullptr, nullptr, nullptr);
}

InvariantRows::~InvariantRows() = default;

InvariantRows::Portion InvariantRows::check(Walk walk, WalkPlace from, std::size_t rows, const Found& found) {
  WalkStatements& statements = prepared().walks.try_emplace(walk, database_, table_of(walk)).first->second;
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
  const std::optional<WalkPlace> end = statements.end_of(from, rows);
  Portion portion{.end = end.value_or(WalkPlace{kMost, kMost}), .is_last = !end};
  statements.for_range(statements.count, from, portion.end,
                       [&](Query& query) { portion.rows = static_cast<std::uint64_t>(query.integer(0)); });
  for (auto& [rule, statement] : statements.rules) {
    const Invariant& broken = *rule;
    statements.for_range(statement, from, portion.end, [&](Query& query) {
      found(broken, {.inode = query.id<InodeId>(0),
                     .parent = query.id<InodeId>(1),
                     .entry = query.id<EntryId>(2),
                     .item = query.id<TrashItemId>(3),
                     .account = query.id<AccountId>(4),
                     .key = {query.integer(5), query.integer(6)}});
    });
  }
  return portion;
}

std::vector<InodeId> InvariantRows::files(InodeId from, InodeId to) {
  std::vector<InodeId> found;
  Query query(prepared().files, from, to);
  while (query.step()) found.push_back(query.id<InodeId>(0));
  return found;
}

std::vector<InodeId> InvariantRows::having(const std::string& xattr) {
  std::vector<InodeId> found;
  SQLite::Statement having(database_, "SELECT inode FROM xattrs WHERE name = ?1");
  Query query(having, xattr);
  while (query.step()) found.push_back(query.id<InodeId>(0));
  return found;
}

InodeId InvariantRows::last_inode() {
  SQLite::Statement last(database_, "SELECT coalesce(max(id), 0) FROM inodes");
  Query query(last);
  query.step();
  return query.id<InodeId>(0);
}

std::string InvariantRows::integrity() { return database_.execAndGet("PRAGMA integrity_check(1)").getString(); }

bool InvariantRows::is_broken(const Invariant& rule, WalkPlace key) {
  SQLite::Statement statement(database_, "SELECT 1" + from(table_of(rule.walk)) + at_key(table_of(rule.walk)) +
                                             " AND (" + rule.broken_when + ") LIMIT 1");
  return Query(statement, key.first, key.second).step();
}

void InvariantRows::remove_broken(const Invariant& rule, WalkPlace key) {
  const Table& table = table_of(rule.walk);
  SQLite::Statement statement(database_, std::string("DELETE FROM ") + table.name + " AS r" + at_key(table) + " AND (" +
                                             rule.broken_when + ")");
  Query(statement, key.first, key.second).run();
}

void InvariantRows::count_links(InodeId inode) {
  SQLite::Statement statement(
      database_,
      "UPDATE inodes SET links = CASE WHEN (mode & 61440) = 16384 THEN 2 + (SELECT count(*) FROM entries e"
      " CROSS JOIN inodes c ON c.id = e.inode WHERE e.parent = ?1 AND e.item IS NULL AND (c.mode & 61440) = 16384)"
      " ELSE (SELECT count(*) FROM entries e WHERE e.inode = ?1 AND e.item IS NULL) END WHERE id = ?1");
  Query(statement, inode).run();
}

void InvariantRows::forget() { statements_.reset(); }

InvariantRows::Statements& InvariantRows::prepared() {
  if (!statements_) statements_ = std::make_unique<Statements>(database_);
  return *statements_;
}

}  // namespace reprieve
