// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <utility>

#include "core/base/file_descriptor.h"

namespace reprieve {

// Blocks of the disk that the database and its log own beyond their ends, so that on a full disk deleting, restoring
// and emptying have something to write to. What makes new things is to be refused when the disk no longer makes up for
// what of them was used. Where the file system cannot give blocks beyond the end (EOPNOTSUPP) there is no reserve.
// Not thread-safe: used with the store's lock held.
class Reserve {
 public:
  // Of the open database `file`. Takes what is there where the disk has no more. Must outlive the connection: closing
  // any descriptor of the database would give up its locks (fcntl(2), "Advisory record locking").
  explicit Reserve(const std::filesystem::path& file);

  // Where log and database will end, before they do. Costs two comparisons while nothing is low.
  void before_commit(std::int64_t log_end, std::int64_t database_end) {
    log_.cover(log_end);
    database_.cover(database_end);
  }
  // The log should start over.
  [[nodiscard]] bool log_is_low() const { return log_.is_low(); }
  // Bytes inside the database that nothing uses. Asked on a full disk only; outlives this.
  void count_free(std::function<std::int64_t()> free) { free_ = std::move(free); }
  // Whether the database has room for more than what always has to work; tries to get it.
  [[nodiscard]] bool has_room() {
    return !database_.is_low() || database_.extend() || database_.is_made_up_by(free_());
  }

 private:
  class Ahead {
   public:
    Ahead(const std::filesystem::path& path, std::int64_t size);
    void cover(std::int64_t end) {
      end_ = end;
      if (is_low()) static_cast<void>(extend());
    }
    [[nodiscard]] bool is_low() const { return !is_made_up_by(0); }
    [[nodiscard]] bool is_made_up_by(std::int64_t free) const { return covered_ - end_ + free >= size_ / 2; }
    // False where the disk is full.
    bool extend();

   private:
    FileDescriptor file_;
    const std::int64_t size_;
    std::int64_t end_ = 0;
    std::int64_t covered_ = 0;  // so far the file has blocks
  };

  Ahead database_;
  Ahead log_;
  std::function<std::int64_t()> free_ = [] { return std::int64_t{0}; };
};

}  // namespace reprieve
