// SPDX-License-Identifier: Apache-2.0
#include "core/upkeep/reconciliation.h"

#include <sys/stat.h>

#include <algorithm>
#include <limits>
#include <optional>
#include <span>

#include "core/accounts/accounts.h"
#include "core/accounts/arrival.h"
#include "core/base/time_text.h"
#include "core/store/blob_store.h"
#include "core/store/store.h"
#include "core/upkeep/shown_place.h"
#include "core/view/free_entry_name.h"

namespace reprieve {
namespace {

// Files that get a name in one transaction, which has a number for each in reserve.
constexpr std::size_t kPortion = 256;
// More than there are between two backups that somebody goes back to.
constexpr std::int64_t kSessions = 1'000'000;
constexpr auto kEverything = std::numeric_limits<std::int64_t>::max();

// What is on the disk: numbers in order.
struct Inventory {
  std::vector<InodeId> blobs;
  std::vector<InodeId> nameless;        // with bytes, and without a name or without a row
  std::optional<InodeId> lowest_empty;  // of those without a row
};

std::string shown(Transaction& tx, const EntryRow& entry) {
  const ShownPlace place = shown_place(tx, entry);
  return place.account.empty() ? "?: " + entry.name : place.account + ": " + place.path;
}

// A checksum of bytes that were written to since, which moves the ctime of the blob, is none of theirs.
Result<void> forget_checksums(Transaction& tx, const BlobStore& blobs) {
  tx.checksums.set_scrub({});
  std::vector<ChecksumRow> rows;
  for (InodeId last; !(rows = tx.checksums.after(last, kPortion)).empty(); last = rows.back().inode) {
    for (const ChecksumRow& row : rows) {
      const auto blob = blobs.stat_blob(row.inode);
      if (!blob || to_timestamp(blob->st_ctim) >= row.verified) tx.checksums.remove(row.inode);
    }
  }
  return {};
}

// Its names go, and the items that it alone was.
void forget_file(Transaction& tx, const InodeRow& file, std::vector<std::string>& gone) {
  const auto names = tx.entries.places(file.id);
  for (const EntryRow& entry : names) gone.push_back(shown(tx, entry));
  for (const EntryRow& entry : names) {
    tx.entries.remove(entry.parent, entry.id);
    if (entry.item) tx.trash.remove(entry.item);
  }
  tx.inodes.remove(file.id);
}

Result<Inventory> take_inventory(Transaction& tx, const BlobStore& blobs) {
  Inventory inventory;
  REPRIEVE_TRY_VOID(blobs.each_from(InodeId(1), InodeId(kEverything),
                                    [&inventory](InodeId blob) { inventory.blobs.push_back(blob); }));
  std::ranges::sort(inventory.blobs);
  for (const InodeId blob : inventory.blobs) {
    const bool has_row = tx.inodes.find(blob).has_value();
    if (tx.purges.is_doomed(blob) || (has_row && tx.entries.place(blob))) continue;
    REPRIEVE_TRY(const struct stat status, blobs.stat_blob(blob));
    if (has_row || status.st_size != 0) {
      inventory.nameless.push_back(blob);
    } else if (!inventory.lowest_empty) {
      inventory.lowest_empty = blob;
    }
  }
  return inventory;
}

void forget_files(Transaction& tx, const Inventory& inventory, std::vector<std::string>& gone) {
  for (const InodeId file : tx.inodes.files_from(InodeId(1))) {
    if (std::ranges::binary_search(inventory.blobs, file) || tx.inodes.xattr(file, kLostAttribute)) continue;
    forget_file(tx, *tx.inodes.find(file), gone);
  }
  tx.trash.clear_all_figures();
}

// The project that takes what has no name.
struct Refuge {
  Account account;
  InodeRow folder;
  std::string name;
};

Refuge make_refuge(Transaction& tx, uid_t uid, gid_t gid, Timestamp now) {
  const auto accounts = tx.accounts.all();
  Refuge refuge{.account = accounts.empty() ? make_account(tx, "recovered", uid, gid, now) : accounts.front(),
                .folder = {},
                .name = {}};
  const Account& account = refuge.account;
  EntryName name = EntryName::literal("lost+found-" + compact_time(now));
  if (tx.entries.find_live(account.projects, name.bytes())) name = free_entry_name(tx, account.projects, name);
  refuge.name = name.bytes();
  const Caller owner{.uid = account.uid, .gid = account.gid};
  refuge.folder =
      make_inode({account, account}, tx.sequences.next_inode(), ItemKind::folder, S_IFDIR | S_IRWXU, {}, owner, now);
  tx.inodes.insert(refuge.folder, nullptr);
  add_entry(tx, account.projects, refuge.name, refuge.folder.id);
  tx.inodes.directory_changed(account.projects, 1, now);
  settle_kind(tx, account, refuge.folder, ItemKind::project, owner, now);
  return refuge;
}

void take_in(Transaction& tx, const Refuge& refuge, InodeId blob, Timestamp now) {
  const auto existing = tx.inodes.find(blob);
  const bool is_directory = existing && S_ISDIR(existing->mode);
  if (is_directory) {
    tx.inodes.set_kind(blob, ItemKind::folder);
    tx.inodes.directory_changed(refuge.folder.id, 1, now);
  } else if (existing) {
    tx.inodes.add_links(blob, 1 - static_cast<int>(existing->links), now);
  } else {
    const Caller owner{.uid = refuge.account.uid, .gid = refuge.account.gid};
    tx.inodes.insert(make_inode({refuge.account, refuge.account}, blob, ItemKind::file, S_IFREG | S_IRUSR | S_IWUSR,
                                refuge.folder, owner, now),
                     nullptr);
  }
  add_entry(tx, refuge.folder.id, (is_directory ? "folder-" : "file-") + std::to_string(blob.number()), blob);
}

Result<void> take_in_all(Store& store, const Refuge& refuge, std::span<const InodeId> blobs, Timestamp now) {
  while (!blobs.empty()) {
    const auto portion = blobs.first(std::min(blobs.size(), kPortion));
    REPRIEVE_TRY_VOID(store.write([&](Transaction& tx) -> Result<void> {
      for (const InodeId blob : portion) take_in(tx, refuge, blob, now);
      return {};
    }));
    blobs = blobs.subspan(portion.size());
  }
  return {};
}

}  // namespace

Result<Reconciliation> reconcile(Store& store, const BlobStore& blobs, Timestamp now, std::span<const InodeId> strays) {
  Reconciliation outcome;
  REPRIEVE_TRY(Inventory inventory, store.write([&](Transaction& tx) -> Result<Inventory> {
    REPRIEVE_TRY(Inventory taken, take_inventory(tx, blobs));
    REPRIEVE_TRY(const FlushId flushed, blobs.flushed());
    tx.sequences.pass(flushed);
    const InodeId last = tx.inodes.last();
    tx.sequences.leap(taken.blobs.empty() ? last : std::max(last, taken.blobs.back()), taken.lowest_empty);
    tx.inodes.renew_generations();
    tx.accounts.skip_sessions(kSessions);
    tx.requests.forget_all();
    tx.idempotency.forget_all();
    tx.plans.forget_all();
    REPRIEVE_TRY_VOID(forget_checksums(tx, blobs));
    // Records are of what was taken back.
    tx.sequences.set_recorded(Timestamp());
    REPRIEVE_TRY_VOID(blobs.each_folder([&](InodeId first) -> Result<void> {
      tx.outdated.add(first);
      return {};
    }));
    forget_files(tx, taken, outcome.gone);
    return taken;
  }));
  auto& nameless = inventory.nameless;
  nameless.insert(nameless.end(), strays.begin(), strays.end());
  if (nameless.empty()) return outcome;
  struct stat owner {};
  if (!inventory.blobs.empty()) {
    REPRIEVE_TRY(owner, blobs.stat_blob(inventory.blobs.front()));
  }
  REPRIEVE_TRY(const Refuge refuge, store.write([&](Transaction& tx) -> Result<Refuge> {
    return make_refuge(tx, owner.st_uid, owner.st_gid, now);
  }));
  REPRIEVE_TRY_VOID(take_in_all(store, refuge, nameless, now));
  outcome.found = nameless.size();
  outcome.folder = refuge.account.name + ": projects/" + refuge.name;
  return outcome;
}

}  // namespace reprieve
