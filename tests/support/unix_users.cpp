// SPDX-License-Identifier: Apache-2.0
#include "tests/support/unix_users.h"

#include <pwd.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "tests/support/command.h"

namespace reprieve::test {
namespace {

constexpr const char* kFolder = "/etc";

bool exists(const UnixUser& user) {
  const passwd* found = ::getpwnam(user.name.c_str());
  return found != nullptr && found->pw_uid == user.id && found->pw_gid == user.id;
}

std::string failed(const std::string& what) { return what + ": " + std::strerror(errno); }

// Empty, or what went wrong.
std::string succeed(const std::vector<std::string>& command) {
  const CommandResult result = run(command);
  return result.exit_code == 0 ? std::string() : command.front() + "\n" + result.describe();
}

// From here on /etc is this process's own.
std::string copy_etc() {
  if (::unshare(CLONE_NEWNS) != 0 || ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0)
    return failed("a mount namespace");
  std::string copy = std::filesystem::temp_directory_path() / "reprieve-etc-XXXXXX";
  if (::mkdtemp(copy.data()) == nullptr) return failed(copy);
  std::string problem;
  if (::mount("etc", copy.c_str(), "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755") != 0) {
    problem = failed("a tmpfs");
  } else {
    problem = succeed({"cp", "-a", std::string(kFolder) + "/.", copy});
    if (problem.empty() && ::mount(copy.c_str(), kFolder, nullptr, MS_MOVE, nullptr) != 0) problem = failed(kFolder);
    if (!problem.empty()) ::umount2(copy.c_str(), MNT_DETACH);
  }
  ::rmdir(copy.c_str());
  return problem;
}

}  // namespace

std::string make_unix_users(std::span<const UnixUser> users) {
  if (std::ranges::all_of(users, exists)) return {};
  if (std::string problem = copy_etc(); !problem.empty()) return problem;
  for (const UnixUser& user : users) {
    const std::string number = std::to_string(user.id);
    std::string problem = succeed({"groupadd", "--system", "--key", "SYS_GID_MAX=60000", "--gid", number, user.name});
    // Without a log and a home it touches nothing outside /etc.
    if (problem.empty()) {
      problem = succeed({"useradd", "--system", "--key", "SYS_UID_MAX=60000", "--uid", number, "--gid", number,
                         "--no-create-home", "--no-log-init", "--shell", "/usr/sbin/nologin", user.name});
    }
    if (!problem.empty()) return problem;
    if (!exists(user)) return user.name + " is not the user that it should be";
  }
  return {};
}

}  // namespace reprieve::test
