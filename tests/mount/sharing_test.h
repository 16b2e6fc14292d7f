// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>
#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/daemon_process.h"
#include "tests/support/temporary_directory.h"

namespace reprieve::test {

inline constexpr uid_t kAda = 30001;
inline constexpr uid_t kBob = 30002;
inline constexpr uid_t kEve = 30003;

// Makes these users for the test alone. Empty, or why it could not be done.
std::string make_test_users();

// A daemon with the accounts ada, bob and eve of three Unix users, each mounted, and a control socket that all may
// connect to. At the end the daemon is expected to stop cleanly.
class SharingTest : public ::testing::Test {
 protected:
  void SetUp() override;
  void TearDown() override;
  // Whether the mounts are for all users.
  virtual bool allow_other() const { return true; }

  static std::string name_of(uid_t user) { return user == kAda ? "ada" : user == kBob ? "bob" : "eve"; }
  [[nodiscard]] std::filesystem::path mount(uid_t user) const { return directory_.path() / name_of(user); }
  [[nodiscard]] std::filesystem::path projects(uid_t user) const { return mount(user) / "projects"; }
  [[nodiscard]] std::filesystem::path trash(uid_t user) const { return mount(user) / ".trash"; }

  // A line of shell as that user.
  CommandResult as(uid_t user, const std::string& line) const;
  // The same, expected to succeed. What it printed.
  std::string run_as(uid_t user, const std::string& line) const;
  // Everything that the user can tell of a tree but when it was looked at, and every byte. of_tree: nor when inodes
  // were changed, which tells that a name was away for a while.
  enum class Changes : std::uint8_t { of_inodes, of_tree };
  std::string view(uid_t user, const std::filesystem::path& top, Changes changes = Changes::of_inodes) const;
  CommandResult ctl_as(uid_t user, std::vector<std::string> arguments) const;
  void share(const std::string& project, const std::string& role) const;

  TemporaryDirectory directory_;
  std::unique_ptr<DaemonProcess> daemon_;
};

// What `call` returns in a process of that user, an errno: a child of this one, so that it may fail as it likes.
int errno_as(uid_t user, const std::function<int()>& call);

}  // namespace reprieve::test
