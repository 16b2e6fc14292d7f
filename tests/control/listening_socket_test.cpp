// SPDX-License-Identifier: Apache-2.0
#include "daemon/control/listening_socket.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <fstream>

#include "tests/control/raw_client.h"
#include "tests/support/temporary_directory.h"

namespace reprieve::control {
namespace {

class ListeningSocketTest : public ::testing::Test {
 protected:
  test::TemporaryDirectory directory_;
  std::filesystem::path path_ = directory_.path() / "control.sock";
};

struct stat status_of(const std::filesystem::path& path) {
  struct stat status {};
  EXPECT_EQ(::lstat(path.c_str(), &status), 0);
  return status;
}

TEST_F(ListeningSocketTest, HasTheModeAndTheGroup) {
  const auto socket = ListeningSocket::bind(path_, gid_t{4711}, 0660);
  ASSERT_TRUE(socket) << socket.error().reason;
  EXPECT_TRUE(S_ISSOCK(status_of(path_).st_mode));
  EXPECT_EQ(status_of(path_).st_mode & 07777U, 0660U);
  EXPECT_EQ(status_of(path_).st_gid, 4711U);
}

TEST_F(ListeningSocketTest, RemovesItsFile) {
  { const auto socket = ListeningSocket::bind(path_, {}, 0600); }
  EXPECT_FALSE(std::filesystem::exists(path_));
}

TEST_F(ListeningSocketTest, LeavesTheFileOfASuccessor) {
  auto first = ListeningSocket::bind(path_, {}, 0600);
  std::filesystem::remove(path_);
  const auto second = ListeningSocket::bind(path_, {}, 0600);
  ASSERT_TRUE(second);
  { const ListeningSocket gone = *std::move(first); }
  EXPECT_TRUE(std::filesystem::exists(path_));
}

TEST_F(ListeningSocketTest, ReplacesASocketThatNobodyAnswersOn) {
  const auto hidden = path_.parent_path() / "hidden";
  {
    const auto socket = ListeningSocket::bind(path_, {}, 0600);
    std::filesystem::rename(path_, hidden);
  }
  std::filesystem::rename(hidden, path_);
  EXPECT_TRUE(ListeningSocket::bind(path_, {}, 0600));
}

TEST_F(ListeningSocketTest, RefusesASocketThatAnswers) {
  const auto first = ListeningSocket::bind(path_, {}, 0600);
  const auto second = ListeningSocket::bind(path_, {}, 0600);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Errc::exists);
  EXPECT_NE(second.error().reason.find(path_.native()), std::string::npos);
  EXPECT_NO_THROW(test::RawClient{path_});
}

TEST_F(ListeningSocketTest, LeavesWhatIsNoSocket) {
  std::ofstream(path_) << "precious";
  const auto socket = ListeningSocket::bind(path_, {}, 0600);
  ASSERT_FALSE(socket);
  EXPECT_EQ(socket.error().code, Errc::exists);
  EXPECT_EQ(std::filesystem::file_size(path_), 8U);
}

TEST_F(ListeningSocketTest, MakesNoDirectories) {
  const auto socket = ListeningSocket::bind(directory_.path() / "none" / "control.sock", {}, 0600);
  ASSERT_FALSE(socket);
  EXPECT_EQ(socket.error().code, Errc::not_found);
  EXPECT_FALSE(std::filesystem::exists(directory_.path() / "none"));
}

TEST_F(ListeningSocketTest, RefusesAPathThatIsTooLong) {
  const auto socket = ListeningSocket::bind(directory_.path() / std::string(120, 'x'), {}, 0600);
  ASSERT_FALSE(socket);
  EXPECT_EQ(socket.error().code, Errc::name_too_long);
}

TEST_F(ListeningSocketTest, InheritsOnlyListeningSockets) {
  EXPECT_FALSE(ListeningSocket::inherit(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)));
  auto first = ListeningSocket::bind(path_, {}, 0600);
  ASSERT_TRUE(first);
  {
    const auto inherited = ListeningSocket::inherit(first->release_descriptor());
    ASSERT_TRUE(inherited);
    EXPECT_NO_THROW(test::RawClient{path_});
  }
  EXPECT_TRUE(std::filesystem::exists(path_)) << "an inherited socket's file is not ours to remove";
}

}  // namespace
}  // namespace reprieve::control
