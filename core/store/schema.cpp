// SPDX-License-Identifier: Apache-2.0
#include "core/store/schema.h"

#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Transaction.h>

#include <array>
#include <string>

namespace reprieve {
namespace {

// Times are nanoseconds since the epoch. Names are BLOBs because they are bytes. `item` marks an entry as trashed; a
// trashed entry keeps its parent and name.
//
// entries is clustered by (parent, id), so that a listing reads one range; the number of an entry is the offset of the
// directory stream behind it. Live names are unique by a partial index, which trashed entries are not in.
constexpr const char* kInitial = R"sql(
CREATE TABLE sequences (
  name TEXT PRIMARY KEY,
  next INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO sequences VALUES ('inode', 2), ('entry', 1), ('trash_item', 1), ('blob_tail', 2);

CREATE TABLE accounts (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  uid INTEGER NOT NULL,
  gid INTEGER NOT NULL,
  quota_bytes INTEGER,
  root INTEGER NOT NULL,
  projects INTEGER NOT NULL,
  runs INTEGER NOT NULL,
  trash INTEGER NOT NULL,
  created INTEGER NOT NULL
) STRICT;

CREATE TABLE inodes (
  id INTEGER PRIMARY KEY,
  kind INTEGER NOT NULL,
  mode INTEGER NOT NULL,
  uid INTEGER NOT NULL,
  gid INTEGER NOT NULL,
  links INTEGER NOT NULL,
  device INTEGER NOT NULL,
  generation INTEGER NOT NULL,
  accessed INTEGER NOT NULL,
  modified INTEGER NOT NULL,
  changed INTEGER NOT NULL,
  born INTEGER NOT NULL,
  owner INTEGER NOT NULL,
  creator INTEGER NOT NULL,
  target BLOB
) STRICT;

CREATE TABLE entries (
  parent INTEGER NOT NULL,
  id INTEGER NOT NULL,
  name BLOB NOT NULL,
  inode INTEGER NOT NULL,
  item INTEGER,
  PRIMARY KEY (parent, id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX live_entries ON entries (parent, name) WHERE item IS NULL;
CREATE INDEX entries_by_inode ON entries (inode);

CREATE TABLE xattrs (
  inode INTEGER NOT NULL,
  name BLOB NOT NULL,
  value BLOB NOT NULL,
  PRIMARY KEY (inode, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE sessions (
  id INTEGER PRIMARY KEY,
  account INTEGER NOT NULL,
  uid INTEGER NOT NULL,
  process INTEGER NOT NULL,
  started INTEGER NOT NULL,
  boot INTEGER NOT NULL,
  first_seen INTEGER NOT NULL,
  UNIQUE (account, uid, process, started, boot)
) STRICT;

CREATE TABLE trash_items (
  id INTEGER PRIMARY KEY,
  account INTEGER NOT NULL,
  name BLOB NOT NULL,
  kind INTEGER NOT NULL,
  parent INTEGER NOT NULL,
  entry INTEGER NOT NULL,
  inode INTEGER NOT NULL,
  origin BLOB NOT NULL,
  session INTEGER NOT NULL,
  deleted_by INTEGER NOT NULL,
  uid INTEGER NOT NULL,
  deleted INTEGER NOT NULL,
  parent_modified_before INTEGER NOT NULL,
  parent_modified_after INTEGER NOT NULL,
  hold_reason TEXT,
  files INTEGER,
  folders INTEGER,
  bytes INTEGER,
  exclusive_bytes INTEGER,
  UNIQUE (account, name)
) STRICT;

CREATE TABLE purge_queue (
  id INTEGER PRIMARY KEY,
  inode INTEGER NOT NULL,
  operation INTEGER NOT NULL
) STRICT;

CREATE TABLE doomed_blobs (
  inode INTEGER PRIMARY KEY
) STRICT;
)sql";

// Several accounts. A project or run that is shared has one entry at home, whose role is NULL, and one in each
// collaborator's projects/ or runs/, whose role is what that account may do. The grant outlives the entry: a
// collaborator who left can come back while the owner still allows it. `hidden_entries` are what an account deleted
// without owning it; not settled while the process that deletes is at it. `derivations` ties a sample to its runs and
// an analysis to its samples. Roles, states, statuses and modes are numbers of core/base.
constexpr const char* kSharing = R"sql(
ALTER TABLE entries ADD COLUMN role INTEGER;
ALTER TABLE inodes ADD COLUMN status INTEGER NOT NULL DEFAULT 0;
ALTER TABLE inodes ADD COLUMN files_deleted INTEGER NOT NULL DEFAULT 0;
ALTER TABLE trash_items ADD COLUMN mode INTEGER NOT NULL DEFAULT 0;
ALTER TABLE trash_items ADD COLUMN together INTEGER;

CREATE INDEX running_items ON inodes (id) WHERE status = 1;
CREATE INDEX trash_groups ON trash_items (together) WHERE together IS NOT NULL;

CREATE TABLE grants (
  inode INTEGER NOT NULL,
  account INTEGER NOT NULL,
  role INTEGER NOT NULL,
  state INTEGER NOT NULL,
  name BLOB NOT NULL,
  granted INTEGER NOT NULL,
  PRIMARY KEY (inode, account)
) STRICT, WITHOUT ROWID;
CREATE INDEX grants_by_account ON grants (account);

CREATE TABLE hidden_entries (
  account INTEGER NOT NULL,
  parent INTEGER NOT NULL,
  entry INTEGER NOT NULL,
  session INTEGER NOT NULL,
  settled INTEGER NOT NULL,
  hidden INTEGER NOT NULL,
  PRIMARY KEY (account, parent, entry)
) STRICT, WITHOUT ROWID;
CREATE INDEX hidden_by_session ON hidden_entries (session);

CREATE TABLE derivations (
  derived INTEGER NOT NULL,
  source INTEGER NOT NULL,
  PRIMARY KEY (derived, source)
) STRICT, WITHOUT ROWID;
CREATE INDEX derivations_by_source ON derivations (source);

CREATE TABLE events (
  id INTEGER PRIMARY KEY,
  at INTEGER NOT NULL,
  kind TEXT NOT NULL,
  account INTEGER NOT NULL,
  uid INTEGER NOT NULL,
  process INTEGER NOT NULL,
  session INTEGER NOT NULL,
  inode INTEGER,
  item INTEGER,
  path BLOB,
  detail TEXT,
  undone INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX events_by_session ON events (session);
)sql";

// Where the access control lists are: a store without any is spared the look for one at every creation.
constexpr const char* kAcls = R"sql(
CREATE INDEX acls ON xattrs (inode)
  WHERE name IN (CAST('system.posix_acl_access' AS BLOB), CAST('system.posix_acl_default' AS BLOB));
)sql";

// Of requests that may come again. Numbers of a mount and lane are overwritten in place, so the table stays as small as
// the threads that serve are few.
constexpr const char* kRequests = R"sql(
CREATE TABLE carried_out (
  mount INTEGER NOT NULL,
  lane INTEGER NOT NULL,
  request INTEGER NOT NULL,
  PRIMARY KEY (mount, lane)
) STRICT, WITHOUT ROWID;
)sql";

// Checksums of files and how far their comparison has come, in one row.
constexpr const char* kChecksums = R"sql(
CREATE TABLE checksums (
  inode INTEGER PRIMARY KEY,
  sum BLOB NOT NULL,
  verified INTEGER NOT NULL,
  damaged INTEGER NOT NULL
) STRICT;
CREATE INDEX damaged_files ON checksums (inode) WHERE damaged = 1;

CREATE TABLE scrub (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  cursor INTEGER NOT NULL,
  finished INTEGER NOT NULL,
  files INTEGER NOT NULL,
  bytes INTEGER NOT NULL
) STRICT;
INSERT INTO scrub VALUES (1, 0, 0, 0, 0);
)sql";

// Events and trash items have numbers of one sequence: the number of an item is that of its trash event. Events that
// are there go behind all items. `trimmed` is the greatest number of an event that is no longer kept; what was is not
// known.
constexpr const char* kEvents = R"sql(
UPDATE events SET id = -id;
UPDATE events SET id = (SELECT next FROM sequences WHERE name = 'trash_item') - id;
UPDATE sequences SET name = 'event', next = max(next, (SELECT coalesce(max(id) + 1, 0) FROM events))
  WHERE name = 'trash_item';
INSERT INTO sequences SELECT 'trimmed', next - 1 FROM sequences WHERE name = 'event';
)sql";

// Requests on the socket that may come again, and plans of empties, both of which outlive a daemon. A key is answered
// when its answer was delivered. `made` is 0 for what is to go. Numbers of keys are never used again (AUTOINCREMENT),
// because a request that is still being carried out may have lost its row. `place` is the part of the request and the
// step of the part.
constexpr const char* kIdempotency = R"sql(
CREATE TABLE idempotency_keys (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  uid INTEGER NOT NULL,
  key BLOB NOT NULL,
  checksum INTEGER NOT NULL,
  made INTEGER NOT NULL,
  answered INTEGER NOT NULL DEFAULT 0,
  bytes INTEGER NOT NULL DEFAULT 0,
  UNIQUE (uid, key)
) STRICT;
CREATE INDEX idempotency_keys_by_user ON idempotency_keys (uid, answered DESC, id);
CREATE INDEX idempotency_keys_by_age ON idempotency_keys (made);

CREATE TABLE idempotency_outcomes (
  request INTEGER NOT NULL,
  place INTEGER NOT NULL,
  outcome BLOB NOT NULL,
  PRIMARY KEY (request, place)
) STRICT, WITHOUT ROWID;

CREATE TABLE empty_plans (
  id INTEGER PRIMARY KEY,
  token BLOB NOT NULL UNIQUE,
  account INTEGER NOT NULL,
  uid INTEGER NOT NULL,
  expires INTEGER NOT NULL,
  items BLOB NOT NULL
) STRICT;
CREATE INDEX empty_plans_by_user ON empty_plans (uid);
)sql";

// An item is in the trash of who owns what it leads to, and no longer in that of the collaborator who deleted it. What
// has a name there already gets its number behind it.
constexpr const char* kItemsOfOwners = R"sql(
UPDATE OR IGNORE trash_items SET account = (SELECT owner FROM inodes WHERE inodes.id = trash_items.inode)
  WHERE account <> (SELECT owner FROM inodes JOIN accounts ON accounts.id = owner WHERE inodes.id = trash_items.inode);
UPDATE OR IGNORE trash_items SET account = (SELECT owner FROM inodes WHERE inodes.id = trash_items.inode),
  name = CAST(substr(name, 1, 200) || '~' || id AS BLOB)
  WHERE account <> (SELECT owner FROM inodes JOIN accounts ON accounts.id = owner WHERE inodes.id = trash_items.inode);
)sql";

// No collaborator's own, whoever made them. Kinds 14 and 15: samples, analyses.
constexpr const char* kContainersOfOwners = R"sql(
UPDATE inodes SET creator = owner WHERE kind IN (14, 15) AND creator <> owner;
)sql";

// Files of records (core/store/inode_record) are found by the ctimes of their inodes. Here are those of which something
// changed that moves none, or of which an inode or a name went. `folder` is the number of an inode by 1024. What was
// recorded until now may lack such changes, so all is recorded anew. Moves and deletions have no triggers, because they
// are what is done most: they move the ctime of what they move.
constexpr const char* kOutdatedRecords = R"sql(
CREATE TABLE outdated_records (
  folder INTEGER PRIMARY KEY,
  changes INTEGER NOT NULL
) STRICT;
CREATE TRIGGER record_inode_changed AFTER UPDATE OF kind, owner, creator, uid, gid, status, files_deleted ON inodes
  WHEN NEW.changed = OLD.changed BEGIN
  INSERT INTO outdated_records VALUES (NEW.id / 1024, 1) ON CONFLICT (folder) DO UPDATE SET changes = changes + 1;
END;
CREATE TRIGGER record_inode_removed AFTER DELETE ON inodes BEGIN
  INSERT INTO outdated_records VALUES (OLD.id / 1024, 1) ON CONFLICT (folder) DO UPDATE SET changes = changes + 1;
END;
CREATE TRIGGER record_entry_changed AFTER UPDATE OF role ON entries BEGIN
  INSERT INTO outdated_records VALUES (NEW.inode / 1024, 1) ON CONFLICT (folder) DO UPDATE SET changes = changes + 1;
END;
CREATE TRIGGER record_entry_removed AFTER DELETE ON entries BEGIN
  INSERT INTO outdated_records VALUES (OLD.inode / 1024, 1) ON CONFLICT (folder) DO UPDATE SET changes = changes + 1;
END;
CREATE TRIGGER record_item_changed AFTER UPDATE OF account, name, mode, together ON trash_items BEGIN
  INSERT INTO outdated_records VALUES (NEW.inode / 1024, 1) ON CONFLICT (folder) DO UPDATE SET changes = changes + 1;
END;
CREATE TRIGGER record_grant_made AFTER INSERT ON grants BEGIN
  INSERT INTO outdated_records VALUES (NEW.inode / 1024, 1) ON CONFLICT (folder) DO UPDATE SET changes = changes + 1;
END;
CREATE TRIGGER record_grant_changed AFTER UPDATE ON grants BEGIN
  INSERT INTO outdated_records VALUES (NEW.inode / 1024, 1) ON CONFLICT (folder) DO UPDATE SET changes = changes + 1;
END;
CREATE TRIGGER record_grant_removed AFTER DELETE ON grants BEGIN
  INSERT INTO outdated_records VALUES (OLD.inode / 1024, 1) ON CONFLICT (folder) DO UPDATE SET changes = changes + 1;
END;
CREATE TRIGGER record_account_changed AFTER UPDATE ON accounts BEGIN
  INSERT INTO outdated_records VALUES (NEW.root / 1024, 1) ON CONFLICT (folder) DO UPDATE SET changes = changes + 1;
END;
DELETE FROM sequences WHERE name = 'recorded';
)sql";

struct Migration {
  std::uint32_t version;
  const char* statements;
};

// Append only: a released step is never edited.
constexpr std::array kMigrations{
    Migration{1, kInitial},         Migration{2, kSharing},       Migration{3, kAcls},
    Migration{4, kRequests},        Migration{5, kChecksums},     Migration{6, kEvents},
    Migration{7, kIdempotency},     Migration{8, kItemsOfOwners}, Migration{9, kContainersOfOwners},
    Migration{10, kOutdatedRecords}};

}  // namespace

std::uint32_t current_schema_version() { return kMigrations.back().version; }

void migrate(SQLite::Database& database, std::uint32_t version) {
  for (const Migration& migration : kMigrations) {
    if (migration.version <= version) continue;
    SQLite::Transaction transaction(database, SQLite::TransactionBehavior::IMMEDIATE);
    database.exec(migration.statements);
    database.exec("PRAGMA application_id = " + std::to_string(kApplicationId));
    database.exec("PRAGMA user_version = " + std::to_string(migration.version));
    transaction.commit();
  }
}

}  // namespace reprieve
