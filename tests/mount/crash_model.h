// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

namespace reprieve::test {

// One change of the tree, as text in a journal: WORD PATH [OTHER], with paths below the worker's folder. Names are
// never used twice, so a trash item has the name of what was deleted.
struct CrashOperation {
  enum class Verb {
    create,
    write,
    truncate,
    make_directory,
    make_symlink,
    link,
    rename,
    unlink,
    remove_directory,
    discard,
    restore,
    change_mode
  };
  Verb verb = Verb::create;
  std::string path;   // what it works on; of a restore, the item's name
  std::string other;  // where it goes, the text to write, the mode in octal

  [[nodiscard]] std::string to_text() const;
  static std::optional<CrashOperation> parse(const std::string& line);
  // Carries it out in the mount. 0 or an errno.
  [[nodiscard]] int run(const std::filesystem::path& top, const std::filesystem::path& trash) const;
};

// What a worker's folder and its trash items must hold after a number of operations.
class CrashModel {
 public:
  explicit CrashModel(std::string prefix);
  CrashModel(const CrashModel& other);
  CrashModel& operator=(const CrashModel& other);
  ~CrashModel();

  // An operation that will succeed.
  [[nodiscard]] CrashOperation choose(std::mt19937& random);
  void apply(const CrashOperation& operation);
  // A later process: what it deletes does not fold with what was deleted before.
  void begin_session() { ++session_; }

  // Everything by path, the content behind it; trash items under ".trash/".
  [[nodiscard]] std::map<std::string, std::string> listing() const;

 private:
  struct Node;
  struct Discarded;
  using NodePointer = std::shared_ptr<Node>;

  [[nodiscard]] NodePointer find(const std::string& path) const;
  [[nodiscard]] std::vector<std::string> paths(bool directories) const;
  [[nodiscard]] std::string fresh_name();
  [[nodiscard]] CrashOperation create_something(std::mt19937& random, const std::vector<std::string>& directories);
  [[nodiscard]] CrashOperation change_something(std::mt19937& random, const std::vector<std::string>& directories,
                                                const std::vector<std::string>& files);
  NodePointer take(const std::string& path);
  void put(const std::string& path, NodePointer node);
  void discard(const std::string& path, bool fold);

  std::string prefix_;
  NodePointer root_;
  std::map<std::string, Discarded> trash_;
  int session_ = 0;
  int next_name_ = 0;
};

// The same listing, read from the mount.
std::map<std::string, std::string> read_listing(const std::filesystem::path& top, const std::filesystem::path& trash,
                                                const std::string& prefix);

}  // namespace reprieve::test
