// SPDX-License-Identifier: Apache-2.0
#include "core/tree/content.h"

#include <fcntl.h>
#include <linux/falloc.h>
#include <sys/stat.h>

#include <cerrno>
#include <future>
#include <map>
#include <unordered_map>
#include <utility>

#include "core/accounts/arrival.h"
#include "core/base/sync.h"
#include "core/parts.h"
#include "core/trash/batch.h"
#include "core/tree/open_in_trash.h"
#include "core/view/access_lists.h"
#include "core/view/ancestry.h"
#include "core/view/inode_view.h"

namespace reprieve {
namespace {

// What an end of an open was.
struct Left {
  bool last = false;       // of all opens of the inode
  std::int64_t grown = 0;  // by so much since it was last looked at, where it was a writer's
};

// Of a file that is open from its creation on.
constexpr TrashItemId kBeforeAnyDeletion;

bool is_writing(int flags) { return (flags & O_ACCMODE) != O_RDONLY; }

Result<void> may_open(CoreParts& parts, Transaction& tx, const Account& account, const InodeRow& row, bool writes) {
  const bool is_own = row.owner == account.id;
  if (!writes && is_own) return {};
  const Location location = locate_inode(tx, account, row.id);
  if (location.life == Life::live) {
    if (writes && location.role == Role::viewer) return fail(Errc::viewer_only);
    return {};
  }
  if (!is_own && !find_item(tx, account, location.item)) return fail(Errc::stale, "it is no longer shared with you");
  if (!writes || is_open_since_deletion(parts, tx, account, row.id)) return {};
  return fail(Errc::in_trash);
}

// Of a file that is opened with O_SYNC or O_DSYNC. Each write to the blob is synced by the kernel, past the daemon, and
// would be worth nothing without the name.
Result<void> keep_name_safe(CoreParts& parts, int flags) {
  if (!is_writing(flags) || (flags & O_DSYNC) == 0) return {};  // a part of O_SYNC
  return parts.make_lasting();
}

mode_t regular(mode_t mode) { return S_IFREG | (mode & ~static_cast<mode_t>(S_IFMT)); }

}  // namespace

// What all opens of one inode share. The counts change under the table's lock; the rest is constant.
class OpenInode {
 public:
  OpenInode(InodeId id, FileDescriptor descriptor, TrashItemId newest)
      : inode(id), blob(std::move(descriptor)), opened_behind(newest) {}

  const InodeId inode;
  const FileDescriptor blob;
  const TrashItemId opened_behind;  // the newest item at the first of the opens that overlap up to now
  std::map<AccountId, unsigned> opens;
  unsigned writers = 0;
  std::uint64_t counted_size = 0;  // while there are writers
  std::mutex turn;                 // of whoever makes the file grow within a quota

  [[nodiscard]] std::uint64_t size() const {
    struct stat status {};
    return ::fstat(blob.get(), &status) == 0 ? static_cast<std::uint64_t>(status.st_size) : counted_size;
  }
  std::int64_t take_growth() {
    const std::uint64_t before = std::exchange(counted_size, size());
    return static_cast<std::int64_t>(counted_size) - static_cast<std::int64_t>(before);
  }
};

struct Content::Table {
  Mutex mutex;
  std::unordered_map<InodeId, std::shared_ptr<OpenInode>> inodes REPRIEVE_GUARDED_BY(mutex);

  // Counts one more open of `inode`, if there is one already.
  std::shared_ptr<OpenInode> join(InodeId inode, AccountId by, bool writable) {
    const MutexLock lock(mutex);
    const auto found = inodes.find(inode);
    if (found == inodes.end()) return nullptr;
    OpenInode& open = *found->second;
    ++open.opens[by];
    if (writable && open.writers++ == 0) open.counted_size = open.size();
    return found->second;
  }

  // The end of one open.
  Left leave(OpenInode& open, AccountId by, bool writable) {
    const MutexLock lock(mutex);
    if (--open.opens[by] == 0) open.opens.erase(by);
    Left left{.last = open.opens.empty()};
    if (left.last) inodes.erase(open.inode);
    if (!writable) return left;
    --open.writers;
    left.grown = open.take_growth();
    return left;
  }

  // `read` of what is known of an open inode, or `otherwise`.
  template <typename Value, typename Read>
  Value ask(InodeId inode, Value otherwise, const Read& read) {
    const MutexLock lock(mutex);
    const auto found = inodes.find(inode);
    return found == inodes.end() ? otherwise : read(*found->second);
  }
};

OpenFile::OpenFile(Content& content, std::shared_ptr<OpenInode> open, AccountId by, bool writable)
    : content_(&content), open_(std::move(open)), by_(by), writable_(writable) {}

OpenFile::OpenFile(OpenFile&&) noexcept = default;

OpenFile& OpenFile::operator=(OpenFile&& other) noexcept {
  if (this == &other) return *this;
  if (open_) content_->close(*this);
  content_ = other.content_;
  open_ = std::move(other.open_);
  by_ = other.by_;
  writable_ = other.writable_;
  supervised_ = other.supervised_;
  return *this;
}

OpenFile::~OpenFile() {
  if (open_) content_->close(*this);
}

InodeId OpenFile::inode() const { return open_->inode; }

TrashItemId OpenFile::opened_behind() const { return open_->opened_behind; }

int OpenFile::descriptor() const { return open_->blob.get(); }

Content::Content(CoreParts& parts) : parts_(parts), table_(std::make_unique<Table>()) {}

Content::~Content() = default;

bool Content::compares_at_open() const { return parts_.settings.integrity.checksums == Checksums::at_open; }

bool Content::open_flushes(int flags) const {
  return is_writing(flags) && (parts_.scrubber.is_on() || (flags & O_DSYNC) != 0);
}

Result<bool> Content::has_to_be_compared(InodeId inode) { return parts_.scrubber.has_to_be_compared(inode); }

void Content::compare(InodeId inode, Comparisons::Waiting waiting) {
  parts_.scrubber.compare(inode, std::move(waiting));
}

Result<void> Content::compare_now(const Account& account, InodeId inode) {
  REPRIEVE_TRY(const bool needed, has_to_be_compared(inode));
  if (!needed) return {};
  // Shared, because set_value() may not have returned when the future is ready.
  const auto compared = std::make_shared<std::promise<Result<void>>>();
  compare(inode, {.uid = account.uid,
                  .thread = 0,
                  .wanted = [] { return true; },
                  .then = [compared](Result<void> outcome) { compared->set_value(std::move(outcome)); }});
  return compared->get_future().get();
}

Result<OpenFile> Content::open(const Account& account, InodeId inode, int flags, Compare compare) {
  const bool writes = is_writing(flags);
  bool lends_rights = false;
  TrashItemId newest;
  REPRIEVE_TRY(const AccountId owner, parts_.store->read([&](Transaction& tx) -> Result<AccountId> {
    const auto row = tx.inodes.find(inode);
    newest = tx.sequences.newest_trash_item();
    if (!row) return fail(Errc::stale);
    if (S_ISDIR(row->mode)) return fail(Errc::is_directory);
    if (!S_ISREG(row->mode)) return fail(Errc::invalid_argument, "only regular files hold bytes");
    REPRIEVE_TRY_VOID(may_open(parts_, tx, account, *row, writes));
    if (writes) REPRIEVE_TRY_VOID(parts_.quotas.check_room(tx, row->owner));
    lends_rights = writes && row->owner != account.id &&
                   ((row->mode & (S_ISUID | S_ISGID)) != 0 || tx.inodes.xattr(inode, kCapabilities));
    return row->owner;
  }));
  if (compare == Compare::first) REPRIEVE_TRY_VOID(compare_now(account, inode));
  REPRIEVE_TRY_VOID(parts_.scrubber.check(inode, flags));
  REPRIEVE_TRY(OpenFile file, open_blob(inode, account.id, writes, newest));
  if (writes) REPRIEVE_TRY_VOID(parts_.scrubber.before_writing(inode));
  if (lends_rights) REPRIEVE_TRY_VOID(drop_privileges(inode));
  file.supervised_ = writes && needs_supervision(account, owner);
  REPRIEVE_TRY_VOID(keep_name_safe(parts_, flags));
  return file;
}

Result<void> Content::drop_privileges(InodeId inode) {
  REPRIEVE_TRY_VOID(parts_.store->write([&](Transaction& tx) -> Result<void> {
    tx.inodes.drop_privileges(inode, parts_.clock.now());
    return {};
  }));
  parts_.announce({.seen = {{inode, std::nullopt}}, .aftermath = {}});
  return {};
}

Result<CreatedFile> Content::create(const Account& account, InodeId parent, const EntryName& name, mode_t mode,
                                    int flags, const Caller& caller, mode_t umask) {
  const NewNode node{.mode = regular(mode), .umask = umask, .device = 0, .symlink_target = {}};
  REPRIEVE_TRY(Created created, parts_.names.create_open(account, parent, name, node, caller));
  OpenFile file =
      share(created.attributes.inode, account.id, std::move(created.blob), is_writing(flags), kBeforeAnyDeletion);
  // A reading of it may have come to an end before it was known to be open.
  if (file.writable()) REPRIEVE_TRY_VOID(parts_.scrubber.before_writing(file.inode()));
  file.supervised_ = file.writable() && needs_supervision(account, created.owner);
  if (file.writable() && created.attributes.stability == Stability::stable)
    created.attributes.stability = Stability::being_written;
  REPRIEVE_TRY_VOID(keep_name_safe(parts_, flags));
  return CreatedFile{created.attributes, std::move(file)};
}

Result<CreatedFile> Content::create_unnamed(const Account& account, InodeId parent_id, mode_t mode, int flags,
                                            const Caller& caller, mode_t umask) {
  static const EntryName any_name = EntryName::literal("unnamed");
  REPRIEVE_TRY(FreshBlob blob, parts_.blobs->take());
  const InodeId id = blob.id;
  // Open before there is a row, so that the purger does not find one that nobody holds.
  OpenFile file = share(id, account.id, std::move(blob.file), is_writing(flags), kBeforeAnyDeletion);
  auto made = parts_.store->write([&](Transaction& tx) -> Result<Seen> {
    REPRIEVE_TRY(const InodeRow parent, require_inode(tx, parent_id));
    if (!S_ISDIR(parent.mode)) return fail(Errc::not_directory);
    REPRIEVE_TRY_VOID(placement(ItemKind::file, parent.kind, any_name));
    REPRIEVE_TRY_VOID(require_changeable(tx, account, parent_id));
    const Account holder = holder_of(tx, account, parent);
    InodeRow row = make_inode({account, holder}, id, ItemKind::file, regular(mode), parent, caller, parts_.clock.now());
    row.links = 0;
    REPRIEVE_TRY_VOID(tx.require_room());
    REPRIEVE_TRY_VOID(parts_.quotas.check_room(tx, row.owner));
    file.supervised_ = file.writable() && needs_supervision(account, row.owner);
    inherit_access(tx, parent_id, row, umask);
    tx.inodes.insert(row, nullptr);
    // In the queue from the start: whatever ends the last open, the purger takes it then, also after a crash.
    tx.purges.push(id, OperationId{});
    parts_.purger.wake();
    REPRIEVE_TRY(const Standing standing, standing_in(tx, account, parent));
    return see(parts_, account, row, standing_of(tx, account, {{}, row}, standing));
  });
  if (!made) {
    static_cast<void>(parts_.blobs->discard(id));  // what stays behind is found by the next start
    return fail(std::move(made).error());
  }
  parts_.blobs->settle(id);
  REPRIEVE_TRY(const Attributes attributes, view_seen_file(parts_, *made, file.descriptor()));
  return CreatedFile{attributes, std::move(file)};
}

Result<OpenFile> Content::reopen(AccountId account, const HeldOpen& held) {
  REPRIEVE_TRY(OpenFile file, open_blob(held.inode, account, held.writable, held.opened_behind));
  // Whether it was is not known any more; asking too much only costs time.
  file.supervised_ = held.writable;
  return file;
}

void Content::hold(std::span<const HeldOpen> opens) {
  for (const HeldOpen& open : opens) {
    if (auto file = reopen(AccountId(), open)) held_.push_back(*std::move(file));
  }
}

Result<OpenFile> Content::open_blob(InodeId inode, AccountId by, bool writable, TrashItemId newest) {
  if (auto open = table_->join(inode, by, writable)) return OpenFile(*this, std::move(open), by, writable);
  auto blob = parts_.blobs->open_blob(inode);
  if (!blob) return fail(blob_failure(parts_, inode, blob.error()));
  return share(inode, by, *std::move(blob), writable, newest);
}

OpenFile Content::share(InodeId inode, AccountId by, FileDescriptor blob, bool writable, TrashItemId newest) {
  auto fresh = std::make_shared<OpenInode>(inode, std::move(blob), newest);
  {
    const MutexLock lock(table_->mutex);
    // Somebody may have opened it meanwhile: theirs is shared then, and the descriptor opened here is closed again.
    table_->inodes.try_emplace(inode, std::move(fresh));
  }
  return OpenFile(*this, table_->join(inode, by, writable), by, writable);
}

bool Content::needs_supervision(const Account& account, AccountId owner) {
  return owner != account.id || parts_.quotas.is_near(owner);
}

void Content::close(OpenFile& file) {
  OpenInode& open = *file.open_;
  std::optional<Left> left;
  const auto leave = [&] { return (left = table_->leave(open, file.by_, file.writable_))->grown; };
  if (file.writable_ && parts_.quotas.any()) {
    // Under the store's lock, so that the file does not change hands in between.
    static_cast<void>(parts_.store->read([&](Transaction& tx) -> Result<void> {
      const auto row = tx.inodes.find(open.inode);
      parts_.quotas.settle(row ? row->owner : AccountId(), open.inode, leave);
      return {};
    }));
  }
  if (!left) leave();
  if (left->last) parts_.purger.closed(open.inode);
}

Result<WritePermit> Content::permit(const Account& account, const OpenFile& file, const WriteRange& range) {
  WritePermit permit(range);
  OpenInode& open = *file.open_;
  const bool counts = parts_.quotas.any();
  if (counts || file.supervised_) {
    REPRIEVE_TRY(permit.account_, parts_.store->read([&](Transaction& tx) -> Result<AccountId> {
      REPRIEVE_TRY(const InodeRow row, require_inode(tx, open.inode));
      REPRIEVE_TRY_VOID(may_go_on_writing(tx, account, row));
      return row.owner;
    }));
  }
  if (!counts) return permit;
  permit.open_ = file.open_;
  permit.turn_ = std::unique_lock(open.turn);
  const std::uint64_t size = open.size();
  if (range.at_end) permit.range_.offset = size;
  const std::uint64_t wanted = permit.offset() + range.size;
  if (wanted <= size) {
    permit.turn_.unlock();
    return permit;
  }
  permit.content_ = this;
  permit.reserved_ = parts_.quotas.reserve(permit.account_, wanted - size);
  const std::uint64_t end = size + permit.reserved_;
  if (end == wanted) return permit;
  if (!range.in_part || end <= permit.offset()) return fail(Errc::over_quota);
  permit.range_.size = end - permit.offset();
  return permit;
}

void Content::end(WritePermit& permit) {
  const auto counted = parts_.store->read([&](Transaction& tx) -> Result<void> {
    parts_.quotas.measure(tx, permit.open_->inode, permit.account_, permit.reserved_);
    return {};
  });
  if (!counted) parts_.quotas.give_back(permit.account_, permit.reserved_);
}

WritePermit::WritePermit(WritePermit&& other) noexcept
    : range_(other.range_),
      content_(std::exchange(other.content_, nullptr)),
      open_(std::move(other.open_)),
      turn_(std::move(other.turn_)),
      account_(other.account_),
      reserved_(other.reserved_) {}

WritePermit::~WritePermit() {
  if (content_ != nullptr) content_->end(*this);
}

Result<void> Content::resize(const Account& account, InodeId inode, std::uint64_t size) {
  if (!parts_.quotas.any() && !parts_.scrubber.is_on()) return parts_.blobs->truncate(inode, size);
  // As a writer: what the file grows or shrinks by counts at its close, and its checksum goes.
  REPRIEVE_TRY(const TrashItemId newest, parts_.store->read([](Transaction& tx) -> Result<TrashItemId> {
    return tx.sequences.newest_trash_item();
  }));
  REPRIEVE_TRY(const OpenFile file, open_blob(inode, account.id, true, newest));
  REPRIEVE_TRY(const WritePermit permit, this->permit(account, file, {.offset = size, .size = 0, .in_part = false}));
  REPRIEVE_TRY_VOID(parts_.scrubber.before_resizing(inode, size));
  return parts_.blobs->truncate(inode, size);
}

Result<void> Content::sync(const OpenFile& file, bool data_only) {
  const int failed = data_only ? ::fdatasync(file.descriptor()) : ::fsync(file.descriptor());
  if (failed != 0) return fail(from_errno(errno, "fsync"));
  return parts_.make_lasting();
}

bool Content::is_open(InodeId inode) {
  return table_->ask(inode, false, [](const OpenInode&) { return true; });
}

bool Content::is_open_by(AccountId account, InodeId inode) {
  return table_->ask(inode, false, [account](const OpenInode& open) { return open.opens.contains(account); });
}

bool Content::is_open_since(InodeId inode, TrashItemId item) {
  return table_->ask(inode, false, [item](const OpenInode& open) { return open.opened_behind < item; });
}

bool Content::is_open_for_writing(InodeId inode) {
  return table_->ask(inode, false, [](const OpenInode& open) { return open.writers > 0; });
}

std::uint64_t Content::counted_size(InodeId inode) {
  const MutexLock lock(table_->mutex);
  const auto found = table_->inodes.find(inode);
  if (found != table_->inodes.end() && found->second->writers > 0) return found->second->counted_size;
  // With the lock held, so that no writer comes before this is counted.
  const auto blob = parts_.blobs->stat_blob(inode);
  return blob ? static_cast<std::uint64_t>(blob->st_size) : 0;
}

std::int64_t Content::take_growth(InodeId inode) {
  return table_->ask(inode, std::int64_t{0},
                     [](OpenInode& open) { return open.writers > 0 ? open.take_growth() : std::int64_t{0}; });
}

std::vector<InodeId> Content::written() {
  const MutexLock lock(table_->mutex);
  std::vector<InodeId> inodes;
  for (const auto& [inode, open] : table_->inodes) {
    if (open->writers > 0) inodes.push_back(inode);
  }
  return inodes;
}

std::uint64_t Content::open_inodes() {
  const MutexLock lock(table_->mutex);
  return table_->inodes.size();
}

}  // namespace reprieve
