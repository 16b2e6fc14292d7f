// SPDX-License-Identifier: Apache-2.0
#include "core/store/derivation_rows.h"

#include "core/store/statement.h"

namespace reprieve {
namespace {

std::vector<InodeId> read_all(Query query) {
  std::vector<InodeId> inodes;
  while (query.step()) inodes.push_back(query.id<InodeId>(0));
  return inodes;
}

}  // namespace

DerivationRows::DerivationRows(SQLite::Database& database)
    : add_(database, "INSERT OR IGNORE INTO derivations VALUES (?1, ?2)"),
      remove_(database, "DELETE FROM derivations WHERE derived = ?1 AND source = ?2"),
      remove_sources_(database, "DELETE FROM derivations WHERE derived = ?1"),
      remove_derived_(database, "DELETE FROM derivations WHERE source = ?1"),
      sources_of_(database, "SELECT source FROM derivations WHERE derived = ?1 ORDER BY source"),
      derived_from_(database, "SELECT derived FROM derivations WHERE source = ?1 ORDER BY derived") {}

bool DerivationRows::add(InodeId derived, InodeId source) {
  Query query(add_, derived, source);
  query.run();
  return query.changed() > 0;
}

bool DerivationRows::remove(InodeId derived, InodeId source) {
  Query query(remove_, derived, source);
  query.run();
  return query.changed() > 0;
}

void DerivationRows::remove_sources(InodeId derived) { Query(remove_sources_, derived).run(); }

void DerivationRows::remove_all(InodeId inode) {
  Query(remove_sources_, inode).run();
  Query(remove_derived_, inode).run();
}

std::vector<InodeId> DerivationRows::sources_of(InodeId derived) { return read_all(Query(sources_of_, derived)); }

std::vector<InodeId> DerivationRows::derived_from(InodeId source) { return read_all(Query(derived_from_, source)); }

}  // namespace reprieve
