// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "tests/crash/disk_log.h"
#include "tests/crash/store_view.h"
#include "tests/unit/volume.h"

namespace reprieve::test {

// What the log of a workload is compared with. Operation number n begins at mark 2n and is answered at mark 2n + 1.
struct Journal {
  std::vector<std::string> names;  // of the operations
  std::vector<StoreView> views;    // after each
  // The operation whose answer promised that everything up to it lasts; 0 where there is none.
  std::vector<std::size_t> lasting;
  // Of files, by inode, what fsync promised, or nothing once it was written to again.
  std::vector<std::map<std::int64_t, std::string>> contents;
};

// Whether blobs are made ahead of need, or each by the operation that needs it.
enum class Blobs : std::uint8_t { ahead, on_demand };

// Random operations of two accounts on a new store below `top`, one transaction each, all of them through `log`.
class Workload {
 public:
  Workload(DiskLog& log, const std::filesystem::path& top, unsigned seed, Blobs blobs);

  // Of all kinds, or of those with these names.
  void run(std::size_t operations, const std::set<std::string>& only = {});
  // Before the log is taken.
  void close() { volume_.reset(); }
  [[nodiscard]] const Journal& journal() const { return journal_; }

 private:
  using Action = void (Workload::*)();
  struct Choice {
    const char* name;
    unsigned weight;
    Action action;
  };
  static const std::vector<Choice>& choices();

  // Carries out one operation between its marks. What it is refused changes nothing.
  template <typename Body>
  void operation(const std::string& name, Body body);
  void promise(InodeId file, const std::string& bytes);
  void forget(InodeId file);

  std::string directory();
  std::string new_path();
  std::string existing();
  std::string existing_file();
  std::string item();
  int who() { return 1 + static_cast<int>(random_() % 3); }
  unsigned pick(unsigned count) { return static_cast<unsigned>(random_() % count); }
  std::string bytes();
  void put(const OpenFile& file, const std::string& bytes);

  void make_file();
  void make_file_and_sync();
  void make_file_for_synced_writes();
  void make_unnamed();
  void write_and_sync();
  void write();
  void truncate();
  void make_directory();
  void make_symlink();
  void make_link();
  void remove();
  void trash_path();
  void move();
  void move_to_trash();
  void move_from_trash();
  void exchange();
  void restore();
  void purge();
  void empty();
  void change_mode();
  void set_xattr();
  void remove_xattr();
  void share();
  void unshare();
  void leave();
  void set_status();
  void associate();
  void add_account();
  void sync();
  void write_back();
  void reopen();

  DiskLog& log_;
  std::mt19937 random_;
  std::unique_ptr<Volume> volume_;
  Journal journal_;
  std::atomic<bool> disk_is_full_{false};
  bool synced_ = false;  // the operation under way has made everything last
  std::size_t count_ = 0;
};

}  // namespace reprieve::test
