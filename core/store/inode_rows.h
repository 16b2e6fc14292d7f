// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <SQLiteCpp/Statement.h>

#include <optional>
#include <string>
#include <vector>

#include "core/base/attributes.h"
#include "core/base/ids.h"
#include "core/base/item_kind.h"
#include "core/base/item_status.h"

namespace reprieve {

// The attribute that holds a program's capabilities (capabilities(7)).
inline constexpr const char* kCapabilities = "security.capability";
// The attribute of a regular file whose blob is lost, and since when that is known.
inline constexpr const char* kLostAttribute = "trusted.reprieve.lost";

// A row of `inodes`. Of a regular file `accessed` and `modified` are zero: they, and the size, are the blob's.
struct InodeRow {
  InodeId id;
  ItemKind kind = ItemKind::file;
  mode_t mode = 0;
  uid_t uid = 0;
  gid_t gid = 0;
  std::uint32_t links = 0;  // entries that are not trashed themselves; of a directory 2 and one a subdirectory
  dev_t device = 0;
  std::uint64_t generation = 0;
  Timestamp accessed{};
  Timestamp modified{};
  Timestamp changed{};
  Timestamp born{};
  AccountId owner;
  AccountId creator;
  std::uint64_t target_size = 0;  // of a symbolic link
  ItemStatus status = ItemStatus::none;
  bool files_deleted = false;  // a run or an analysis whose data was trashed without it
};

// A name of something elsewhere; `item` is set where it is a trash item by itself.
struct OtherName {
  InodeId inode;
  TrashItemId item;
};

// A regular file, and whose it is.
struct OwnedFile {
  InodeId id;
  AccountId owner;
};

// SQL over inodes and xattrs. Reached through a Transaction only, which holds the store's lock.
class InodeRows {
 public:
  explicit InodeRows(SQLite::Database& database);

  std::optional<InodeRow> find(InodeId id);
  void insert(const InodeRow& row, const std::string* target);
  void remove(InodeId id);  // with its xattrs
  std::uint64_t count();
  std::optional<std::string> target(InodeId id);
  // The greatest number of all.
  InodeId last();
  // Regular files of the account behind `from`, up to and with `to`.
  std::vector<InodeId> files_of(AccountId owner, InodeId from, InodeId to);
  // Of all inodes behind `from`, up to and with `to`, those whose row was changed at `moment` or later.
  std::vector<InodeId> changed_since(Timestamp moment, InodeId from, InodeId to);
  // All regular files from this number on.
  std::vector<InodeId> files_from(InodeId first);
  // The regular file that comes behind this number.
  std::optional<InodeId> next_file(InodeId behind);
  // The row's own mtime; the epoch if there is no row.
  Timestamp modified(InodeId id);

  void set_owner_and_mode(const InodeRow& row);  // mode, uid, gid, changed
  void set_times(const InodeRow& row);           // accessed, modified, changed
  void set_made_by_owner(InodeId id);
  void set_kind(InodeId id, ItemKind kind);
  void set_status(InodeId id, ItemStatus status);
  void set_files_deleted(InodeId id, bool deleted);
  // Every item whose status is running.
  std::vector<InodeId> running();
  // The tree at and below `top` comes into another account's hands, but for what was trashed from it, which stays with
  // the account in whose trash it is: what is `from_uid`'s and `from_gid`'s there becomes the new owner's. As with
  // chown(2) the ctimes of what changes hands become `now`.
  void adopt(InodeId top, AccountId owner, uid_t from_uid, gid_t from_gid, uid_t uid, gid_t gid, Timestamp now);
  // Nothing in the tree is set-id or has capabilities (capabilities(7)) any more. ctimes of files become `now`.
  void drop_privileges(InodeId top, Timestamp now);
  // The other names, besides `name`, of what lies at and below `top` and others than `owner` own: those outside of the
  // tree, and those that are trashed.
  std::vector<OtherName> other_names(InodeId top, EntryId name, AccountId owner);
  // Whether anything at and below `top` was made by others than the account.
  bool made_by_others(InodeId top, AccountId account);
  // The regular files of that tree that others than `owner` own.
  std::vector<OwnedFile> files_of_others(InodeId top, AccountId owner);
  // Everything that the account owns, as its Unix ids change.
  void change_ids(AccountId owner, uid_t from_uid, gid_t from_gid, uid_t uid, gid_t gid);
  void set_changed(InodeId id, Timestamp now);
  void set_modified(InodeId id, Timestamp modified);
  void add_links(InodeId id, int delta, Timestamp now);
  // A name came or went in a directory; `links` counts the subdirectories that came.
  void directory_changed(InodeId id, int links, Timestamp now);
  // Kernels and file handles that knew inodes of this store know none of them any more but the roots.
  void renew_generations();
  // To the kernel the directory is a new one from now on.
  void next_generation(InodeId id, Timestamp now);

  std::optional<std::string> xattr(InodeId id, const std::string& name);
  std::vector<std::string> xattr_names(InodeId id);
  // Of all their names and values together.
  std::size_t xattr_bytes(InodeId id);
  void set_xattr(InodeId id, const std::string& name, const std::string& value);
  void remove_xattr(InodeId id, const std::string& name);
  // Whether any inode may have an access control list. Known without asking the database.
  [[nodiscard]] bool has_lists() const { return has_lists_; }

  // The columns that read_row expects from `first_column` on, for joins; `i` is the table's alias.
  static const char* columns();
  static InodeRow read_row(class Query& query, int first_column);
  static constexpr int kColumns = 17;

 private:
  SQLite::Statement find_, insert_, remove_, remove_xattrs_, count_, last_, files_of_, changed_since_, files_from_,
      next_file_, target_, modified_;
  SQLite::Statement set_owner_and_mode_, set_times_, set_made_by_owner_, set_kind_, set_status_, set_files_deleted_,
      running_;
  SQLite::Statement set_changed_, set_modified_, add_links_;
  SQLite::Statement directory_changed_, next_generation_, renew_generations_, adopt_, drop_privileges_,
      drop_capabilities_, other_names_, made_by_others_, files_of_others_, change_ids_;
  SQLite::Statement xattr_, xattr_names_, xattr_bytes_, set_xattr_, remove_xattr_;
  bool has_lists_;
};

}  // namespace reprieve
