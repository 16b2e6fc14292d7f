// SPDX-License-Identifier: Apache-2.0
//
// Requests that no kernel in its right mind sends.
#include <cerrno>
#include <limits>

#include "fs/request_form.h"
#include "tests/fakefuse/mount_fixture.h"

namespace reprieve::test {
namespace {

class Hostile : public FakeMount {
 protected:
  Hostile() { start_ready(); }
};

TEST_F(Hostile, MalformedNamesAreRefused) {
  const std::uint64_t projects = node(account_.projects);
  const fuse_mkdir_in mkdir{.mode = 0755, .umask = 0};
  for (const std::string& bad : {std::string(), std::string("."), std::string(".."), std::string("a/b")}) {
    // Dots are looked up for file handles alone, and lead to the directory itself and its parent.
    EXPECT_EQ(lookup(projects, bad).error, bad.starts_with('.') ? 0 : EINVAL) << bad;
    EXPECT_EQ(kernel_.call(FUSE_MKDIR, projects, wire(mkdir) + name(bad)).error, EINVAL) << bad;
    EXPECT_EQ(kernel_.call(FUSE_UNLINK, projects, name(bad)).error, EINVAL) << bad;
    EXPECT_EQ(kernel_.call(FUSE_RMDIR, projects, name(bad)).error, EINVAL) << bad;
    const fuse_rename_in rename{.newdir = projects};
    EXPECT_EQ(kernel_.call(FUSE_RENAME, projects, wire(rename) + name("x") + name(bad)).error, EINVAL) << bad;
    EXPECT_EQ(kernel_.call(FUSE_RENAME, projects, wire(rename) + name(bad) + name("x")).error, EINVAL) << bad;
    EXPECT_EQ(kernel_.call(FUSE_LINK, projects, wire(fuse_link_in{.oldnodeid = projects}) + name(bad)).error, EINVAL);
    EXPECT_EQ(kernel_.call(FUSE_SYMLINK, projects, name(bad) + name("target")).error, EINVAL) << bad;
  }
  EXPECT_EQ(lookup(projects, std::string(255, 'x')).error, 0);
  EXPECT_EQ(lookup(projects, std::string(256, 'x')).error, ENAMETOOLONG);
  EXPECT_EQ(kernel_.call(FUSE_MKDIR, projects, wire(mkdir) + name(std::string(256, 'x'))).error, ENAMETOOLONG);
}

TEST_F(Hostile, BytesOfNoEncodingAreNames) {
  const std::string odd = "\xff\xfe\n\x01 ~";
  const std::uint64_t made = make_directory(node(account_.projects), odd);
  EXPECT_EQ(lookup(node(account_.projects), odd).as<fuse_entry_out>().nodeid, made);
}

TEST_F(Hostile, UnknownInodesAreErrors) {
  fuse_read_in listing{};
  listing.size = 4096;
  for (const std::uint64_t unknown :
       {std::uint64_t{0}, std::uint64_t{999'999}, std::uint64_t{1} << 63, std::numeric_limits<std::uint64_t>::max()}) {
    EXPECT_NE(kernel_.call(FUSE_GETATTR, unknown, wire(fuse_getattr_in{})).error, 0) << unknown;
    EXPECT_NE(kernel_.call(FUSE_SETATTR, unknown, wire(fuse_setattr_in{})).error, 0) << unknown;
    EXPECT_NE(lookup(unknown, "x").error, 0) << unknown;
    EXPECT_NE(kernel_.call(FUSE_OPEN, unknown, wire(fuse_open_in{})).error, 0) << unknown;
    EXPECT_NE(kernel_.call(FUSE_READDIRPLUS, unknown, wire(listing)).error, 0) << unknown;
    EXPECT_NE(kernel_.call(FUSE_READLINK, unknown).error, 0) << unknown;
    EXPECT_NE(kernel_.call(FUSE_MKDIR, unknown, wire(fuse_mkdir_in{}) + name("x")).error, 0) << unknown;
    EXPECT_NE(kernel_.call(FUSE_GETXATTR, unknown, wire(fuse_getxattr_in{}) + name("user.x")).error, 0) << unknown;
  }
}

TEST_F(Hostile, UnknownHandlesAreErrors) {
  fuse_read_in read{};
  read.fh = 77;
  read.size = 10;
  EXPECT_EQ(kernel_.call(FUSE_READ, kRoot, wire(read)).error, EBADF);
  fuse_write_in write{};
  write.fh = 77;
  write.size = 1;
  EXPECT_EQ(kernel_.call(FUSE_WRITE, kRoot, wire(write) + "x").error, EBADF);
  fuse_fsync_in sync{};
  sync.fh = 77;
  EXPECT_EQ(kernel_.call(FUSE_FSYNC, kRoot, wire(sync)).error, EBADF);
  fuse_fallocate_in fallocate{};
  fallocate.fh = 77;
  EXPECT_EQ(kernel_.call(FUSE_FALLOCATE, kRoot, wire(fallocate)).error, EBADF);
  EXPECT_EQ(kernel_.call(FUSE_COPY_FILE_RANGE, kRoot, wire(fuse_copy_file_range_in{})).error, EBADF);
  EXPECT_EQ(kernel_.call(FUSE_LSEEK, kRoot, wire(fuse_lseek_in{})).error, EBADF);
}

TEST_F(Hostile, EveryOperationIsAnsweredExactlyOnce) {
  const std::string zeros(512, '\0');
  std::vector<std::uint64_t> sent;
  for (int opcode = FUSE_LOOKUP; opcode <= FUSE_TMPFILE + 10; ++opcode) {
    // INTERRUPT is answered with the request that it is about; a forget of a batch would have a count to read.
    if (opcode == FUSE_INTERRUPT || opcode == FUSE_BATCH_FORGET || opcode == FUSE_FORGET) continue;
    if (opcode == FUSE_DESTROY || opcode == FUSE_NOTIFY_REPLY) continue;
    sent.push_back(kernel_.send(static_cast<fuse_opcode>(opcode), kRoot, zeros));
  }
  for (const std::uint64_t unique : sent) (void)kernel_.answer_to(unique);
  EXPECT_EQ(lookup(kRoot, "projects").error, 0);
  EXPECT_EQ(kernel_.unexpected_answers(), 0U);
}

// libfuse would read what lies behind the request.
TEST_F(Hostile, RequestsThatAreCutOffAreRefused) {
  const std::uint64_t projects = node(account_.projects);
  for (const fuse_opcode operation :
       {FUSE_LOOKUP,      FUSE_GETATTR, FUSE_SETATTR, FUSE_SYMLINK,        FUSE_MKNOD,      FUSE_MKDIR,
        FUSE_UNLINK,      FUSE_RMDIR,   FUSE_RENAME,  FUSE_LINK,           FUSE_OPEN,       FUSE_READ,
        FUSE_WRITE,       FUSE_RELEASE, FUSE_FSYNC,   FUSE_SETXATTR,       FUSE_GETXATTR,   FUSE_LISTXATTR,
        FUSE_REMOVEXATTR, FUSE_FLUSH,   FUSE_OPENDIR, FUSE_READDIR,        FUSE_RELEASEDIR, FUSE_FSYNCDIR,
        FUSE_ACCESS,      FUSE_CREATE,  FUSE_BMAP,    FUSE_IOCTL,          FUSE_POLL,       FUSE_FALLOCATE,
        FUSE_READDIRPLUS, FUSE_RENAME2, FUSE_LSEEK,   FUSE_COPY_FILE_RANGE}) {
    EXPECT_EQ(kernel_.call(operation, projects, "cut").error, EIO) << operation;
  }
  const fuse_mkdir_in mkdir{.mode = 0755, .umask = 0};
  EXPECT_EQ(kernel_.call(FUSE_MKDIR, projects, wire(mkdir) + "unended").error, EIO);
  EXPECT_EQ(kernel_.call(FUSE_SYMLINK, projects, name("link") + "unended").error, EIO);
  EXPECT_EQ(kernel_.call(FUSE_RENAME, projects, wire(fuse_rename_in{.newdir = projects}) + name("a") + "b").error, EIO);
  EXPECT_EQ(lookup(projects, "link").as<fuse_entry_out>().nodeid, 0U);
}

TEST_F(Hostile, RequestsThatAnnounceMoreThanTheyBringAreRefused) {
  const auto file = create_file(make_directory(node(account_.projects), "P"), "f");
  const std::uint64_t inode = file.entry.nodeid;
  fuse_write_in write{};
  write.fh = file.open.handle;
  write.size = 6;
  EXPECT_EQ(kernel_.call(FUSE_WRITE, inode, wire(write) + "bytes").error, EIO);
  std::string setxattr = wire(fuse_setxattr_in{.size = 6}).substr(0, FUSE_COMPAT_SETXATTR_IN_SIZE);
  EXPECT_EQ(kernel_.call(FUSE_SETXATTR, inode, setxattr + name("user.a") + "bytes").error, EIO);
  fuse_ioctl_in ioctl{};
  ioctl.in_size = 4;
  EXPECT_EQ(kernel_.call(FUSE_IOCTL, inode, wire(ioctl) + "x").error, EIO);
  kernel_.send(FUSE_BATCH_FORGET, 0, wire(fuse_batch_forget_in{.count = 0xffffffff, .dummy = 0}));
  EXPECT_EQ(kernel_.call(FUSE_GETATTR, inode, wire(fuse_getattr_in{})).as<fuse_attr_out>().attr.size, 0U);
  EXPECT_NE(kernel_.call(FUSE_GETXATTR, inode, wire(fuse_getxattr_in{}) + name("user.a")).error, 0);
  EXPECT_EQ(kernel_.unexpected_answers(), 0U);
}

// Memory for it would be had first.
TEST_F(Hostile, MoreThanWasAgreedOnIsNotRead) {
  const auto file = create_file(make_directory(node(account_.projects), "P"), "f");
  fuse_read_in read{};
  read.fh = file.open.handle;
  read.size = fs::kMostData + 1;
  EXPECT_EQ(kernel_.call(FUSE_READ, file.entry.nodeid, wire(read)).error, EIO);
  EXPECT_EQ(kernel_.call(FUSE_READDIRPLUS, kRoot, wire(read)).error, EIO);
  read.size = fs::kMostData;
  EXPECT_EQ(kernel_.call(FUSE_READ, file.entry.nodeid, wire(read)).error, 0);
}

TEST_F(Hostile, ForgetsAreNotAnswered) {
  kernel_.send(FUSE_FORGET, 12345, wire(fuse_forget_in{.nlookup = 99}));
  const fuse_forget_one one{.nodeid = 6, .nlookup = 1};
  kernel_.send(FUSE_BATCH_FORGET, 0, wire(fuse_batch_forget_in{.count = 2, .dummy = 0}) + wire(one) + wire(one));
  EXPECT_EQ(lookup(kRoot, "projects").error, 0);
  EXPECT_EQ(kernel_.unexpected_answers(), 0U);
}

TEST_F(Hostile, ASecondInitIsRefused) {
  EXPECT_EQ(kernel_.call(FUSE_INIT, 0, wire(fuse_init_in{})).error, EIO);
  EXPECT_EQ(lookup(kRoot, "projects").error, 0);
}

}  // namespace
}  // namespace reprieve::test
