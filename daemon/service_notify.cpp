// SPDX-License-Identifier: Apache-2.0
#include "daemon/service_notify.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <systemd/sd-daemon.h>
#include <time.h>

#include <cstring>

namespace reprieve::service {
namespace {

// Failure means that nobody listens, and then there is nobody to tell.
void notify(const std::string& state) { static_cast<void>(::sd_notify(0, state.c_str())); }

}  // namespace

void ready(const std::string& status) { notify(fmt::format("READY=1\nSTATUS={}", status)); }
void status(const std::string& status) { notify(fmt::format("STATUS={}", status)); }
void stopping() { notify("STOPPING=1\nSTATUS=Unmounting"); }
void watchdog() { notify("WATCHDOG=1"); }

void reloading() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  notify(fmt::format("RELOADING=1\nMONOTONIC_USEC={}", now.tv_sec * 1'000'000 + now.tv_nsec / 1'000));
}

std::optional<std::chrono::milliseconds> watchdog_interval() {
  std::uint64_t limit = 0;
  if (::sd_watchdog_enabled(0, &limit) <= 0) return std::nullopt;
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::microseconds(limit)) / 2;
}

Result<std::optional<FileDescriptor>> inherited_socket() {
  const int count = ::sd_listen_fds(1);
  if (count < 0) return fail(Errc::invalid_argument, fmt::format("socket activation: {}", std::strerror(-count)));
  if (count == 0) return std::nullopt;
  FileDescriptor socket(SD_LISTEN_FDS_START);
  if (count > 1)
    return fail(Errc::invalid_argument, fmt::format("socket activation: {} sockets instead of one", count));
  if (::sd_is_socket_unix(socket.get(), SOCK_STREAM, 1, nullptr, 0) <= 0)
    return fail(Errc::invalid_argument, "socket activation: not a listening Unix stream socket");
  return std::optional<FileDescriptor>(std::move(socket));
}

}  // namespace reprieve::service
