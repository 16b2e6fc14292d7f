// SPDX-License-Identifier: Apache-2.0
#include "core/content.h"

#include <fcntl.h>
#include <linux/falloc.h>
#include <sys/stat.h>

#include <cerrno>
#include <unordered_map>

#include "core/access_lists.h"
#include "core/ancestry.h"
#include "core/arrival.h"
#include "core/base/sync.h"
#include "core/batch.h"
#include "core/inode_view.h"
#include "core/open_in_trash.h"
#include "core/parts.h"

namespace reprieve {
namespace {

// What an end of an open was.
struct Left {
  bool last = false;       // of all opens of the inode
  std::int64_t grown = 0;  // by so much since its writers came, where this was the last of them
};

// Whether growth is asked for.
enum class Measure : std::uint8_t { no, yes };

bool is_writing(int flags) { return (flags & O_ACCMODE) != O_RDONLY; }

mode_t regular(mode_t mode) { return S_IFREG | (mode & ~static_cast<mode_t>(S_IFMT)); }

}  // namespace

// What all opens of one inode share. The counts change under the table's lock; the rest is constant.
class OpenInode {
 public:
  OpenInode(InodeId id, AccountId of, FileDescriptor descriptor, Timestamp opened_at)
      : inode(id), owner(of), blob(std::move(descriptor)), opened(opened_at) {}

  const InodeId inode;
  const AccountId owner;
  const FileDescriptor blob;
  const Timestamp opened;  // the first of the opens that overlap up to now
  unsigned opens = 0;
  unsigned writers = 0;
  std::uint64_t size_before = 0;  // when the first of the writers came

  [[nodiscard]] std::uint64_t size() const {
    struct stat status {};
    return ::fstat(blob.get(), &status) == 0 ? static_cast<std::uint64_t>(status.st_size) : size_before;
  }
};

struct Content::Table {
  Mutex mutex;
  std::unordered_map<InodeId, std::shared_ptr<OpenInode>> inodes REPRIEVE_GUARDED_BY(mutex);

  // Counts one more open of `inode`, if there is one already.
  std::shared_ptr<OpenInode> join(InodeId inode, bool writable) {
    const MutexLock lock(mutex);
    const auto found = inodes.find(inode);
    if (found == inodes.end()) return nullptr;
    OpenInode& open = *found->second;
    ++open.opens;
    if (writable && open.writers++ == 0) open.size_before = open.size();
    return found->second;
  }

  // The end of one open.
  Left leave(OpenInode& open, bool writable, Measure measure) {
    const MutexLock lock(mutex);
    Left left{.last = --open.opens == 0};
    if (left.last) inodes.erase(open.inode);
    if (!writable || --open.writers > 0 || measure == Measure::no) return left;
    left.grown = static_cast<std::int64_t>(open.size()) - static_cast<std::int64_t>(open.size_before);
    return left;
  }
};

OpenFile::OpenFile(Content& content, std::shared_ptr<OpenInode> open, bool writable)
    : content_(&content), open_(std::move(open)), writable_(writable) {}

OpenFile::OpenFile(OpenFile&&) noexcept = default;

OpenFile& OpenFile::operator=(OpenFile&& other) noexcept {
  if (this == &other) return *this;
  if (open_) content_->close(*this);
  content_ = other.content_;
  open_ = std::move(other.open_);
  writable_ = other.writable_;
  return *this;
}

OpenFile::~OpenFile() {
  if (open_) content_->close(*this);
}

InodeId OpenFile::inode() const { return open_->inode; }

Timestamp OpenFile::opened() const { return open_->opened; }

int OpenFile::descriptor() const { return open_->blob.get(); }

Content::Content(CoreParts& parts) : parts_(parts), table_(std::make_unique<Table>()) {}

Content::~Content() = default;

Result<OpenFile> Content::open(const Account& account, InodeId inode, int flags) {
  const bool writes = is_writing(flags);
  AccountId owner;
  REPRIEVE_TRY_VOID(parts_.store->read([&](Transaction& tx) -> Result<void> {
    const auto row = tx.inodes.find(inode);
    if (!row) return fail(Errc::stale);
    if (S_ISDIR(row->mode)) return fail(Errc::is_directory);
    if (!S_ISREG(row->mode)) return fail(Errc::invalid_argument, "only regular files hold bytes");
    owner = row->owner;
    const bool is_own = row->owner == account.id;
    if (!writes && is_own) return {};
    const Location location = locate_inode(tx, account, inode);
    if (location.life == Life::live) {
      if (writes && location.role == Role::viewer) return fail(Errc::viewer_only);
      return {};
    }
    if (!is_own && !find_item(tx, account, location.item)) return fail(Errc::stale, "it is no longer shared with you");
    if (!writes || is_open_since_deletion(parts_, tx, account, inode)) return {};
    return fail(Errc::in_trash);
  }));
  if (writes) REPRIEVE_TRY_VOID(parts_.quotas.check_room(owner));
  return open_blob(inode, owner, is_writing(flags), parts_.clock.now());
}

Result<CreatedFile> Content::create(const Account& account, InodeId parent, const EntryName& name, mode_t mode,
                                    int flags, const Caller& caller, mode_t umask) {
  const NewNode node{.mode = regular(mode), .umask = umask, .device = 0, .symlink_target = {}};
  REPRIEVE_TRY(Created created, parts_.names.create_open(account, parent, name, node, caller));
  OpenFile file =
      share(created.attributes.inode, created.owner, std::move(created.blob), is_writing(flags), parts_.clock.now());
  if (file.writable() && created.attributes.stability == Stability::stable)
    created.attributes.stability = Stability::being_written;
  return CreatedFile{created.attributes, std::move(file)};
}

Result<CreatedFile> Content::create_unnamed(const Account& account, InodeId parent_id, mode_t mode, int flags,
                                            const Caller& caller, mode_t umask) {
  static const EntryName kAnyName = EntryName::literal("unnamed");
  REPRIEVE_TRY(const InodeRow directory,
               parts_.store->read([&](Transaction& tx) { return require_inode(tx, parent_id); }));
  REPRIEVE_TRY(FreshBlob blob, parts_.blobs->take());
  const InodeId id = blob.id;
  // Open before there is a row, so that the purger does not find one that nobody holds.
  OpenFile file = share(id, directory.owner, std::move(blob.file), is_writing(flags), parts_.clock.now());
  auto made = parts_.store->write([&](Transaction& tx) -> Result<Seen> {
    REPRIEVE_TRY(const InodeRow parent, require_inode(tx, parent_id));
    if (!S_ISDIR(parent.mode)) return fail(Errc::not_directory);
    REPRIEVE_TRY_VOID(placement(ItemKind::file, parent.kind, kAnyName));
    REPRIEVE_TRY_VOID(require_changeable(tx, account, parent_id));
    const Account holder = holder_of(tx, account, parent);
    InodeRow row = make_inode({account, holder}, id, ItemKind::file, regular(mode), parent, caller, parts_.clock.now());
    row.links = 0;
    REPRIEVE_TRY_VOID(tx.require_room());
    REPRIEVE_TRY_VOID(parts_.quotas.check_room(row.owner));
    inherit_access(tx, parent_id, row, umask);
    tx.inodes.insert(row, nullptr);
    // In the queue from the start: whatever ends the last open, the purger takes it then, also after a crash.
    tx.purges.push(id, OperationId{});
    parts_.purger.wake();
    REPRIEVE_TRY(const Standing standing, standing_in(tx, account, parent));
    return see(parts_, account, row, standing_of(tx, account, {{}, row}, standing));
  });
  parts_.blobs->settle(id);
  if (!made) {
    static_cast<void>(parts_.blobs->remove(id));  // what stays behind is found by the next start
    return fail(std::move(made).error());
  }
  REPRIEVE_TRY(const Attributes attributes, view_seen_file(parts_, *made, file.descriptor()));
  return CreatedFile{attributes, std::move(file)};
}

Result<OpenFile> Content::reopen(const HeldOpen& held) {
  REPRIEVE_TRY(const AccountId owner, parts_.store->read([&](Transaction& tx) -> Result<AccountId> {
    const auto row = tx.inodes.find(held.inode);
    return row ? row->owner : AccountId();
  }));
  return open_blob(held.inode, owner, held.writable, held.opened);
}

void Content::hold(std::span<const HeldOpen> opens) {
  for (const HeldOpen& open : opens) {
    if (auto file = reopen(open)) held_.push_back(*std::move(file));
  }
}

Result<OpenFile> Content::open_blob(InodeId inode, AccountId owner, bool writable, Timestamp now) {
  if (auto open = table_->join(inode, writable)) return OpenFile(*this, std::move(open), writable);
  REPRIEVE_TRY(FileDescriptor blob, parts_.blobs->open_blob(inode));
  return share(inode, owner, std::move(blob), writable, now);
}

OpenFile Content::share(InodeId inode, AccountId owner, FileDescriptor blob, bool writable, Timestamp now) {
  auto fresh = std::make_shared<OpenInode>(inode, owner, std::move(blob), now);
  {
    const MutexLock lock(table_->mutex);
    // Somebody may have opened it meanwhile: theirs is shared then, and the descriptor opened here is closed again.
    table_->inodes.try_emplace(inode, std::move(fresh));
  }
  return OpenFile(*this, table_->join(inode, writable), writable);
}

void Content::close(OpenFile& file) {
  OpenInode& open = *file.open_;
  Left left;
  if (file.writable_ && parts_.quotas.any()) {
    parts_.quotas.settle(open.owner, open.inode, [&] {
      left = table_->leave(open, file.writable_, Measure::yes);
      return left.grown;
    });
  } else {
    left = table_->leave(open, file.writable_, Measure::no);
  }
  if (left.last) parts_.purger.closed(open.inode);
}

Result<void> Content::allocate(const OpenFile& file, int mode, off_t offset, off_t size) {
  if ((mode & FALLOC_FL_PUNCH_HOLE) == 0) REPRIEVE_TRY_VOID(parts_.quotas.check_room(file.open_->owner));
  if (::fallocate(file.descriptor(), mode, offset, size) != 0) return fail(from_errno(errno, "fallocate"));
  return {};
}

Result<void> Content::sync(const OpenFile& file, bool data_only) {
  const int failed = data_only ? ::fdatasync(file.descriptor()) : ::fsync(file.descriptor());
  if (failed != 0) return fail(from_errno(errno, "fsync"));
  return parts_.store->sync();
}

bool Content::is_open(InodeId inode) {
  const MutexLock lock(table_->mutex);
  return table_->inodes.contains(inode);
}

bool Content::is_open_since(InodeId inode, Timestamp moment) {
  const MutexLock lock(table_->mutex);
  const auto found = table_->inodes.find(inode);
  return found != table_->inodes.end() && found->second->opened <= moment;
}

bool Content::is_open_for_writing(InodeId inode) {
  const MutexLock lock(table_->mutex);
  const auto found = table_->inodes.find(inode);
  return found != table_->inodes.end() && found->second->writers > 0;
}

std::optional<std::uint64_t> Content::size_before_writers(InodeId inode) {
  const MutexLock lock(table_->mutex);
  const auto found = table_->inodes.find(inode);
  if (found == table_->inodes.end() || found->second->writers == 0) return std::nullopt;
  return found->second->size_before;
}

std::uint64_t Content::open_inodes() {
  const MutexLock lock(table_->mutex);
  return table_->inodes.size();
}

}  // namespace reprieve
