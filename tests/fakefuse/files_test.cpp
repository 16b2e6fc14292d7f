// SPDX-License-Identifier: Apache-2.0
//
// Open files, served through this process: the socket of the test has no passthrough.
#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>

#include "tests/fakefuse/mount_fixture.h"

namespace reprieve::test {
namespace {

constexpr std::uint32_t kSomebody = 1000;

class Files : public FakeMount {
 protected:
  Files() {
    start_ready();
    project_ = make_directory(node(account_.projects), "P");
  }

  Answer write(std::uint64_t file, std::uint64_t handle, std::uint64_t offset, const std::string& data) {
    fuse_write_in request{};
    request.fh = handle;
    request.offset = offset;
    request.size = static_cast<std::uint32_t>(data.size());
    return kernel_.call(FUSE_WRITE, file, wire(request) + data);
  }
  Answer read(std::uint64_t file, std::uint64_t handle, std::uint64_t offset, std::uint32_t size) {
    fuse_read_in request{};
    request.fh = handle;
    request.offset = offset;
    request.size = size;
    return kernel_.call(FUSE_READ, file, wire(request));
  }
  Answer open(std::uint64_t file, std::uint32_t flags) {
    return kernel_.call(FUSE_OPEN, file, wire(fuse_open_in{.flags = flags, .open_flags = 0}));
  }
  Answer setattr(std::uint64_t file, std::uint32_t which, std::uint32_t mode = 0) {
    fuse_setattr_in request{};
    request.valid = which;
    request.mode = mode;
    return kernel_.call(FUSE_SETATTR, file, wire(request));
  }
  std::uint32_t mode_of(std::uint64_t file) {
    return kernel_.call(FUSE_GETATTR, file, wire(fuse_getattr_in{})).as<fuse_attr_out>().attr.mode & 07777U;
  }

  std::uint64_t project_ = 0;
};

TEST_F(Files, KeepWhatIsWritten) {
  const auto file = create_file(project_, "f");
  EXPECT_TRUE(file.open.open_flags & fs::kernel::kOpenNoFlush);
  EXPECT_FALSE(file.open.open_flags & fs::kernel::kOpenPassthrough);
  EXPECT_EQ(write(file.entry.nodeid, file.open.handle, 3, "hello").as<fuse_write_out>().size, 5U);
  EXPECT_EQ(read(file.entry.nodeid, file.open.handle, 0, 100).body, std::string("\0\0\0hello", 8));
  EXPECT_EQ(read(file.entry.nodeid, file.open.handle, 100, 100).body, "");
  release(file);
  const Answer attributes = kernel_.call(FUSE_GETATTR, file.entry.nodeid, wire(fuse_getattr_in{}));
  EXPECT_EQ(attributes.as<fuse_attr_out>().attr.size, 8U);
}

TEST_F(Files, MoveLargePieces) {
  const auto file = create_file(project_, "f");
  const std::string data(std::size_t{160} * 1024, 'x');
  EXPECT_EQ(write(file.entry.nodeid, file.open.handle, 0, data).as<fuse_write_out>().size, data.size());
  EXPECT_EQ(read(file.entry.nodeid, file.open.handle, 0, static_cast<std::uint32_t>(data.size())).body, data);
  release(file);
}

TEST_F(Files, AHandleIsGoodForWhatItWasOpenedFor) {
  const auto file = create_file(project_, "f");
  const Answer opened = open(file.entry.nodeid, O_RDONLY);
  ASSERT_EQ(opened.error, 0);
  const auto handle = opened.as<fs::kernel::OpenOut>().handle;
  EXPECT_NE(handle, file.open.handle);
  EXPECT_EQ(write(file.entry.nodeid, handle, 0, "x").error, EBADF);
  release(file);
  EXPECT_EQ(read(file.entry.nodeid, file.open.handle, 0, 10).error, EBADF);
  EXPECT_EQ(read(file.entry.nodeid, handle, 0, 10).error, 0);
}

TEST_F(Files, ReleasingWhatIsNotOpenIsHarmless) {
  fuse_release_in request{};
  request.fh = 4711;
  EXPECT_EQ(kernel_.call(FUSE_RELEASE, project_, wire(request)).error, 0);
}

TEST_F(Files, FindDataAndHoles) {
  const auto file = create_file(project_, "f");
  write(file.entry.nodeid, file.open.handle, 1 << 20, "end");
  fuse_lseek_in seek{};
  seek.fh = file.open.handle;
  seek.whence = SEEK_HOLE;
  EXPECT_EQ(kernel_.call(FUSE_LSEEK, file.entry.nodeid, wire(seek)).as<fuse_lseek_out>().offset, 0U);
  seek.whence = SEEK_DATA;
  seek.offset = 1 << 21;
  EXPECT_EQ(kernel_.call(FUSE_LSEEK, file.entry.nodeid, wire(seek)).error, ENXIO);
  release(file);
}

TEST_F(Files, CopyBetweenHandles) {
  const auto from = create_file(project_, "from");
  const auto to = create_file(project_, "to");
  write(from.entry.nodeid, from.open.handle, 0, "hello");
  const fuse_copy_file_range_in copy{.fh_in = from.open.handle,
                                     .off_in = 1,
                                     .nodeid_out = to.entry.nodeid,
                                     .fh_out = to.open.handle,
                                     .off_out = 0,
                                     .len = 100,
                                     .flags = 0};
  EXPECT_EQ(kernel_.call(FUSE_COPY_FILE_RANGE, from.entry.nodeid, wire(copy)).as<fuse_write_out>().size, 4U);
  EXPECT_EQ(read(to.entry.nodeid, to.open.handle, 0, 10).body, "ello");
  release(from);
  release(to);
}

TEST_F(Files, AWriteByAPlainUserDropsSetIdBits) {
  const auto file = create_file(project_, "f", 0777);
  ASSERT_EQ(setattr(file.entry.nodeid, FATTR_MODE, S_IFREG | 06777).error, 0);
  write(file.entry.nodeid, file.open.handle, 0, "by root");
  EXPECT_EQ(mode_of(file.entry.nodeid), 06777U);
  kernel_.act_as(kSomebody);
  write(file.entry.nodeid, file.open.handle, 0, "by somebody");
  EXPECT_EQ(mode_of(file.entry.nodeid), 0777U);
  kernel_.act_as(0);
  release(file);
}

// What both a write past this process and chown(2) with neither owner nor group come as: core/view/set_id_bits.h says
// why.
TEST_F(Files, ASetattrOfNothingIsAWriteWhereTheFileIsOpenForWriting) {
  const auto file = create_file(project_, "f", 0777);
  ASSERT_EQ(setattr(file.entry.nodeid, FATTR_MODE, S_IFREG | 06777).error, 0);
  ASSERT_EQ(setattr(file.entry.nodeid, 0).error, 0);
  EXPECT_EQ(mode_of(file.entry.nodeid), 06777U);
  kernel_.act_as(kSomebody);
  ASSERT_EQ(setattr(file.entry.nodeid, 0).error, 0);
  EXPECT_EQ(mode_of(file.entry.nodeid), 0777U);
  kernel_.act_as(0);
  release(file);
}

TEST_F(Files, ASetattrOfNothingIsAChownElsewhere) {
  const auto file = create_file(project_, "f", 0777);
  release(file);
  ASSERT_EQ(setattr(file.entry.nodeid, FATTR_MODE, S_IFREG | 06777).error, 0);
  kernel_.act_as(kSomebody);
  EXPECT_EQ(setattr(file.entry.nodeid, 0).error, EPERM);
  kernel_.act_as(0);
  EXPECT_EQ(mode_of(file.entry.nodeid), 06777U);
  EXPECT_EQ(setattr(file.entry.nodeid, 0).error, 0);
  EXPECT_EQ(mode_of(file.entry.nodeid), 0777U);
}

TEST_F(Files, ExtendedAttributesTellTheirSizeFirst) {
  const std::string value(300, 'v');
  const auto set = fuse_setxattr_in{.size = 300, .flags = 0, .setxattr_flags = 0, .padding = 0};
  // libfuse asks for the short form of the structure.
  ASSERT_EQ(
      kernel_.call(FUSE_SETXATTR, project_, wire(set).substr(0, FUSE_COMPAT_SETXATTR_IN_SIZE) + name("user.k") + value)
          .error,
      0);
  const auto get = [&](std::uint32_t size) {
    return kernel_.call(FUSE_GETXATTR, project_, wire(fuse_getxattr_in{.size = size, .padding = 0}) + name("user.k"));
  };
  EXPECT_EQ(get(0).as<fuse_getxattr_out>().size, 300U);
  EXPECT_EQ(get(299).error, ERANGE);
  EXPECT_EQ(get(300).body, value);
  EXPECT_EQ(kernel_.call(FUSE_LISTXATTR, project_, wire(fuse_getxattr_in{.size = 100, .padding = 0})).body,
            name("user.k"));
}

TEST_F(Files, AreMadeWithoutAName) {
  const fuse_create_in request{.flags = O_RDWR, .mode = S_IFREG | 0666U, .umask = 022, .open_flags = 0};
  const Answer made = kernel_.call(static_cast<fuse_opcode>(fs::kernel::kTmpfile), project_, wire(request) + name("/"));
  ASSERT_EQ(made.error, 0);
  const auto file = made.as<fs::kernel::CreateOut>();
  EXPECT_EQ(file.entry.attr.nlink, 0U);
  EXPECT_EQ(file.entry.attr.mode & 07777U, 0644U);
  const Answer linked =
      kernel_.call(FUSE_LINK, project_, wire(fuse_link_in{.oldnodeid = file.entry.nodeid}) + name("f"));
  EXPECT_EQ(linked.as<fuse_entry_out>().attr.nlink, 1U);
  release(file);
  EXPECT_EQ(lookup(project_, "f").as<fuse_entry_out>().nodeid, file.entry.nodeid);
}

TEST_F(Files, TellWhenTheyWereBorn) {
  const auto file = create_file(project_, "f");
  const auto statx = static_cast<fuse_opcode>(fs::kernel::kStatx);
  const Answer answer = kernel_.call(statx, file.entry.nodeid, wire(fs::kernel::StatxIn{}));
  ASSERT_EQ(answer.body.size(), sizeof(fs::kernel::StatxOut));
  const auto told = answer.as<fs::kernel::StatxOut>();
  EXPECT_EQ(told.mask, STATX_BASIC_STATS | STATX_BTIME);
  EXPECT_EQ(told.inode, file.entry.nodeid);
  EXPECT_EQ(told.mode, file.entry.attr.mode);
  EXPECT_EQ(told.born.seconds, static_cast<std::int64_t>(file.entry.attr.ctime));
  release(file);
}

}  // namespace
}  // namespace reprieve::test
