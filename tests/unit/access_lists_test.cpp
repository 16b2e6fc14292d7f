// SPDX-License-Identifier: Apache-2.0
// Access control lists and files without a name, by core's classes.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>
#include <sys/stat.h>

#include "core/view/posix_acl.h"
#include "tests/support/wait.h"
#include "tests/unit/volume.h"

namespace reprieve::test {
namespace {

// An entry of two bytes of tag, two of permissions and four of number, behind the version 2.
std::string entry(int tag, int permissions, unsigned char id = 0xff) {
  const char rest = id == 0xff ? '\xff' : '\0';
  return {static_cast<char>(tag), '\0', static_cast<char>(permissions), '\0', static_cast<char>(id), rest, rest, rest};
}

const std::string kVersion("\2\0\0\0", 4);

std::string with_user(int owner, int user, int group, int mask, int others) {
  return kVersion + entry(ACL_USER_OBJ, owner) + entry(ACL_USER, user, 7) + entry(ACL_GROUP_OBJ, group) +
         entry(ACL_MASK, mask) + entry(ACL_OTHER, others);
}

std::string minimal(int owner, int group, int others) {
  return kVersion + entry(ACL_USER_OBJ, owner) + entry(ACL_GROUP_OBJ, group) + entry(ACL_OTHER, others);
}

TEST(PosixAcl, IsWhatItWas) {
  const std::string bytes = with_user(7, 6, 5, 4, 1);
  const auto list = PosixAcl::parse(bytes);
  ASSERT_TRUE(list);
  EXPECT_EQ(list->bytes(), bytes);
  EXPECT_FALSE(list->is_minimal());
  EXPECT_TRUE(must(PosixAcl::parse(minimal(7, 5, 1))).is_minimal());
}

TEST(PosixAcl, ShowsTheMaskAsTheGroupsBits) {
  EXPECT_EQ(must(PosixAcl::parse(with_user(7, 6, 5, 4, 1))).permissions(), mode_t{0741});
  EXPECT_EQ(must(PosixAcl::parse(minimal(7, 5, 1))).permissions(), mode_t{0751});
}

TEST(PosixAcl, FollowsTheMode) {
  auto list = must(PosixAcl::parse(with_user(7, 6, 5, 4, 1)));
  list.set_permissions(0620);
  EXPECT_EQ(list.bytes(), with_user(6, 6, 5, 2, 0));
  auto restricted = must(PosixAcl::parse(with_user(7, 6, 5, 7, 5)));
  restricted.restrict_to(0640);
  EXPECT_EQ(restricted.bytes(), with_user(6, 6, 5, 4, 0));
}

TEST(PosixAcl, RefusesNonsense) {
  const std::string whole = with_user(7, 6, 5, 4, 1);
  for (std::size_t size = 0; size < whole.size(); ++size) EXPECT_FALSE(PosixAcl::parse(whole.substr(0, size))) << size;
  EXPECT_EQ(refusal(PosixAcl::parse(std::string("\3\0\0\0", 4) + whole.substr(4))), Errc::not_supported);
  EXPECT_EQ(refusal(PosixAcl::parse(minimal(8, 0, 0))), Errc::invalid_argument);
  EXPECT_EQ(refusal(PosixAcl::parse(whole + entry(0x40, 7))), Errc::invalid_argument);
  // One more entry for the others: what chmod(2) changes would be one of two.
  EXPECT_EQ(refusal(PosixAcl::parse(whole + entry(0x20, 7))), Errc::invalid_argument);
}

class AccessLists : public ::testing::Test {
 protected:
  std::optional<Errc> set(std::string_view path, std::string_view name, const std::string& list) {
    return refusal(volume_.core().attributes().set_xattr(volume_.account(), volume_.at(path), std::string(name), list,
                                                         XattrMode::set, process(1)));
  }
  std::optional<std::string> get(std::string_view path, std::string_view name) {
    const auto value = volume_.core().attributes().get_xattr(volume_.account(), volume_.at(path), std::string(name));
    if (!value) return std::nullopt;
    return *value;
  }
  mode_t mode(std::string_view path) { return volume_.attributes(path).mode & 07777; }
  void create(std::string_view parent, const std::string& name, mode_t mode, mode_t umask) {
    must(volume_.names().create(volume_.account(), volume_.at(parent), EntryName::literal(name),
                                {.mode = mode, .umask = umask, .device = 0, .symlink_target = {}}, process(1)));
  }

  Volume volume_;
  InodeId project_ = volume_.mkdir("projects/p");
  InodeId directory_ = volume_.mkdir("projects/p/d");
};

TEST_F(AccessLists, SetTheMode) {
  volume_.write("projects/p/f", "abc");
  EXPECT_EQ(set("projects/p/f", kAccessAcl, with_user(7, 6, 5, 4, 1)), std::nullopt);
  EXPECT_EQ(mode("projects/p/f"), mode_t{0741});
  EXPECT_EQ(set("projects/p/f", kAccessAcl, minimal(6, 0, 0)), std::nullopt);
  EXPECT_EQ(mode("projects/p/f"), mode_t{0600});
  EXPECT_EQ(get("projects/p/f", kAccessAcl), std::nullopt);
}

TEST_F(AccessLists, AreOfDirectoriesWhereTheyAreInherited) {
  volume_.write("projects/p/f", "abc");
  EXPECT_EQ(set("projects/p/f", kDefaultAcl, minimal(7, 5, 5)), Errc::access_denied);
  EXPECT_EQ(set("projects/p/d", kDefaultAcl, with_user(7, 7, 5, 7, 0)), std::nullopt);
  create("projects/p/d", "f", S_IFREG | 0666, 077);
  create("projects/p/d", "e", S_IFDIR | 0777, 077);
  EXPECT_EQ(mode("projects/p/d/f"), mode_t{0660});
  EXPECT_EQ(get("projects/p/d/f", kAccessAcl), with_user(6, 7, 5, 6, 0));
  EXPECT_EQ(get("projects/p/d/f", kDefaultAcl), std::nullopt);
  EXPECT_EQ(mode("projects/p/d/e"), mode_t{0770});
  EXPECT_EQ(get("projects/p/d/e", kDefaultAcl), with_user(7, 7, 5, 7, 0));
}

TEST_F(AccessLists, LeaveTheUmaskAloneWhereThereIsNone) {
  create("projects/p/d", "f", S_IFREG | 0666, 027);
  EXPECT_EQ(mode("projects/p/d/f"), mode_t{0640});
}

TEST_F(AccessLists, AreKnownAfterAReopen) {
  set("projects/p/d", kDefaultAcl, with_user(7, 7, 5, 7, 0));
  volume_.reopen();
  create("projects/p/d", "f", S_IFREG | 0666, 077);
  EXPECT_EQ(get("projects/p/d/f", kAccessAcl), with_user(6, 7, 5, 6, 0));
}

TEST_F(AccessLists, GoToTheTrashAndComeBack) {
  volume_.write("projects/p/d/f", "abc");
  set("projects/p/d/f", kAccessAcl, with_user(7, 6, 5, 4, 1));
  volume_.remove_tree("projects/p/d");
  EXPECT_EQ(get(".trash/d/f", kAccessAcl), with_user(7, 6, 5, 4, 1));
  volume_.restore("d");
  EXPECT_EQ(get("projects/p/d/f", kAccessAcl), with_user(7, 6, 5, 4, 1));
}

TEST_F(AccessLists, TellTheFoldersOfAProject) {
  EXPECT_EQ(set("projects", kDefaultAcl, with_user(7, 7, 5, 7, 0)), std::nullopt);
  create("projects", "q", S_IFDIR | 0777, 022);
  EXPECT_EQ(get("projects/q/samples", kDefaultAcl), with_user(7, 7, 5, 7, 0));
  EXPECT_EQ(mode("projects/q/samples"), mode("projects/q"));
}

class UnnamedFiles : public ::testing::Test {
 protected:
  CreatedFile create() {
    return must(volume_.core().content().create_unnamed(volume_.account(), project_, 0666, O_RDWR, process(1), 022));
  }
  Volume volume_;
  InodeId project_ = volume_.mkdir("projects/p");
};

TEST_F(UnnamedFiles, AreGoneWithTheirLastClose) {
  InodeId inode;
  {
    const CreatedFile made = create();
    inode = made.attributes.inode;
    EXPECT_EQ(made.attributes.links, 0U);
    EXPECT_EQ(made.attributes.mode, static_cast<mode_t>(S_IFREG | 0644));
    EXPECT_TRUE(volume_.children("projects/p").size() == 2);
  }
  volume_.close();
  volume_.open();
  EXPECT_TRUE(
      wait_until([&] { return refusal(volume_.core().attributes().get(volume_.account(), inode)) == Errc::stale; }));
  EXPECT_TRUE(wait_until([&] { return !volume_.blobs().contains(inode.number()); }));
}

TEST_F(UnnamedFiles, LiveOnUnderANameThatTheyGet) {
  {
    const CreatedFile made = create();
    const auto linked = must(
        volume_.names().link(volume_.account(), made.attributes.inode, project_, EntryName::literal("f"), process(1)));
    EXPECT_EQ(linked.links, 1U);
  }
  volume_.reopen();
  EXPECT_EQ(volume_.attributes("projects/p/f").links, 1U);
  EXPECT_EQ(volume_.read("projects/p/f"), "");
  must(volume_.unlink("projects/p/f"));
  EXPECT_EQ(volume_.items().size(), 1U);
}

TEST_F(UnnamedFiles, KeepTheRulesOfThePlace) {
  const auto make = [this](std::string_view parent) {
    return refusal(
        volume_.core().content().create_unnamed(volume_.account(), volume_.at(parent), 0666, O_RDWR, process(1), 0));
  };
  EXPECT_EQ(make(""), Errc::skeleton);
  EXPECT_EQ(make("projects"), Errc::wrong_place);
  EXPECT_EQ(make(".trash"), Errc::in_trash);
  volume_.write("projects/p/f", "abc");
  EXPECT_EQ(make("projects/p/f"), Errc::not_directory);
}

TEST(OpenFiles, OfSeveralDeletedNamesAreChangedUntilTheirClose) {
  Volume volume;
  volume.mkdir("projects/p");
  // In both orders of the names' numbers.
  for (const bool first_goes_first : {true, false}) {
    const InodeId inode = volume.write("projects/p/a", "abc");
    volume.link("projects/p/a", "projects/p/b");
    must(volume.unlink(first_goes_first ? "projects/p/a" : "projects/p/b"));
    const OpenFile file = volume.open_file(first_goes_first ? "projects/p/b" : "projects/p/a", O_RDWR);
    must(volume.unlink(first_goes_first ? "projects/p/b" : "projects/p/a"));
    EXPECT_EQ(refusal(volume.core().attributes().set(volume.account(), inode, {.size = 1}, process(1))), std::nullopt);
    EXPECT_EQ(refusal(volume.core().content().open(volume.account(), inode, O_RDWR)), std::nullopt);
  }
}

TEST(Handles, LeadToAnInodeByItsNumber) {
  Volume volume;
  volume.mkdir("projects/p");
  volume.write("projects/p/f", "abc");
  const InodeId inode = volume.at("projects/p/f");
  EXPECT_EQ(must(volume.names().find(volume.account(), inode)).inode, inode);
  EXPECT_EQ(refusal(volume.names().find(volume.account(), InodeId(999'999))), Errc::not_found);
}

}  // namespace
}  // namespace reprieve::test
