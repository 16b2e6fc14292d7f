// SPDX-License-Identifier: Apache-2.0
#include "core/upkeep/metadata_rebuild.h"

#include <sys/stat.h>

#include <algorithm>
#include <map>
#include <span>
#include <unordered_map>
#include <utility>
#include <vector>

#include "core/store/blob_store.h"
#include "core/store/inode_record.h"
#include "core/store/store.h"
#include "core/upkeep/metadata_restore.h"
#include "core/view/free_entry_name.h"

namespace reprieve {
namespace {

// Names that are made in one transaction, which has a number for each in reserve.
constexpr std::size_t kPortion = 256;

using Records = std::map<InodeId, InodeRecord>;

Result<Records> load(const BlobStore& blobs, std::vector<std::string>& unreadable) {
  Records records;
  REPRIEVE_TRY_VOID(blobs.each_records([&](const std::string& file, const std::string& bytes) -> Result<void> {
    auto decoded = decode_records(bytes);
    if (!decoded && decoded.error().code == Errc::store_newer) return fail(std::move(decoded).error());
    if (!decoded) unreadable.push_back(file);
    for (std::size_t i = 0; decoded && i < decoded->size(); ++i)
      records.insert_or_assign((*decoded)[i].row.id, std::move((*decoded)[i]));
    return {};
  }));
  return records;
}

Error no_account(const std::vector<std::string>& unreadable) {
  std::string message = "there is no record of any account beside the blobs";
  if (!unreadable.empty())
    message += "; it may have been in " + unreadable.front() + ", which is damaged: put a copy of that back";
  return {Errc::store_damaged, message};
}

void add_folder(Records& records, const Account& account, InodeId id, ItemKind kind, const char* name, mode_t mode) {
  if (records.contains(id)) return;
  const InodeRow& root = records.at(account.root).row;
  InodeRow row = root;
  row.id = id;
  row.kind = kind;
  row.mode = S_IFDIR | mode;
  EntryRow entry{.parent = account.root, .id = EntryId(id.number()), .name = name, .inode = id, .item = {}};
  records[id] = {
      .row = row, .target = {}, .xattrs = {}, .places = {{entry, std::nullopt}}, .grants = {}, .account = {}};
}

// The accounts, each with all its folders.
std::map<AccountId, Account> settle_accounts(Records& records) {
  std::map<AccountId, Account> accounts;
  for (const auto& [id, record] : records) {
    if (record.account && record.account->account.root == id)
      accounts[record.account->account.id] = record.account->account;
  }
  for (const auto& [id, account] : accounts) {
    add_folder(records, account, account.projects, ItemKind::projects, "projects", 0755);
    add_folder(records, account, account.runs, ItemKind::runs, "runs", 0755);
    add_folder(records, account, account.trash, ItemKind::trash, ".trash", 0700);
  }
  return accounts;
}

class Rebuilding {
 public:
  Rebuilding(Store& store, Records records, Timestamp now)
      : store_(store), records_(std::move(records)), accounts_(settle_accounts(records_)), now_(now) {}

  [[nodiscard]] bool has_accounts() const { return !accounts_.empty(); }
  // Where there are accounts. Returns what has no name.
  Result<std::vector<InodeId>> run() {
    REPRIEVE_TRY_VOID(make_accounts());
    REPRIEVE_TRY_VOID(make_places());
    REPRIEVE_TRY_VOID(make_inodes());
    REPRIEVE_TRY_VOID(settle_owners());
    std::vector<InodeId> strays;
    for (const auto& [id, record] : records_) {
      if (!named_.contains(id) && record.row.kind != ItemKind::root && !S_ISREG(record.row.mode)) strays.push_back(id);
    }
    return strays;
  }
  [[nodiscard]] std::size_t size() const { return records_.size(); }

 private:
  template <typename Each>
  Result<void> in_portions(std::size_t count, const Each& each) {
    for (std::size_t from = 0; from < count; from += kPortion) {
      REPRIEVE_TRY_VOID(store_.write([&](Transaction& tx) -> Result<void> {
        for (std::size_t i = from; i < std::min(count, from + kPortion); ++i) each(tx, i);
        return {};
      }));
    }
    return {};
  }

  Result<void> make_accounts() {
    return store_.write([&](Transaction& tx) -> Result<void> {
      for (const auto& [id, account] : accounts_) {
        const InodeRecord& root = records_.at(account.root);
        tx.accounts.insert(account, root.row.born);
        tx.accounts.set_quota(id, root.account->quota);
      }
      return {};
    });
  }

  [[nodiscard]] bool is_valid(const PlaceRecord& place) {
    return place.item ? accounts_.contains(place.item->account) : leads_home(place.entry.parent);
  }

  // A directory of which it is to be found out, and which of its places is looked at next.
  struct Step {
    InodeId directory;
    const std::vector<PlaceRecord>& places;
    std::size_t next = 0;
  };

  // Whether names lead from the directory to a root or into the trash. Records of different moments can form a circle,
  // and a tree can be deeper than a stack.
  bool leads_home(InodeId directory) {
    std::vector<Step> way;
    begin(directory, way);
    while (!way.empty()) {
      Step& step = way.back();
      bool& is_home = leads_home_.at(step.directory);
      if (is_home || step.next == step.places.size()) {
        way.pop_back();
        continue;
      }
      const PlaceRecord& place = step.places[step.next];
      const auto parent = leads_home_.find(place.entry.parent);
      if (!place.item && parent == leads_home_.end()) {
        begin(place.entry.parent, way);
        continue;
      }
      is_home = place.item ? accounts_.contains(place.item->account) : parent->second;
      ++step.next;
    }
    return leads_home_.at(directory);
  }

  // Marks a directory, unless it is, and adds it to those on the way where its places have to tell. Until then the mark
  // is false.
  void begin(InodeId directory, std::vector<Step>& way) {
    const auto [mark, is_new] = leads_home_.try_emplace(directory, false);
    const auto found = records_.find(directory);
    if (!is_new || found == records_.end() || !S_ISDIR(found->second.row.mode)) return;
    const InodeRecord& record = found->second;
    if (record.row.kind == ItemKind::root) {
      mark->second = record.account.has_value();
    } else {
      way.push_back({directory, record.places});
    }
  }

  Result<void> make_places() {
    std::vector<const PlaceRecord*> places;
    for (const auto& [id, record] : records_) {
      for (const PlaceRecord& place : record.places) {
        if (is_valid(place)) places.push_back(&place);
      }
    }
    // In the order of their making, which listings keep.
    std::ranges::sort(places, {}, [](const PlaceRecord* place) { return place->entry.id; });
    return in_portions(places.size(), [&](Transaction& tx, std::size_t i) { make_place(tx, *places[i]); });
  }

  void make_place(Transaction& tx, const PlaceRecord& place) {
    EntryRow entry = place.entry;
    const InodeRecord& record = records_.at(entry.inode);
    if (entry.role != Role::owner && !active_grant(record, entry)) return;
    entry.id = tx.sequences.next_entry();
    const bool is_taken = tx.entries.find_live(entry.parent, entry.name).has_value();
    if (place.item && (is_taken || !was_folded(place))) {
      entry.item = make_item(tx, *place.item, entry);
    } else {
      if (is_taken) {
        entry.name = free_entry_name(tx, entry.parent, EntryName::trusted(entry.name)).bytes();
        if (const auto* grant = active_grant(record, entry)) renamed_[{grant->inode, grant->account}] = entry.name;
      }
      ++(S_ISDIR(record.row.mode) ? links_[entry.parent] : links_[entry.inode]);
    }
    tx.entries.insert(entry);
    named_[entry.inode] = true;
  }

  // What one process removed together with its directory is a part of that one's item; its own record can be older.
  [[nodiscard]] bool was_folded(const PlaceRecord& place) const {
    const auto parent = records_.find(place.entry.parent);
    if (parent == records_.end()) return false;
    return std::ranges::any_of(parent->second.places, [&](const PlaceRecord& of_parent) {
      return of_parent.item && of_parent.item->session == place.item->session;
    });
  }

  TrashItemId make_item(Transaction& tx, TrashRow item, const EntryRow& entry) {
    item.id = tx.sequences.next_trash_item();
    item.entry = entry.id;
    // Of the process only that it was one.
    item.session = tx.accounts.session(
        {.account = item.account, .uid = item.uid, .process = 0, .started = item.session.number(), .boot = 0}, now_);
    if (item.together) item.together = {};
    const EntryName wanted = EntryName::trusted(item.name);
    for (unsigned number = 2; !tx.trash.insert(item); ++number) item.name = numbered(wanted, number).bytes();
    return item.id;
  }

  [[nodiscard]] const GrantRow* active_grant(const InodeRecord& record, const EntryRow& entry) const {
    for (const GrantRow& grant : record.grants) {
      const auto account = accounts_.find(grant.account);
      if (account == accounts_.end() || grant.state != GrantState::active || grant.role != entry.role) continue;
      if (entry.parent == account->second.projects || entry.parent == account->second.runs) return &grant;
    }
    return nullptr;
  }

  Result<void> make_inodes() {
    std::vector<const InodeRecord*> all;
    for (const auto& [id, record] : records_) all.push_back(&record);
    return in_portions(all.size(), [&](Transaction& tx, std::size_t i) { make_inode(tx, *all[i]); });
  }

  void make_inode(Transaction& tx, const InodeRecord& record) {
    InodeRow row = record.row;
    const auto links = links_.find(row.id);
    row.links = (S_ISDIR(row.mode) ? 2U : 0U) + (links == links_.end() ? 0U : links->second);
    if (!accounts_.contains(row.owner)) row.owner = accounts_.begin()->first;
    tx.inodes.insert(row, S_ISLNK(row.mode) ? &record.target : nullptr);
    if (row.status != ItemStatus::none) tx.inodes.set_status(row.id, row.status);
    if (row.files_deleted) tx.inodes.set_files_deleted(row.id, true);
    for (const auto& [name, value] : record.xattrs) tx.inodes.set_xattr(row.id, name, value);
    for (GrantRow grant : record.grants) {
      if (!accounts_.contains(grant.account)) continue;
      const auto renamed = renamed_.find({grant.inode, grant.account});
      if (renamed != renamed_.end()) grant.name = renamed->second;
      tx.grants.put(grant);
    }
  }

  // Records of one tree can be from before and after it changed hands.
  Result<void> settle_owners() {
    return store_.write([&](Transaction& tx) -> Result<void> {
      for (const auto& [id, record] : records_) {
        const InodeRow& row = record.row;
        if ((row.kind == ItemKind::project || row.kind == ItemKind::run) && accounts_.contains(row.owner))
          tx.inodes.adopt(id, row.owner, row.uid, row.gid, row.uid, row.gid, now_);
      }
      return {};
    });
  }

  Store& store_;
  Records records_;
  const std::map<AccountId, Account> accounts_;
  const Timestamp now_;
  std::unordered_map<InodeId, bool> leads_home_;
  std::unordered_map<InodeId, bool> named_;
  std::unordered_map<InodeId, std::uint32_t> links_;              // names of files, subdirectories of directories
  std::map<std::pair<InodeId, AccountId>, std::string> renamed_;  // what is shared, in the collaborator's folder
};

}  // namespace

Result<RebuiltMetadata> rebuild_metadata(const std::filesystem::path& directory, Timestamp now) {
  const auto database = directory / "metadata.db";
  std::error_code error;
  if (std::filesystem::exists(database, error)) {
    return fail(Errc::exists, database.string() +
                                  " is there: it knows more than the records, so move it away, with metadata.db-wal if"
                                  " that is there, if it is to be made anew");
  }
  RebuiltMetadata rebuilt;
  const auto make = [&](const BlobStore& blobs, const std::filesystem::path& made) -> Result<void> {
    REPRIEVE_TRY(Records records, load(blobs, rebuilt.unreadable));
    REPRIEVE_TRY(const auto store, Store::open(made));
    Rebuilding rebuilding(*store, std::move(records), now);
    if (!rebuilding.has_accounts()) return fail(no_account(rebuilt.unreadable));
    REPRIEVE_TRY(const auto strays, rebuilding.run());
    rebuilt.inodes = rebuilding.size();
    REPRIEVE_TRY(rebuilt.reconciliation, reconcile(*store, blobs, now, strays));
    return note_restore(*store, "from the records beside the blobs", now);
  };
  REPRIEVE_TRY_VOID(put_in_place(directory, now, make));
  return rebuilt;
}

}  // namespace reprieve
