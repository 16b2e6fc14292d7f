// SPDX-License-Identifier: Apache-2.0
// Every way by which bytes come from one account to another: each counts for the quota of the account that has them.
#include "tests/unit/two_accounts.h"

namespace reprieve::test {
namespace {

constexpr std::uint64_t kMuch = std::uint64_t{1} << 40;

class AccountMoves : public TwoAccounts {
 protected:
  AccountMoves() {
    bob_makes("projects/own/t");
    bob_writes("projects/own/t/x", std::string(1000, 'x'));
    bob_writes("projects/own/t/y", std::string(24, 'y'));
    must(core().quotas().set(lab().id, kMuch));
    must(core().quotas().set(bob_.id, kMuch));
  }
  void TearDown() override {
    // What was kept is what a fresh count finds.
    const std::uint64_t of_lab = used(lab());
    const std::uint64_t of_bob = used(bob_);
    must(core().quotas().set(lab().id, kMuch));
    must(core().quotas().set(bob_.id, kMuch));
    EXPECT_EQ(used(lab()), of_lab);
    EXPECT_EQ(used(bob_), of_bob);
    TwoAccounts::TearDown();
  }
  std::uint64_t used(const Account& account) { return core().quotas().of(account.id).value().used; }
  void expect_used(std::uint64_t of_lab, std::uint64_t of_bob) {
    EXPECT_EQ(used(lab()), of_lab);
    EXPECT_EQ(used(bob_), of_bob);
  }
};

TEST_F(AccountMoves, RenamedIntoASharedItemAndOut) {
  expect_used(0, 1024);
  must(bob_renames("projects/own/t", "projects/P/t"));
  expect_used(1024, 0);
  must(bob_renames("projects/P/t", "projects/own/t"));
  expect_used(0, 1024);
  must(bob_renames("projects/own/t/x", "projects/P/x"));
  expect_used(1000, 24);
}

TEST_F(AccountMoves, RefusedMovesCountNothing) {
  must(bob_renames("projects/own/t", "projects/P/t"));
  volume_.write("projects/P/z", "z");
  ASSERT_EQ(refusal(bob_renames("projects/P/z", "projects/own/z")), Errc::not_yours);
  ASSERT_EQ(refusal(bob_renames("projects/own", "projects/P/own")), Errc::wrong_place);
  expect_used(1025, 0);
}

TEST_F(AccountMoves, WhatAnEditorTrashesOfItsOwnMakingIsInItsOwnTrash) {
  must(bob_renames("projects/own/t", "projects/P/t"));
  const TrashItemId item = bob_trashes("projects/P/t");
  expect_used(0, 1024);
  EXPECT_EQ(bob_restores(item).state, BatchState::done);
  expect_used(1024, 0);
  EXPECT_EQ(volume_.attributes("projects/P/t/x").uid, 1000U);
}

TEST_F(AccountMoves, RmOfAnEditorFoldsAndCounts) {
  must(bob_renames("projects/own/t", "projects/P/t"));
  const InodeId tree = bobs("projects/P/t");
  for (const char* name : {"x", "y"}) must(core().names().unlink(bob_, tree, EntryName::literal(name), bobs()));
  expect_used(0, 1024);
  must(core().names().rmdir(bob_, bobs("projects/P"), EntryName::literal("t"), bobs()));
  expect_used(0, 1024);
  ASSERT_EQ(must(core().trash().list(bob_, {})).total, 1U);
  EXPECT_EQ(bob_undoes().results.at(0).state, BatchState::done);
  expect_used(1024, 0);
}

TEST_F(AccountMoves, RestoredElsewhereWholeAndInPart) {
  const TrashItemId item = bob_trashes("projects/own/t");
  expect_used(0, 1024);
  const InodeId top = must(core().names().lookup(bob_, bob_.trash, EntryName::literal("t"))).inode;
  tick();
  must(core().names().rename(bob_, top, EntryName::literal("x"), bobs("projects/P"), EntryName::literal("x"),
                             RenameMode::replace, bobs(6)));
  expect_used(1000, 24);
  EXPECT_EQ(bob_undoes().results.at(0).state, BatchState::done);
  expect_used(0, 1024);
  EXPECT_EQ(bob_restores(item, {.to = "projects/P"}, 7).state, BatchState::done);
  expect_used(1024, 0);
  EXPECT_EQ(bob_undoes(8).results.at(0).state, BatchState::done);
  expect_used(0, 1024);
  // By mv.
  must(core().names().rename(bob_, bob_.trash, EntryName::literal("t"), bobs("projects/P"), EntryName::literal("t"),
                             RenameMode::replace, bobs(6)));
  expect_used(1024, 0);
}

TEST_F(AccountMoves, WhatIsReplacedStaysWithItsOwner) {
  volume_.write("projects/P/f", std::string(5, 'f'));
  must(bob_renames("projects/own/t/x", "projects/P/f"));
  expect_used(1005, 24);
  // Back: f lies there again, and what had its place is in the trash of who made it.
  EXPECT_EQ(bob_undoes().results.at(0).state, BatchState::done);
  expect_used(5, 1024);
}

TEST_F(AccountMoves, FilesOfAnAnalysisAlone) {
  bob_makes("projects/P/analyses/A");
  bob_writes("projects/P/analyses/A/f", std::string(10, 'f'));
  expect_used(10, 1024);
  const TrashItemId item = bob_trashes("projects/P/analyses/A", {.mode = TrashMode::files_only});
  expect_used(0, 1034);
  // Refused when they have changed hands already: that is taken back.
  bob_writes("projects/P/analyses/A/f", "in the way");
  EXPECT_EQ(bob_restores(item).code, "exists");
  expect_used(10, 1034);
  must(core().names().unlink(bob_, bobs("projects/P/analyses/A"), EntryName::literal("f"), bobs()));
  EXPECT_EQ(bob_restores(item).state, BatchState::done);
  expect_used(10, 1034);
}

TEST_F(AccountMoves, WhatIsOpenGoesOnCountingForWhoHasIt) {
  const OpenFile file = must(core().content().open(bob_, bobs("projects/own/t/x"), O_WRONLY));
  ASSERT_EQ(::ftruncate(file.descriptor(), 3000), 0);
  must(bob_renames("projects/own/t", "projects/P/t"));
  ASSERT_EQ(::ftruncate(file.descriptor(), 5000), 0);
  static_cast<void>(must(core().attributes().statfs(lab())));
  expect_used(5024, 0);
}

TEST_F(AccountMoves, TheTrashOfAnEditorIsNotInTheWayOfItsOwnerLeaving) {
  bob_writes("projects/P/f", "f");
  bob_trashes("projects/P/f");
  volume_.trash("projects/P");
  volume_.empty();
  must(core().accounts().remove("lab", process(1)));
  EXPECT_EQ(used(bob_), 1025U);
  EXPECT_EQ(bob_reads("projects/own/t/y").size(), 24U);
}

TEST_F(AccountMoves, ASampleInSeveralProjectsHasOneOwner) {
  volume_.mkdir("projects/Q");
  bob_makes("projects/P/samples/S");
  bob_writes("projects/P/samples/S/f", std::string(10, 'f'));
  must(core().items().add_to(lab(), "projects/Q", "projects/P/samples/S", process(1)));
  expect_used(10, 1024);
  EXPECT_EQ(refusal(bob_renames("projects/P/samples/S", "projects/own/samples/S")), Errc::not_yours);
  static_cast<void>(bob_trashes("projects/P/samples/S"));
  expect_used(10, 1024);
  EXPECT_EQ(volume_.restore("S").state, BatchState::done);
  expect_used(10, 1024);
}

}  // namespace
}  // namespace reprieve::test
