// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>

#include "tests/support/store_invariants.h"
#include "tests/unit/volume.h"

namespace reprieve::test {

// "lab" shares projects/P with "bob", an editor that has projects/own. What bob does is done by path in its own tree.
class TwoAccounts : public ::testing::Test {
 protected:
  static constexpr uid_t kBob = 2000;

  TwoAccounts() {
    bob_ = must(core().accounts().add("bob", kBob, kBob, process(1)));
    volume_.mkdir("projects/P");
    share(Role::editor);
    bob_makes("projects/own");
  }
  void TearDown() override {
    volume_.close();
    EXPECT_EQ(broken_invariants(volume_.store()), "");
  }

  FileSystem& core() { return volume_.core(); }
  const Account& lab() { return volume_.account(); }
  void share(Role role, const std::string& path = "projects/P") {
    must(core().sharing().share(lab(), path, "bob", role, process(1)));
  }

  static Caller bobs(int number = 5) { return {.uid = kBob, .gid = kBob, .thread = number * 10}; }
  InodeId bobs(const std::string& path) { return must(core().names().resolve(bob_, path)).inode; }
  InodeId parent_of(const std::string& path) { return bobs(path.substr(0, path.rfind('/'))); }
  static EntryName name_of(const std::string& path) { return must(EntryName::parse(path.substr(path.rfind('/') + 1))); }
  bool bob_sees(const std::string& path) { return core().names().resolve(bob_, path).has_value(); }
  void tick() { volume_.clock().advance(std::chrono::seconds(1)); }

  void bob_makes(const std::string& directory) {
    tick();
    must(core().names().create(bob_, parent_of(directory), name_of(directory), {.mode = S_IFDIR | 0755}, bobs()));
  }
  void bob_writes(const std::string& path, const std::string& bytes) {
    tick();
    const CreatedFile made =
        must(core().content().create(bob_, parent_of(path), name_of(path), 0644, O_WRONLY, bobs()));
    ASSERT_EQ(::pwrite(made.file.descriptor(), bytes.data(), bytes.size(), 0), static_cast<ssize_t>(bytes.size()));
  }
  std::string bob_reads(const std::string& path) {
    return Volume::read(must(core().content().open(bob_, bobs(path), O_RDONLY)));
  }
  Result<void> bob_renames(const std::string& from, const std::string& to, int by = 5) {
    tick();
    return core().names().rename(bob_, parent_of(from), name_of(from), parent_of(to), name_of(to), RenameMode::replace,
                                 bobs(by));
  }
  TrashItemId bob_trashes(const std::string& path, const TrashHow& how = {}, int by = 5) {
    tick();
    const BatchOutcome outcome = core().trash().trash_paths(bob_, {path}, bobs(by), how).at(0);
    EXPECT_EQ(outcome.state, BatchState::done) << outcome.reason;
    return outcome.id;
  }
  BatchOutcome bob_restores(TrashItemId item, const RestoreOptions& options = {}, int by = 5) {
    tick();
    return core().trash().restore(bob_, {item}, options, bobs(by)).at(0);
  }
  UndoReport bob_undoes(int by = 9) {
    tick();
    return must(core().undo().last(bob_, bobs(by)));
  }

  Volume volume_;
  Account bob_;
};

}  // namespace reprieve::test
