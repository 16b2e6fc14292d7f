// SPDX-License-Identifier: Apache-2.0
#include "core/store/inode_record.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "core/store/crc64.h"
#include "core/store/packed.h"
#include "core/store/store.h"

namespace reprieve {
namespace {

constexpr std::string_view kMagic = "RPRVREC\x02";  // the last byte is the version
constexpr char kCounted = 1;                        // the version in which their number stands before the records
constexpr std::size_t kSumSize = 8;

std::uint64_t checksum(std::string_view bytes) {
  Crc64 crc;
  crc.process_bytes(bytes.data(), bytes.size());
  return crc.checksum();
}

// One list of fields for both directions: `io` is a PackedWriter with const parts, or a PackedReader.
template <typename Io, typename Row>
void inode_fields(Io& io, Row& row) {
  io(row.id), io(row.kind), io(row.mode), io(row.uid), io(row.gid), io(row.device), io(row.generation);
  io(row.accessed), io(row.modified), io(row.changed), io(row.born), io(row.owner), io(row.creator);
  io(row.status), io(row.files_deleted);
}

template <typename Io, typename Row>
void entry_fields(Io& io, Row& entry) {
  io(entry.parent), io(entry.id), io(entry.name), io(entry.role);
}

template <typename Io, typename Row>
void item_fields(Io& io, Row& item) {
  io(item.id), io(item.account), io(item.name), io(item.kind), io(item.origin), io(item.session), io(item.deleted_by);
  io(item.uid), io(item.deleted), io(item.parent_modified_before), io(item.parent_modified_after), io(item.mode);
  io(item.together);
}

template <typename Io, typename Row>
void grant_fields(Io& io, Row& grant) {
  io(grant.account), io(grant.role), io(grant.state), io(grant.name), io(grant.granted);
}

template <typename Io, typename Row>
void account_fields(Io& io, Row& account) {
  io(account.id), io(account.name), io(account.uid), io(account.gid);
  io(account.root), io(account.projects), io(account.runs), io(account.trash);
}

void write(PackedWriter& out, const InodeRecord& record) {
  inode_fields(out, record.row);
  out(record.target);
  out(record.xattrs.size());
  for (const auto& [name, value] : record.xattrs) out(name), out(value);
  out(record.places.size());
  for (const PlaceRecord& place : record.places) {
    entry_fields(out, place.entry);
    out(place.item.has_value());
    if (place.item) item_fields(out, *place.item);
  }
  out(record.grants.size());
  for (const GrantRow& grant : record.grants) grant_fields(out, grant);
  out(record.account.has_value());
  if (!record.account) return;
  account_fields(out, record.account->account);
  out(record.account->quota.value_or(0));
}

PlaceRecord read_place(PackedReader& in, InodeId inode) {
  PlaceRecord place;
  bool trashed = false;
  entry_fields(in, place.entry);
  place.entry.inode = inode;
  in(trashed);
  if (!trashed) return place;
  TrashRow& item = place.item.emplace();
  item_fields(in, item);
  item.parent = place.entry.parent;
  item.inode = inode;
  return place;
}

InodeRecord read(PackedReader& in) {
  InodeRecord record;
  inode_fields(in, record.row);
  in(record.target);
  read_list(in, [&] {
    std::string name;
    in(name);
    in(record.xattrs[name]);
  });
  read_list(in, [&] { record.places.push_back(read_place(in, record.row.id)); });
  read_list(in, [&] {
    grant_fields(in, record.grants.emplace_back());
    record.grants.back().inode = record.row.id;
  });
  bool is_root = false;
  in(is_root);
  if (!is_root) return record;
  AccountRecord& account = record.account.emplace();
  std::uint64_t quota = 0;
  account_fields(in, account.account);
  in(quota);
  if (quota != 0) account.quota = quota;
  return record;
}

}  // namespace

std::optional<InodeRecord> read_record(Transaction& tx, InodeId inode) {
  auto row = tx.inodes.find(inode);
  if (!row) return std::nullopt;
  InodeRecord record{.row = *row, .target = {}, .xattrs = {}, .places = {}, .grants = {}, .account = {}};
  if (S_ISLNK(row->mode)) record.target = tx.inodes.target(inode).value_or("");
  for (const std::string& name : tx.inodes.xattr_names(inode))
    record.xattrs[name] = tx.inodes.xattr(inode, name).value_or("");
  for (const EntryRow& entry : tx.entries.places(inode))
    record.places.push_back({entry, entry.item ? tx.trash.find(entry.item) : std::nullopt});
  if (tx.grants.is_shared(inode)) record.grants = tx.grants.of_inode(inode);
  if (row->kind == ItemKind::root) {
    const auto account = tx.accounts.find(row->owner);
    if (account) record.account = AccountRecord{*account, tx.accounts.quota(account->id)};
  }
  return record;
}

std::size_t size_of(const InodeRecord& record) {
  std::size_t size = record.target.size();
  for (const auto& [name, value] : record.xattrs) size += name.size() + value.size();
  for (const PlaceRecord& place : record.places)
    size += place.entry.name.size() + (place.item ? place.item->origin.size() : 0);
  return size;
}

Result<void> RecordWriter::add(const std::vector<InodeRecord>& records) {
  PackedWriter out;
  if (end_ == 0) REPRIEVE_TRY_VOID(append(kMagic));
  for (const InodeRecord& record : records) write(out, record);
  return append(out.take());
}

Result<void> RecordWriter::finish() {
  std::uint64_t sum = crc_.checksum();
  std::string bytes;
  for (std::size_t i = 0; i < kSumSize; ++i, sum >>= 8) bytes += static_cast<char>(sum);
  return append(bytes);
}

Result<void> RecordWriter::append(std::string_view bytes) {
  crc_.process_bytes(bytes.data(), bytes.size());
  while (!bytes.empty()) {
    const ssize_t written = ::pwrite(file_.get(), bytes.data(), bytes.size(), end_);
    if (written < 0) return fail(from_errno(errno, "records"));
    bytes.remove_prefix(static_cast<std::size_t>(written));
    end_ += written;
  }
  return {};
}

Result<std::vector<InodeRecord>> decode_records(std::string_view bytes) {
  constexpr std::size_t kName = kMagic.size() - 1;
  if (bytes.size() < kMagic.size() + kSumSize || bytes.substr(0, kName) != kMagic.substr(0, kName))
    return fail(Errc::store_damaged, "it holds no records");
  const char version = bytes[kName];
  if (version != kCounted && version != kMagic[kName])
    return fail(Errc::store_newer, "it is of a newer version of this program");
  const std::string_view summed = bytes.substr(0, bytes.size() - kSumSize);
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < kSumSize; ++i)
    sum |= std::uint64_t{static_cast<unsigned char>(bytes[summed.size() + i])} << (8 * i);
  if (sum != checksum(summed)) return fail(Errc::store_damaged, "its checksum is wrong");
  PackedReader in(summed.substr(kMagic.size()));
  std::uint64_t count = 0;
  if (version == kCounted) in(count);
  std::vector<InodeRecord> records;
  while (!in.at_end() && !in.broken()) records.push_back(read(in));
  if (in.broken() || !in.at_end()) return fail(Errc::store_damaged, "its records are cut short");
  return records;
}

}  // namespace reprieve
