// SPDX-License-Identifier: Apache-2.0
#include "core/store/blob_store.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <limits>

#include "core/base/thread.h"

namespace reprieve {
namespace {

// The maker is woken at the low mark and makes as many as to reach the high one.
constexpr std::size_t kLowMark = 96;
constexpr std::size_t kHighMark = 256;
constexpr int kLeafBits = 10;                // 1024 blobs in a folder
constexpr const char* kRecords = "records";  // no number
constexpr const char* kFlushed = "flushed";  // no number either
constexpr std::size_t kFlushedDigits = 20;   // always as many, so that it is overwritten in one piece
constexpr int kBranchBits = 20;              // 1024 such folders in another
constexpr int kLeafDigits = 3;
constexpr int kBlobDigits = 16;

static_assert(BlobStore::kBeside == 1 << kLeafBits);

// "branch/leaf/number" in hexadecimal, relative to blobs/.
struct BlobPath {
  explicit BlobPath(InodeId blob) {
    const auto number = static_cast<unsigned long long>(blob.number());
    std::snprintf(text.data(), text.size(), "%llx/%0*llx/%0*llx", number >> kBranchBits, kLeafDigits,
                  (number >> kLeafBits) & 0x3ff, kBlobDigits, number);
  }
  [[nodiscard]] const char* c_str() const { return text.data(); }
  // The two folders that lead to it.
  [[nodiscard]] std::string leaf() const { return std::string(c_str()).substr(0, std::string(c_str()).rfind('/')); }
  [[nodiscard]] std::string branch() const { return std::string(c_str()).substr(0, std::string(c_str()).find('/')); }
  [[nodiscard]] std::string name() const { return std::string(c_str()).substr(std::string(c_str()).rfind('/') + 1); }

  std::array<char, 48> text{};
};

Error blob_error(int number, InodeId blob) {
  Error error = from_errno(number, "blob " + std::to_string(blob.number()));
  if (error.code == Errc::not_found) error.code = Errc::stale;
  return error;
}

// Calls `each` for every name in the folder that is a number as BlobPath writes it, in so many digits at least.
Result<void> each_number(int blobs, const std::string& folder, int digits,
                         const std::function<Result<void>(std::int64_t)>& each) {
  const int opened = ::openat(blobs, folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
  if (opened < 0) return fail(from_errno(errno, "a folder of blobs"));
  const std::unique_ptr<DIR, int (*)(DIR*)> stream(::fdopendir(opened), &::closedir);
  if (!stream) {
    const int error = errno;
    ::close(opened);
    return fail(from_errno(error, "a folder of blobs"));
  }
  errno = 0;
  while (const dirent* entry = ::readdir(stream.get())) {
    const auto number = std::strtoll(entry->d_name, nullptr, 16);
    std::array<char, 20> written{};
    std::snprintf(written.data(), written.size(), "%0*llx", digits, static_cast<unsigned long long>(number));
    if (entry->d_name == std::string_view(written.data())) REPRIEVE_TRY_VOID(each(number));
    errno = 0;
  }
  if (errno != 0) return fail(from_errno(errno, "a folder of blobs"));
  return {};
}

// False for what is missing, or anything else. store_damaged for a symbolic link, which every open below it would
// follow to some other place.
Result<bool> is_folder(int blobs, const std::string& name) {
  struct stat status {};
  if (::fstatat(blobs, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) {
    if (errno == ENOENT) return false;
    return fail(from_errno(errno, "a folder of blobs"));
  }
  if (S_ISLNK(status.st_mode)) {
    return fail(Errc::store_damaged, "blobs/" + name + " is a symbolic link, in the place of a folder of the store");
  }
  return S_ISDIR(status.st_mode);
}

// Calls `each` with the first number of every folder of blobs that is there. store_damaged as is_folder().
Result<void> each_leaf(int blobs, const std::function<Result<void>(InodeId first)>& each) {
  return each_number(blobs, ".", 1, [&](std::int64_t branch) -> Result<void> {
    if (branch > std::numeric_limits<std::int64_t>::max() >> kBranchBits) return {};
    const std::string folder = BlobPath(InodeId(branch << kBranchBits)).branch();
    REPRIEVE_TRY(const bool is_branch, is_folder(blobs, folder));
    if (!is_branch) return {};
    return each_number(blobs, folder, kLeafDigits, [&](std::int64_t leaf) -> Result<void> {
      if (leaf >> (kBranchBits - kLeafBits) != 0) return {};
      const InodeId first((branch << kBranchBits) + (leaf << kLeafBits));
      REPRIEVE_TRY(const bool is_leaf, is_folder(blobs, BlobPath(first).leaf()));
      return is_leaf ? each(first) : Result<void>();
    });
  });
}

// The folder of blobs, whatever is put in its place afterwards.
Result<FileDescriptor> open_leaf(int blobs, const BlobPath& path) {
  constexpr int kFlags = O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW;
  const FileDescriptor branch(::openat(blobs, path.branch().c_str(), kFlags));
  if (!branch) return fail(from_errno(errno, "a folder of blobs"));
  FileDescriptor leaf(::openat(branch.get(), path.leaf().substr(path.branch().size() + 1).c_str(), kFlags));
  if (!leaf) return fail(from_errno(errno, "a folder of blobs"));
  return leaf;
}

// None where the folder has none.
Result<std::optional<std::string>> read_records(int blobs, const std::string& folder) {
  const FileDescriptor file(::openat(blobs, (folder + "/" + kRecords).c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!file && errno == ENOENT) return std::nullopt;
  if (!file) return fail(from_errno(errno, "records"));
  std::string bytes;
  std::array<char, std::size_t{64} * 1024> piece{};
  for (ssize_t got = 0; (got = ::read(file.get(), piece.data(), piece.size())) != 0;) {
    if (got < 0) return fail(from_errno(errno, "records"));
    bytes.append(piece.data(), static_cast<std::size_t>(got));
  }
  return bytes;
}

}  // namespace

Result<std::unique_ptr<BlobStore>> BlobStore::open(const std::filesystem::path& directory, bool create) {
  const auto blobs = directory / "blobs";
  if (create && ::mkdir(blobs.c_str(), S_IRWXU) != 0 && errno != EEXIST) return fail(from_errno(errno, blobs.string()));
  FileDescriptor opened(::open(blobs.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW));
  if (!opened && errno == ENOENT) return fail(Errc::store_damaged, blobs.string() + " is missing");
  if (!opened) return fail(from_errno(errno, blobs.string()));
  if (::flock(opened.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return fail(from_errno(errno, blobs.string()));
    return fail(Errc::store_locked, blobs.string() + " is in use by another process");
  }
  std::error_code error;
  if (create && !std::filesystem::is_empty(blobs, error)) {
    // New numbers would begin with those of the blobs that are there.
    return fail(Errc::store_damaged, blobs.string() + " holds files, but metadata.db is missing or empty");
  }
  REPRIEVE_TRY_VOID(each_leaf(opened.get(), [](InodeId) -> Result<void> { return {}; }));
  return std::unique_ptr<BlobStore>(new BlobStore(std::move(opened)));
}

BlobStore::BlobStore(FileDescriptor directory) : directory_(std::move(directory)), folders_(directory_.get()) {}

BlobStore::~BlobStore() { stop(); }

Result<void> BlobStore::start(NumberSource source, Report report) {
  source_ = std::move(source);
  report_ = std::move(report);
  REPRIEVE_TRY(maker_, start_thread([this] { refill(); }));
  return {};
}

void BlobStore::stop() {
  {
    const MutexLock lock(mutex_);
    stopping_ = true;
    low_.notify_all();
  }
  if (maker_.joinable()) maker_.join();
  std::deque<FreshBlob> in_vain;
  {
    const MutexLock lock(mutex_);
    in_vain.swap(ready_);
  }
  for (const FreshBlob& blob : in_vain) static_cast<void>(discard(blob.id));
  // Where it fails the next start looks at them again.
  static_cast<void>(sync_names());
}

void BlobStore::refill() {
  while (true) {
    std::size_t wanted = 0;
    {
      const MutexLock lock(mutex_);
      while (!stopping_ && ready_.size() > kLowMark) low_.wait(mutex_);
      if (stopping_) return;
      wanted = kHighMark - ready_.size();
    }
    const Result<void> made = make_ahead(wanted);
    report_(made);
    // On a full disk a take() makes its own blob and reports why it could not; trying here for ever would only spin.
    const MutexLock lock(mutex_);
    if (!made && !stopping_) low_.wait(mutex_);
  }
}

Result<void> BlobStore::make_ahead(std::size_t count) {
  REPRIEVE_TRY(const auto numbers, source_(count));
  Result<void> all;
  for (const InodeId number : numbers) {
    auto made = all ? make(number) : Result<FreshBlob>(fail(all.error()));
    const MutexLock lock(mutex_);
    if (made) {
      ready_.push_back(*std::move(made));
    } else {
      unsettled_.erase(number);
      all = fail(std::move(made).error());
    }
  }
  return all;
}

Result<FreshBlob> BlobStore::take() {
  FreshBlob blob;
  {
    const MutexLock lock(mutex_);
    if (ready_.size() <= kLowMark + 1) low_.notify_one();
    if (!ready_.empty()) {
      blob = std::move(ready_.front());
      ready_.pop_front();
    }
  }
  if (blob.file) {
    // It may have been made long ago, and its times are those of the file that it becomes.
    if (::futimens(blob.file.get(), nullptr) == 0) return blob;
    Error error = blob_error(errno, blob.id);
    give_back(std::move(blob));
    return fail(std::move(error));
  }
  REPRIEVE_TRY(const auto numbers, source_(1));
  auto made = make(numbers.front());
  if (!made) settle(numbers.front());
  return made;
}

void BlobStore::announce(InodeId blob) {
  const MutexLock lock(mutex_);
  unsettled_.insert(blob);
}

void BlobStore::settle(InodeId blob) {
  const MutexLock lock(mutex_);
  unsettled_.erase(blob);
}

void BlobStore::give_back(FreshBlob blob) {
  const MutexLock lock(mutex_);
  ready_.push_front(std::move(blob));
}

Result<void> BlobStore::discard(InodeId blob) {
  REPRIEVE_TRY_VOID(remove(blob));
  folders_.note(BlobPath(blob).leaf(), blob);
  settle(blob);
  return {};
}

std::optional<InodeId> BlobStore::lowest_unsettled() {
  const std::optional<InodeId> changed = folders_.lowest();
  const MutexLock lock(mutex_);
  if (unsettled_.empty()) return changed;
  return changed ? std::min(*changed, *unsettled_.begin()) : *unsettled_.begin();
}

Result<FreshBlob> BlobStore::make(InodeId blob) {
  const BlobPath path(blob);
  constexpr int kFlags = O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW;
  FileDescriptor made(::openat(directory_.get(), path.c_str(), kFlags, S_IRUSR | S_IWUSR));
  if (!made && errno == ENOENT) {
    REPRIEVE_TRY_VOID(make_folders(blob));
    made = FileDescriptor(::openat(directory_.get(), path.c_str(), kFlags, S_IRUSR | S_IWUSR));
  }
  if (!made) return fail(blob_error(errno, blob));
  folders_.note(path.leaf(), blob);
  return FreshBlob{blob, std::move(made)};
}

Result<void> BlobStore::make_folders(InodeId blob) {
  const BlobPath path(blob);
  for (const std::string& folder : {path.branch(), path.leaf()}) {
    if (::mkdirat(directory_.get(), folder.c_str(), S_IRWXU) == 0) continue;
    if (errno != EEXIST) return fail(blob_error(errno, blob));
    REPRIEVE_TRY_VOID(is_folder(directory_.get(), folder));
  }
  // Whoever made them: the name of the blob is worth nothing without theirs.
  folders_.note(".");
  folders_.note(path.branch());
  return {};
}

Result<void> BlobStore::put_records(InodeId first,
                                    const std::function<Result<void>(const FileDescriptor& file)>& write) {
  REPRIEVE_TRY_VOID(make_folders(first));
  REPRIEVE_TRY(const FileDescriptor folder, open_leaf(directory_.get(), BlobPath(first)));
  const std::string fresh = std::string(kRecords) + ".new";
  constexpr int kFlags = O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW;
  const FileDescriptor made(::openat(folder.get(), fresh.c_str(), kFlags, S_IRUSR | S_IWUSR));
  if (!made) return fail(from_errno(errno, "records"));
  if (auto written = write(made); !written) {
    ::unlinkat(folder.get(), fresh.c_str(), 0);
    return written;
  }
  if (::fdatasync(made.get()) != 0 || ::renameat(folder.get(), fresh.c_str(), folder.get(), kRecords) != 0)
    return fail(from_errno(errno, "records"));
  return {};
}

Result<void> BlobStore::each_records(
    const std::function<Result<void>(const std::string& file, const std::string& bytes)>& each) const {
  return each_leaf(directory_.get(), [&](InodeId first) -> Result<void> {
    const std::string folder = BlobPath(first).leaf();
    REPRIEVE_TRY(const auto bytes, read_records(directory_.get(), folder));
    return bytes ? each("blobs/" + folder + "/" + kRecords, *bytes) : Result<void>();
  });
}

Result<void> BlobStore::each_folder(const std::function<Result<void>(InodeId first)>& each) const {
  return each_leaf(directory_.get(), each);
}

Result<FileDescriptor> BlobStore::open_blob(InodeId blob) const {
  FileDescriptor opened(::openat(directory_.get(), BlobPath(blob).c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW));
  if (!opened) return fail(blob_error(errno, blob));
  return opened;
}

Result<FileDescriptor> BlobStore::open_blob_to_read(InodeId blob) const {
  FileDescriptor opened(::openat(directory_.get(), BlobPath(blob).c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!opened) return fail(blob_error(errno, blob));
  return opened;
}

Result<struct stat> BlobStore::stat_blob(InodeId blob) const {
  struct stat attributes {};
  if (::fstatat(directory_.get(), BlobPath(blob).c_str(), &attributes, AT_SYMLINK_NOFOLLOW) != 0) {
    return fail(blob_error(errno, blob));
  }
  return attributes;
}

Result<void> BlobStore::truncate(InodeId blob, std::uint64_t size) const {
  REPRIEVE_TRY(const FileDescriptor opened, open_blob(blob));
  if (::ftruncate(opened.get(), static_cast<off_t>(size)) != 0) return fail(blob_error(errno, blob));
  return {};
}

Result<void> BlobStore::set_times(InodeId blob, const timespec (&times)[2]) const {
  if (::utimensat(directory_.get(), BlobPath(blob).c_str(), times, AT_SYMLINK_NOFOLLOW) != 0) {
    return fail(blob_error(errno, blob));
  }
  return {};
}

Result<void> BlobStore::remove(InodeId blob) {
  const BlobPath path(blob);
  if (::unlinkat(directory_.get(), path.c_str(), 0) == 0) {
    folders_.note(path.leaf());
  } else if (errno != ENOENT) {
    return fail(blob_error(errno, blob));
  }
  return {};
}

Result<void> BlobStore::make_empty(InodeId blob) {
  REPRIEVE_TRY(const FreshBlob made, make(blob));
  return {};
}

Result<struct statvfs> BlobStore::disk() const {
  struct statvfs figures {};
  if (::fstatvfs(directory_.get(), &figures) != 0) return fail(from_errno(errno, "the store's disk"));
  return figures;
}

Result<FlushId> BlobStore::flushed() const {
  const FileDescriptor file(::openat(directory_.get(), kFlushed, O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!file && errno == ENOENT) return FlushId();
  std::array<char, 2 * (kFlushedDigits + 1)> text{};
  const ssize_t got = file ? ::pread(file.get(), text.data(), text.size(), 0) : -1;
  if (got < 0) return fail(from_errno(errno, "blobs/flushed"));
  // Once, as it was written before, or twice, so that a damaged digit is noticed. What is no number tells nothing.
  const std::string_view read(text.data(), static_cast<std::size_t>(got));
  const std::string_view once = read.substr(0, std::min(kFlushedDigits, read.size()));
  const std::string_view rest = read.substr(once.size());
  std::int64_t number = 0;
  const auto parsed = std::from_chars(once.data(), once.data() + once.size(), number);
  const bool is_whole =
      rest == "\n" || (rest.starts_with(' ') && rest.ends_with('\n') && rest.substr(1).starts_with(once));
  return is_whole && parsed.ptr == once.data() + once.size() ? FlushId(number) : FlushId();
}

void BlobStore::note_flushed(FlushId flush) {
  constexpr int kFlags = O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW;
  const FileDescriptor file(::openat(directory_.get(), kFlushed, kFlags, S_IRUSR | S_IWUSR));
  constexpr int kDigits = kFlushedDigits;
  std::array<char, 2 * (kFlushedDigits + 1) + 1> text{};
  const auto number = static_cast<long long>(flush.number());
  std::snprintf(text.data(), text.size(), "%0*lld %0*lld\n", kDigits, number, kDigits, number);
  if (file) static_cast<void>(::pwrite(file.get(), text.data(), text.size() - 1, 0) < 0);
}

Result<void> BlobStore::each_from(InodeId first, InodeId end, const std::function<void(InodeId)>& found,
                                  const Misplaced& misplaced) const {
  return each_leaf(directory_.get(), [&](InodeId leaf) -> Result<void> {
    if (leaf >= end || leaf.number() <= first.number() - kBeside) return {};
    const std::string folder = BlobPath(leaf).leaf();
    return each_number(directory_.get(), folder, kBlobDigits, [&](std::int64_t number) -> Result<void> {
      const InodeId blob(number);
      if (first_beside(blob) != leaf) {
        if (misplaced) misplaced(blob, folder);
      } else if (blob >= first && blob < end) {
        found(blob);
      }
      return {};
    });
  });
}

Result<void> BlobStore::put_in_place(InodeId blob, const std::string& folder) {
  REPRIEVE_TRY_VOID(make_folders(blob));
  const BlobPath path(blob);
  const std::string from = folder + "/" + path.name();
  if (::renameat2(directory_.get(), from.c_str(), directory_.get(), path.c_str(), RENAME_NOREPLACE) != 0)
    return fail(blob_error(errno, blob));
  folders_.note(path.leaf(), blob);
  return sync_names();
}

}  // namespace reprieve
