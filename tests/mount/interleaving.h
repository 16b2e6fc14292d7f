// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <atomic>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <shared_mutex>
#include <string>
#include <vector>

#include "core/base/file_descriptor.h"

namespace reprieve::test {

// One project that two accounts have mounted, and what must be in it. Several threads change it through either mount,
// and look at it through either as soon as they have. Each name and each file has a lock of its own here, which is held
// from before the change until after the look, so that every answer has one right value while the names and files
// beside it change. All methods are thread-safe.
class Interleaving {
 public:
  struct Places {
    std::array<std::filesystem::path, 2> projects;  // of the owner, and of an editor
    std::string name;                               // of the project in both
    std::filesystem::path trash;                    // the owner's
    std::filesystem::path socket;
  };
  // An inode, and what it holds.
  struct File {
    std::mutex mutex;
    std::string content;
    unsigned mode = 0644;     // changes with the name locked
    std::size_t made_in = 0;  // which mount
  };
  // A file that is held open, whatever becomes of its name.
  struct Handle {
    FileDescriptor descriptor;
    std::shared_ptr<File> file;
  };
  using Random = std::mt19937;

  explicit Interleaving(Places places);

  // One change of one name or two, or of the data behind it.
  void change(Random& random);
  // One change of the whole project, or of a directory in it, while nobody changes a name.
  void turn_over(Random& random);
  // Looks at a file that is held open, writes to it, or opens another in its place. Also while it lies in the trash.
  void hold(Random& random, Handle& handle);
  // Looks without any lock: everything may have changed between two calls, but nothing may fail that cannot.
  void wander(Random& random);
  // Everything, through both mounts.
  void check_all();

  // What was not as it should be.
  [[nodiscard]] std::string complaints() const;
  void complain(const std::string& what);

 private:
  struct Slot {
    std::string path;  // below the project
    std::mutex mutex;
    std::shared_ptr<File> file;
  };
  using Action = void (Interleaving::*)(Random& random, Slot& slot, const std::filesystem::path& here);

  [[nodiscard]] std::filesystem::path view(std::size_t mount) const { return places_.projects[mount] / places_.name; }
  [[nodiscard]] std::filesystem::path any_view(Random& random) const { return view(random() % 2); }
  Slot& any_slot(Random& random) { return *slots_[random() % slots_.size()]; }
  std::string new_text(Random& random);
  void expect(int error, int expected, const std::string& what);

  void write(Random& random, Slot& slot, const std::filesystem::path& here);
  void append(Random& random, Slot& slot, const std::filesystem::path& here);
  void write_mapped(Random& random, Slot& slot, const std::filesystem::path& here);
  void truncate(Random& random, Slot& slot, const std::filesystem::path& here);
  void set_mode(Random& random, Slot& slot, const std::filesystem::path& here);
  void remove(Random& random, Slot& slot, const std::filesystem::path& here);
  void trash_and_restore(Random& random, Slot& slot, const std::filesystem::path& here);
  void move(Random& random);

  void trash_project(Random& random);
  void move_directory(Random& random);
  void unshare_and_share();
  void empty_trash();
  // The owner's item goes and comes back, by mv or through the socket; `gone` looks in between.
  void away_and_back(Random& random, const std::filesystem::path& path, const std::function<void()>& gone);
  std::string request(const std::string& method, const std::string& target, const std::string& body);

  void check(const Slot& slot, const std::filesystem::path& there);
  void check_held(const Handle& handle);
  void write_held(Random& random, const Handle& handle);

  const Places places_;
  std::vector<std::unique_ptr<Slot>> slots_;
  // Names change under a shared lock, the project as a whole under an exclusive one. Everybody passes the gate first,
  // so that those who want the second do not wait for ever.
  std::mutex gate_;
  std::shared_mutex project_;
  std::shared_mutex sharing_;  // exclusive: the editor's open files may not be what they were; after the above
  mutable std::mutex complaints_mutex_;
  std::string complaints_;
  std::atomic<unsigned> made_ = 0;
};

}  // namespace reprieve::test
