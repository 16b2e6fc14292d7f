// SPDX-License-Identifier: Apache-2.0
#include "daemon/account_owner.h"

#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include <cerrno>
#include <vector>

namespace reprieve {
namespace {

// getpwnam_r(3) and getgrnam_r(3) want a buffer and do not say how large.
template <typename Record, typename LookUp>
std::optional<Record> find_record(const LookUp& look_up) {
  for (std::size_t size = 1024; size <= std::size_t{1} << 20; size *= 4) {
    std::vector<char> buffer(size);
    Record record{};
    Record* found = nullptr;
    const int error = look_up(&record, buffer.data(), buffer.size(), &found);
    if (error == ERANGE) continue;
    // The record's pointers die with the buffer: callers use numbers only.
    if (found != nullptr) return record;
    return std::nullopt;
  }
  return std::nullopt;
}

}  // namespace

AccountOwner owner_of_new_account(const MountSettings& mount) {
  const AccountOwner own{.uid = ::geteuid(), .gid = ::getegid()};
  if (own.uid != 0 || mount.from_command_line) return own;
  const auto user = find_record<passwd>([&](passwd* record, char* buffer, std::size_t size, passwd** found) {
    return ::getpwnam_r(mount.account.c_str(), record, buffer, size, found);
  });
  return user ? AccountOwner{.uid = user->pw_uid, .gid = user->pw_gid} : own;
}

std::optional<gid_t> find_group(const std::string& name) {
  const auto entry = find_record<group>([&](group* record, char* buffer, std::size_t size, group** found) {
    return ::getgrnam_r(name.c_str(), record, buffer, size, found);
  });
  if (!entry) return std::nullopt;
  return entry->gr_gid;
}

}  // namespace reprieve
