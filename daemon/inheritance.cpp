// SPDX-License-Identifier: Apache-2.0
#include "daemon/inheritance.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <climits>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string_view>

#include "fs/mounting.h"

namespace reprieve::service {
namespace {

constexpr std::string_view kDevicePrefix = "reprieve-device-";
constexpr std::string_view kRecordPrefix = "reprieve-record-";

// As sd_listen_fds(3) counts; what it finds malformed is not ours either.
int passed_count() {
  const char* const process = std::getenv("LISTEN_PID");
  const char* const count = std::getenv("LISTEN_FDS");
  if (process == nullptr || count == nullptr || process != std::to_string(::getpid())) return 0;
  int number = 0;
  const char* const end = count + std::strlen(count);
  const auto [rest, error] = std::from_chars(count, end, number);
  constexpr int kMost = INT_MAX - SD_LISTEN_FDS_START;
  return error == std::errc() && rest == end && number > 0 && number <= kMost ? number : 0;
}

Result<std::vector<Named>> passed_descriptors() {
  char** names = nullptr;
  const int count = ::sd_listen_fds_with_names(1, &names);
  if (count < 0) return fail(Errc::invalid_argument, fmt::format("inherited descriptors: {}", std::strerror(-count)));
  std::vector<Named> passed;
  for (int i = 0; i < count; ++i) {
    passed.push_back({names[i], FileDescriptor(SD_LISTEN_FDS_START + i)});
    // sd_listen_fds(3) sets it for those that it gives; children must not hold mounts.
    static_cast<void>(::fcntl(passed.back().descriptor.get(), F_SETFD, FD_CLOEXEC));
    std::free(names[i]);
  }
  std::free(names);
  return passed;
}

Result<void> take_socket(Inheritance& inheritance, FileDescriptor socket) {
  if (inheritance.socket) return fail(Errc::invalid_argument, "socket activation: more than one socket");
  if (::sd_is_socket_unix(socket.get(), SOCK_STREAM, 1, nullptr, 0) <= 0)
    return fail(Errc::invalid_argument, "socket activation: not a listening Unix stream socket");
  inheritance.socket = std::move(socket);
  return {};
}

// The two halves of a mount, by the rest of their names.
using Halves = std::map<std::string, fs::Inherited>;

void take_record(Halves& halves, const std::string& key, FileDescriptor memory) {
  auto record = fs::MountRecord::take_up(std::move(memory));
  if (!record) {
    spdlog::warn("a mount of the daemon before this one cannot be gone on with: {}", reason_of(record.error()));
    return;
  }
  halves[key].record = *std::move(record);
}

}  // namespace

void tidy_descriptors() {
  int lowest = 0;
  do {
    lowest = ::open("/dev/null", O_RDWR);
  } while (lowest >= 0 && lowest <= STDERR_FILENO);
  if (lowest > STDERR_FILENO) ::close(lowest);
  static_cast<void>(::close_range(static_cast<unsigned>(SD_LISTEN_FDS_START + passed_count()), ~0U, 0));
}

bool has_holder() {
  const char* const room = std::getenv("FDSTORE");
  return std::getenv("NOTIFY_SOCKET") != nullptr && (room == nullptr || std::string_view(room) != "0");
}

void hold(const std::string& name, int descriptor) {
  if (!has_holder()) return;
  const std::string state = fmt::format("FDSTORE=1\nFDNAME={}", name);
  if (const int sent = ::sd_pid_notify_with_fds(0, 0, state.c_str(), &descriptor, 1); sent < 0) {
    spdlog::warn("{} cannot be handed to the service manager, and ends with this process: {}", name,
                 std::strerror(-sent));
  }
}

void let_go(const std::string& name) {
  if (!has_holder()) return;
  static_cast<void>(::sd_notify(0, fmt::format("FDSTOREREMOVE=1\nFDNAME={}", name).c_str()));
}

std::string device_name(MountId mount) { return fmt::format("{}{}", kDevicePrefix, mount.number()); }
std::string record_name(MountId mount) { return fmt::format("{}{}", kRecordPrefix, mount.number()); }

void let_go(MountId mount) {
  let_go(device_name(mount));
  let_go(record_name(mount));
}

std::vector<HeldOpen> Inheritance::opens() const {
  std::vector<HeldOpen> held;
  for (const fs::Inherited& mount : mounts) {
    for (const fs::MountRecord::Open& open : mount.record->opens()) {
      held.push_back({.inode = open.inode, .writable = open.writable, .opened_behind = open.opened_behind});
    }
  }
  return held;
}

bool Inheritance::has_mount(const std::filesystem::path& mountpoint) const {
  return std::ranges::any_of(
      mounts, [&](const fs::Inherited& mount) { return mount.record->identity().mountpoint == mountpoint; });
}

std::optional<fs::Inherited> Inheritance::take(const std::string& account, const std::filesystem::path& mountpoint) {
  const auto found = std::ranges::find_if(mounts, [&](const fs::Inherited& mount) {
    const fs::MountRecord::Identity identity = mount.record->identity();
    return identity.account == account && identity.mountpoint == mountpoint;
  });
  if (found == mounts.end()) return std::nullopt;
  std::optional<fs::Inherited> taken(std::move(*found));
  mounts.erase(found);
  return taken;
}

Result<Inheritance> inherit() {
  REPRIEVE_TRY(std::vector<Named> passed, passed_descriptors());
  return sort(std::move(passed));
}

Result<Inheritance> sort(std::vector<Named>&& held) {
  Inheritance inheritance;
  Halves halves;
  for (auto& [name, descriptor] : held) {
    if (name.starts_with(kDevicePrefix)) {
      halves[name.substr(kDevicePrefix.size())].device = std::move(descriptor);
    } else if (name.starts_with(kRecordPrefix)) {
      take_record(halves, name.substr(kRecordPrefix.size()), std::move(descriptor));
    } else if (name == kSocketName) {
      inheritance.own_socket = std::move(descriptor);
    } else {
      REPRIEVE_TRY_VOID(take_socket(inheritance, std::move(descriptor)));
    }
  }
  for (auto& [key, mount] : halves) {
    if (mount.device && mount.record != nullptr) {
      inheritance.mounts.push_back(std::move(mount));
    } else {
      let_go(std::string(kDevicePrefix) + key);
      let_go(std::string(kRecordPrefix) + key);
    }
  }
  return inheritance;
}

void abandon(const std::vector<fs::Inherited>& mounts) {
  for (const fs::Inherited& mount : mounts) {
    const fs::MountRecord::Identity identity = mount.record->identity();
    spdlog::warn("{}: unmounting what the daemon before this one served", identity.mountpoint.string());
    const auto unmounted = identity.by_helper ? fs::unmount_with_helper(identity.mountpoint)
                                              : fs::unmount_fuse(identity.mountpoint, identity.source);
    if (!unmounted) spdlog::error("{}", reason_of(unmounted.error()));
  }
}

std::filesystem::path file_of_socket(int socket) {
  sockaddr_un address{};
  socklen_t length = sizeof address;
  if (::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &length) != 0 || address.sun_family != AF_UNIX)
    return {};
  return std::string(address.sun_path, ::strnlen(address.sun_path, sizeof address.sun_path));
}

void remove_socket_file(int socket) {
  if (const auto path = file_of_socket(socket); !path.empty()) ::unlink(path.c_str());
}

}  // namespace reprieve::service
