// SPDX-License-Identifier: Apache-2.0
#include "tests/crash/faults.h"

#include <sqlite3.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace reprieve::test {
namespace {

const std::set<DiskCall> kSystemCalls{DiskCall::open,     DiskCall::make,     DiskCall::mkdir,  DiskCall::unlink,
                                      DiskCall::rename,   DiskCall::read,     DiskCall::write,  DiskCall::truncate,
                                      DiskCall::allocate, DiskCall::stat,     DiskCall::change, DiskCall::list,
                                      DiskCall::sync,     DiskCall::data_sync};
// Where a file system may be interrupted: by the signal that ends a wait for the next request.
const std::set<DiskCall> kInterruptible{DiskCall::open,     DiskCall::make,     DiskCall::read, DiskCall::write,
                                        DiskCall::truncate, DiskCall::allocate, DiskCall::sync, DiskCall::data_sync};
const std::set<DiskCall> kGrowing{DiskCall::make,     DiskCall::mkdir, DiskCall::write,
                                  DiskCall::allocate, DiskCall::sync,  DiskCall::data_sync};

}  // namespace

const std::vector<Fault>& all_faults() {
  static const std::vector<Fault> faults{
      {"EIO", kSystemCalls, EIO, {"io"}},
      {"EIO from there on", kSystemCalls, EIO, {"io"}, true},
      // SQLite tells of a flush that it failed, and not why.
      {"ENOSPC", kGrowing, ENOSPC, {"no_space", "io"}},
      {"ENOSPC from there on", kGrowing, ENOSPC, {"no_space", "io"}, true},
      {"EDQUOT", kGrowing, EDQUOT, {"over_quota", "no_space", "io"}},
      {"EMFILE", {DiskCall::open, DiskCall::make}, EMFILE, {"too_many_open_files"}},
      {"SQLITE_BUSY", {DiskCall::statement}, SQLITE_BUSY, {"io"}},
      {"SQLITE_FULL", {DiskCall::statement}, SQLITE_FULL, {"no_space"}},
      {"SQLITE_IOERR", {DiskCall::statement}, SQLITE_IOERR, {"io"}},
      {"SQLITE_CORRUPT", {DiskCall::statement}, SQLITE_CORRUPT, {"store_damaged"}},
      {"SQLITE_NOMEM", {DiskCall::statement}, SQLITE_NOMEM, {"out_of_memory"}},
      {"no memory for SQLite", {DiskCall::memory}, 0, {"out_of_memory"}},
      {"EINTR", kInterruptible, EINTR, {"interrupted", "io"}},
      {.name = "in part", .at = {DiskCall::read, DiskCall::write}, .value = 0, .answers = {}, .in_part = true},
      {.name = "in part from there on",
       .at = {DiskCall::read, DiskCall::write},
       .value = 0,
       .answers = {},
       .goes_on = true,
       .in_part = true},
  };
  return faults;
}

FaultPoints::FaultPoints(const std::filesystem::path& store, Threads threads) : threads_(threads) {
  observe_disk(store, this);
}

FaultPoints::~FaultPoints() { observe_disk({}, nullptr); }

void FaultPoints::arm(const Fault& fault, std::size_t point, const std::string& words) {
  count_ = 0;
  has_failed_ = false;
  point_ = point;
  armed_ = &kept_.emplace_back(Armed{fault, words});
}

std::size_t FaultPoints::disarm() {
  armed_ = nullptr;
  return count_;
}

void FaultPoints::at_change(std::size_t point, std::function<void()> then) {
  change_ = point;
  then_ = std::move(then);
}

void FaultPoints::at_call(std::size_t point, std::function<void()> then) {
  call_ = point;
  then_at_call_ = std::move(then);
}

std::int64_t FaultPoints::do_half(const DiskRequest& request, const std::function<std::int64_t()>& real) {
  const std::size_t half = request.size / 2;
  if (request.call == DiskCall::read) return std::min<std::int64_t>(real(), static_cast<std::int64_t>(half));
  const bool at_offset = std::string_view(request.function) != "write";
  return at_offset ? ::syscall(SYS_pwrite64, request.descriptor, request.data, half, request.offset)
                   : ::syscall(SYS_write, request.descriptor, request.data, half);
}

const Fault* FaultPoints::fails(const DiskRequest& request) {
  const Armed* const armed = armed_;
  if (armed == nullptr || !armed->fault.at.contains(request.call)) return nullptr;
  if (armed->fault.in_part && request.size < 2) return nullptr;
  if (!armed->words.empty()) {
    const std::string what = request.sql != nullptr ? request.sql : watched_path(request.descriptor, request.path);
    if (what.find(armed->words) == std::string::npos) return nullptr;
  }
  const std::size_t number = count_++;
  const bool now = armed->fault.goes_on ? number >= point_ : number == point_;
  if (!now) return nullptr;
  has_failed_ = true;
  return &armed->fault;
}

std::int64_t FaultPoints::around(const DiskRequest& request, const std::function<std::int64_t()>& real) {
  const bool is_main = std::this_thread::get_id() == main_;
  if (is_main != (threads_ == Threads::this_one)) return real();
  if (const Fault* const fault = fails(request)) {
    if (fault->in_part) return do_half(request, real);
    if (request.call == DiskCall::memory) return 0;
    if (request.call == DiskCall::statement) return fault->value;
    errno = fault->value;
    return -1;
  }
  const char* const forgotten = forgotten_statement;
  if (request.sql != nullptr && forgotten != nullptr && std::strcmp(request.sql, forgotten) == 0) return SQLITE_DONE;
  const bool changes = request.call == DiskCall::make || request.call == DiskCall::mkdir ||
                       request.call == DiskCall::unlink || request.call == DiskCall::write ||
                       request.call == DiskCall::truncate;
  if (changes && then_ && change_-- == 0) std::exchange(then_, {})();
  if (then_at_call_ && call_-- == 0) std::exchange(then_at_call_, {})();
  return real();
}

}  // namespace reprieve::test
