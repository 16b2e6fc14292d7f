// SPDX-License-Identifier: Apache-2.0
#include "fs/mount_record.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <climits>
#include <cstring>

namespace reprieve::fs {
namespace {

constexpr std::uint64_t kMagic = 0x6576656972706552;  // "Reprieve", little-endian
constexpr std::uint32_t kVersion = 1;
constexpr std::size_t kTextMax = PATH_MAX + 256;
// Larger than the largest struct fuse_init_in with its header.
constexpr std::size_t kInitMax = 256;
// Opens of one mount. Memory is used only for those that there have been at one time.
constexpr std::uint32_t kCells = 1U << 20;

enum class State : std::uint32_t { free, open, closing };

// A text of at most kTextMax bytes.
struct Text {
  std::uint32_t size;
  char bytes[kTextMax];

  void set(const std::string& text) {
    size = static_cast<std::uint32_t>(text.size());
    std::memcpy(bytes, text.data(), text.size());
  }
  [[nodiscard]] std::string get() const { return {bytes, std::min<std::size_t>(size, kTextMax)}; }
};

}  // namespace

// Each field that says that others are valid is atomic and written after them. Other processes see the stores of one
// that was killed in the order in which it made them.
struct MountRecord::Header {
  std::uint64_t magic;
  std::uint32_t version;
  std::uint32_t generation;
  std::int64_t mount;
  std::uint32_t allow_other;
  std::uint32_t by_helper;
  Text account;
  Text mountpoint;
  Text source;
  std::atomic<std::uint32_t> init_size;
  std::byte init[kInitMax];
  std::atomic<std::uint32_t> answered;
  kernel::InitOut answer;
  std::atomic<std::int32_t> last_backing;
  std::atomic<std::uint32_t> cells_used;  // those behind have never been
};

struct MountRecord::Cell {
  std::atomic<State> state;
  std::uint32_t writable;
  std::uint64_t handle;
  std::int64_t inode;
  std::int64_t opened_behind;
  std::uint64_t request;
  std::int32_t backing_id;
  std::uint32_t padding;

  [[nodiscard]] bool is_free() const { return state.load(std::memory_order_acquire) == State::free; }
  [[nodiscard]] Open get() const {
    return {.handle = handle,
            .inode = InodeId(inode),
            .writable = writable != 0,
            .closing = state.load(std::memory_order_acquire) == State::closing,
            .backing_id = backing_id,
            .opened_behind = TrashItemId(opened_behind),
            .request = request};
  }
};

struct MountRecord::Layout {
  Header header;
  Cell cells[kCells];
};

MountRecord::Slot& MountRecord::Slot::operator=(Slot&& other) noexcept {
  if (this != &other) {
    if (record_ != nullptr) record_->release(index_);
    record_ = std::exchange(other.record_, nullptr);
    index_ = other.index_;
  }
  return *this;
}

MountRecord::Slot::~Slot() {
  if (record_ != nullptr) record_->release(index_);
}

void MountRecord::Slot::mark_closing() const {
  if (record_ == nullptr) return;
  const MutexLock lock(record_->mutex_);
  if (!record_->frozen_) record_->layout_.cells[index_].state.store(State::closing, std::memory_order_release);
}

Result<std::unique_ptr<MountRecord>> MountRecord::make(const Identity& identity) {
  for (const std::string& text : {identity.account, identity.mountpoint.string(), identity.source}) {
    if (text.size() > kTextMax) return fail(Errc::name_too_long, text + ": too long");
  }
  FileDescriptor memory(::memfd_create("reprieve-mount", MFD_CLOEXEC));
  if (!memory) return fail(from_errno(errno, "the record of a mount"));
  if (::ftruncate(memory.get(), sizeof(Layout)) != 0) return fail(from_errno(errno, "the record of a mount"));
  REPRIEVE_TRY(auto record, map(std::move(memory)));
  Header& header = record->layout_.header;
  header.magic = kMagic;
  header.version = kVersion;
  header.mount = identity.mount.number();
  header.allow_other = identity.allow_other ? 1 : 0;
  header.by_helper = identity.by_helper ? 1 : 0;
  header.account.set(identity.account);
  header.mountpoint.set(identity.mountpoint.string());
  header.source.set(identity.source);
  return record;
}

Result<std::unique_ptr<MountRecord>> MountRecord::take_up(FileDescriptor memory) {
  struct stat status {};
  if (::fstat(memory.get(), &status) != 0 || status.st_size != static_cast<off_t>(sizeof(Layout)))
    return fail(Errc::invalid_argument, "the record of a mount has another size than this version's");
  REPRIEVE_TRY(auto record, map(std::move(memory)));
  Header& header = record->layout_.header;
  if (header.magic != kMagic || header.version != kVersion)
    return fail(Errc::invalid_argument, "the record of a mount is of another version");
  ++header.generation;
  return record;
}

Result<std::unique_ptr<MountRecord>> MountRecord::map(FileDescriptor memory) {
  void* const start = ::mmap(nullptr, sizeof(Layout), PROT_READ | PROT_WRITE, MAP_SHARED, memory.get(), 0);
  if (start == MAP_FAILED) return fail(from_errno(errno, "the record of a mount"));
  return std::unique_ptr<MountRecord>(new MountRecord(std::move(memory), *static_cast<Layout*>(start)));
}

MountRecord::~MountRecord() { ::munmap(&layout_, sizeof(Layout)); }

MountRecord::Identity MountRecord::identity() const {
  const Header& header = layout_.header;
  return {.mount = MountId(header.mount),
          .account = header.account.get(),
          .mountpoint = header.mountpoint.get(),
          .source = header.source.get(),
          .allow_other = header.allow_other != 0,
          .by_helper = header.by_helper != 0};
}

std::uint32_t MountRecord::generation() const { return layout_.header.generation; }

void MountRecord::keep_init(std::span<const std::byte> request) {
  if (request.size() > kInitMax) return;
  std::memcpy(layout_.header.init, request.data(), request.size());
  layout_.header.init_size.store(static_cast<std::uint32_t>(request.size()), std::memory_order_release);
}

std::span<const std::byte> MountRecord::init() const {
  return {layout_.header.init, layout_.header.init_size.load(std::memory_order_acquire)};
}

void MountRecord::keep_answer(const kernel::InitOut& answer) {
  layout_.header.answer = answer;
  layout_.header.answered.store(1, std::memory_order_release);
}

std::optional<kernel::InitOut> MountRecord::answer() const {
  if (layout_.header.answered.load(std::memory_order_acquire) == 0) return std::nullopt;
  return layout_.header.answer;
}

Result<MountRecord::Slot> MountRecord::add(const Open& open) {
  std::uint32_t index = 0;
  {
    const MutexLock lock(mutex_);
    std::atomic<std::uint32_t>& used = layout_.header.cells_used;
    if (!free_.empty()) {
      index = free_.back();
      free_.pop_back();
    } else if (used.load(std::memory_order_relaxed) < kCells) {
      index = used.fetch_add(1, std::memory_order_relaxed);
    } else {
      return fail(Errc::too_many_open_files);
    }
  }
  Cell& cell = layout_.cells[index];
  cell.writable = open.writable ? 1 : 0;
  cell.handle = open.handle;
  cell.inode = open.inode.number();
  cell.opened_behind = open.opened_behind.number();
  cell.request = open.request;
  cell.backing_id = open.backing_id;
  cell.state.store(State::open, std::memory_order_release);
  return Slot(*this, index);
}

void MountRecord::release(std::uint32_t index) {
  const MutexLock lock(mutex_);
  if (frozen_) return;
  layout_.cells[index].state.store(State::free, std::memory_order_release);
  free_.push_back(index);
}

std::vector<std::pair<MountRecord::Slot, MountRecord::Open>> MountRecord::take_opens() {
  std::vector<std::pair<Slot, Open>> taken;
  const MutexLock lock(mutex_);
  for (std::uint32_t index = 0; index < cells_used(); ++index) {
    const Cell& cell = layout_.cells[index];
    if (cell.is_free()) {
      free_.push_back(index);
    } else {
      taken.emplace_back(Slot(*this, index), cell.get());
    }
  }
  return taken;
}

std::vector<MountRecord::Open> MountRecord::opens() const {
  std::vector<Open> found;
  for (std::uint32_t index = 0; index < cells_used(); ++index) {
    const Cell& cell = layout_.cells[index];
    if (!cell.is_free()) found.push_back(cell.get());
  }
  return found;
}

std::uint32_t MountRecord::cells_used() const {
  return std::min(layout_.header.cells_used.load(std::memory_order_relaxed), kCells);
}

void MountRecord::keep_backing(std::int32_t id) {
  std::atomic<std::int32_t>& last = layout_.header.last_backing;
  std::int32_t known = last.load(std::memory_order_relaxed);
  while (known < id && !last.compare_exchange_weak(known, id, std::memory_order_relaxed)) {
  }
}

std::int32_t MountRecord::last_backing() const { return layout_.header.last_backing.load(std::memory_order_relaxed); }

void MountRecord::freeze() {
  const MutexLock lock(mutex_);
  frozen_ = true;
}

}  // namespace reprieve::fs
