// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <filesystem>
#include <map>
#include <optional>
#include <random>
#include <string>

namespace reprieve::test {

// One program that works in a folder of its own and has everything synced: what its calls promised, and what is there.
class SyncedFiles {
 public:
  // The folder is made below `project`, and synced. `trash` is that of the account. What is answered while
  // `power_fails` promises nothing: a program whose power is gone hears no answer. Lent.
  SyncedFiles(const std::filesystem::path& project, std::filesystem::path trash, std::string name,
              const std::atomic<bool>& power_fails);

  // One operation and its fsync(2). False when a call failed, as all do once the power is gone.
  bool work(std::mt19937& random);
  // Compares, and takes what is there for the truth from then on. What is not as promised, a line each.
  std::string check();
  [[nodiscard]] std::size_t promises() const { return promises_; }

 private:
  // What a name leads to: nowhere, or to these bytes.
  using State = std::optional<std::string>;
  struct File {
    State synced;
    // Its last deletion: the trash item, which is there while the name leads nowhere, and the bytes.
    std::string item;
    std::string discarded;
    // Of the operation under way: what may be there as well.
    bool in_flight = false;
    bool in_place = false;  // written over what was there, so that there may be some of both
    State next;
  };

  bool create(File& file, const std::filesystem::path& path, std::mt19937& random);
  bool overwrite(File& file, const std::filesystem::path& path, std::mt19937& random);
  bool replace(File& file, const std::filesystem::path& path, std::mt19937& random);
  // Under a name of its own in the trash, where what is replaced goes too.
  bool discard(File& file, const std::filesystem::path& path);
  bool restore(File& file, const std::filesystem::path& path);
  std::string new_content(std::mt19937& random);
  bool finish(File& file, bool done);
  [[nodiscard]] std::string check(const std::string& name, File& file) const;
  [[nodiscard]] bool sync_folder() const;

  const std::filesystem::path folder_;
  const std::filesystem::path trash_;
  const std::string prefix_;  // of all names
  const std::atomic<bool>* power_fails_;
  std::map<std::string, File> files_;
  std::size_t promises_ = 0;
};

}  // namespace reprieve::test
