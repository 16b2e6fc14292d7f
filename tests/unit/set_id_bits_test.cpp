// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "tests/unit/volume.h"

namespace reprieve::test {
namespace {

// Process 1 is in the group 1, process 2 is not; both act as a user who does not own the file.
class SetIdBits : public ::testing::Test {
 protected:
  SetIdBits() {
    volume_.mkdir("projects/p");
    volume_.write("projects/p/f", "bytes");
    file_ = volume_.at("projects/p/f");
    change({.uid = 77, .gid = 1}, {});
  }
  std::optional<Errc> change(const AttributeChanges& changes, const Caller& caller) {
    return refusal(volume_.core().attributes().set(volume_.account(), file_, changes, caller));
  }
  // What the file's mode is after a change that begins with `mode`.
  mode_t after(mode_t mode, const AttributeChanges& changes, const Caller& caller) {
    EXPECT_EQ(change({.mode = mode}, {}), std::nullopt);
    EXPECT_EQ(change(changes, caller), std::nullopt);
    return mode_now();
  }
  mode_t mode_now() { return volume_.attributes("projects/p/f").mode & 07777; }

  Volume volume_;
  InodeId file_;
};

TEST_F(SetIdBits, GoWhenAPlainUserTruncates) {
  EXPECT_EQ(after(06777, {.size = 1}, process(1)), mode_t{0777});
  EXPECT_EQ(after(06777, {.size = 1}, {}), mode_t{06777});
}

TEST_F(SetIdBits, OfTheGroupStaysForMembersWhereTheGroupCannotExecute) {
  EXPECT_EQ(after(06666, {.size = 1}, process(1)), mode_t{02666});
  EXPECT_EQ(after(06666, {.size = 1}, process(2)), mode_t{0666});
  EXPECT_EQ(after(02666, {.drop_set_id_bits = true}, process(1)), mode_t{02666});
  EXPECT_EQ(after(02666, {.drop_set_id_bits = true}, process(2)), mode_t{0666});
  EXPECT_EQ(after(02666, {.gid = 1}, process(2)), mode_t{0666});
}

TEST_F(SetIdBits, AreNotAStrangersToClear) {
  EXPECT_EQ(change({.mode = 06777}, {}), std::nullopt);
  EXPECT_EQ(change({}, process(1)), Errc::not_owner);
  EXPECT_EQ(mode_now(), mode_t{06777});
  EXPECT_EQ(after(02666, {}, process(1)), mode_t{02666});
  EXPECT_EQ(change({}, process(2)), Errc::not_owner);
  Caller owner = process(2);
  owner.uid = 77;
  EXPECT_EQ(after(06777, {}, owner), mode_t{0777});
  EXPECT_EQ(after(06777, {}, {}), mode_t{0777});
}

TEST_F(SetIdBits, GoWithAWriteAndStayWithRoots) {
  const OpenFile open = volume_.open_file("projects/p/f", O_WRONLY);
  EXPECT_EQ(after(06777, {}, process(2)), mode_t{0777});
  EXPECT_EQ(after(06777, {}, {}), mode_t{06777});
}

TEST_F(SetIdBits, ARequestForNothingMovesTheChangeTime) {
  const Timestamp before = volume_.attributes("projects/p").changed;
  volume_.clock().advance(std::chrono::seconds(1));
  const InodeId directory = volume_.at("projects/p");
  EXPECT_TRUE(volume_.core().attributes().set(volume_.account(), directory, {}, process(2)));
  EXPECT_GT(volume_.attributes("projects/p").changed, before);
}

}  // namespace
}  // namespace reprieve::test
