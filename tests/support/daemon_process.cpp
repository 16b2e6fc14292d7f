// SPDX-License-Identifier: Apache-2.0
#include "tests/support/daemon_process.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>
#include <system_error>

#include "tests/support/store_invariants.h"

namespace reprieve::test {
namespace {

// The socket that sd_notify(3) writes to.
FileDescriptor listen_for_notifications(const std::filesystem::path& path) {
  std::filesystem::remove(path);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string text = path.string();
  if (text.size() >= sizeof address.sun_path) throw std::length_error("the test directory's path is too long");
  std::memcpy(address.sun_path, text.data(), text.size());
  FileDescriptor socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!socket || ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    throw std::system_error(errno, std::generic_category(), text);
  return socket;
}

bool announces_ready(int socket) {
  std::array<char, 4096> message{};
  const ssize_t got = ::recv(socket, message.data(), message.size(), MSG_DONTWAIT);
  if (got <= 0) return false;
  std::istringstream lines(std::string(message.data(), static_cast<std::size_t>(got)));
  for (std::string line; std::getline(lines, line);) {
    if (line == "READY=1") return true;
  }
  return false;
}

}  // namespace

bool is_mount_point(const std::filesystem::path& path) {
  std::ifstream mounts("/proc/self/mountinfo");
  for (std::string line; std::getline(mounts, line);) {
    std::istringstream fields(line);
    std::string id, parent, device, root, point;
    fields >> id >> parent >> device >> root >> point;
    if (point == path.string()) return true;
  }
  return false;
}

std::string why_no_mounts() {
  const FileDescriptor device(::open("/dev/fuse", O_RDWR | O_CLOEXEC));
  if (!device) return "/dev/fuse cannot be opened: " + std::string(std::strerror(errno));
  if (::geteuid() != 0) return "only root mounts without fusermount3";
  return {};
}

DaemonProcess::DaemonProcess(const std::filesystem::path& directory, DaemonOptions options)
    : directory_(directory),
      store_(directory / "store"),
      mount_(directory / "mnt"),
      socket_(directory / "control.sock"),
      options_(std::move(options)) {
  std::filesystem::create_directory(mount_);
  if (options_.configuration.empty() && !options_.allow_other) return;
  std::ofstream file(directory_ / "reprieve.toml");
  file << "[store]\npath = \"" << store_.string() << "\"\n\n[control]\nsocket = \"" << socket_.string()
       << "\"\neveryone = " << (options_.everyone ? "true" : "false") << "\n\n[[mount]]\naccount = \"lab\"\npath = \""
       << mount_.string() << "\"\nallow_other = " << (options_.allow_other ? "true" : "false") << "\n\n"
       << options_.configuration;
}

DaemonProcess::~DaemonProcess() { kill(); }

std::vector<std::string> DaemonProcess::command_line() const {
  std::vector<std::string> line{REPRIEVED_PATH};
  if (std::filesystem::exists(directory_ / "reprieve.toml")) {
    line.insert(line.end(), {"--config", directory_ / "reprieve.toml"});
  } else {
    line.insert(line.end(), {"--store", store_, "--mount", "lab=" + mount_.string(), "--socket", socket_});
  }
  line.insert(line.end(), options_.arguments.begin(), options_.arguments.end());
  return line;
}

bool DaemonProcess::start(std::chrono::seconds limit) {
  const std::filesystem::path notify = directory_ / "notify";
  const FileDescriptor notifications = listen_for_notifications(notify);
  CommandOptions options{.environment = options_.environment};
  // Listens for READY=1 alone: it would not hold a mount beyond the daemon's end.
  options.environment.emplace_back("FDSTORE", "0");
  options.environment.emplace_back("NOTIFY_SOCKET", notify.string());
  process_ = std::make_unique<ChildProcess>(command_line(), std::move(options), log_path());
  serves_ = wait_ready(notifications.get(), limit);
  return serves_;
}

bool DaemonProcess::wait_ready(int notifications, std::chrono::seconds limit) {
  const auto end = std::chrono::steady_clock::now() + limit;
  std::array<pollfd, 2> events{pollfd{notifications, POLLIN, 0}, pollfd{process_->ended_descriptor(), POLLIN, 0}};
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
    if (left.count() <= 0) return false;
    if (::poll(events.data(), events.size(), static_cast<int>(left.count())) < 0 && errno != EINTR) return false;
    if (events[0].revents != 0 && announces_ready(notifications)) return true;
    if (events[1].revents != 0) return false;
  }
}

int DaemonProcess::stop() {
  if (!process_) return -1;
  process_->signal(SIGTERM);
  return wait();
}

int DaemonProcess::wait() {
  if (!process_) return -1;
  const int code = process_->finish().exit_code;
  process_.reset();
  check_store();
  return code;
}

void DaemonProcess::kill_only() {
  if (!process_) return;
  process_->signal(SIGKILL);
  process_.reset();
  check_store();
}

void DaemonProcess::kill() {
  if (process_) process_->signal(SIGKILL);
  unmount_leftover();
  process_.reset();
  serves_ = serves_ && !options_.disk_fails;
  check_store();
}

void DaemonProcess::check_store() {
  if (!std::exchange(serves_, false)) return;
  if (!std::filesystem::is_directory(store_)) return;  // a test took it away
  EXPECT_EQ(broken_invariants(store_), "") << log();
}

void DaemonProcess::unmount_leftover() const {
  while (is_mount_point(mount_)) {
    // Ends the connection. A daemon that is killed while it tells the kernel of a name whose directory some request
    // has locked keeps the connection, and that request, waiting for ever.
    ::umount2(mount_.c_str(), MNT_FORCE);
    if (is_mount_point(mount_) && ::umount2(mount_.c_str(), MNT_DETACH) != 0) return;
  }
}

pid_t DaemonProcess::serving_pid() const {
  const std::string own = std::to_string(pid());
  std::istringstream children([&] {
    std::ostringstream text;
    text << std::ifstream("/proc/" + own + "/task/" + own + "/children").rdbuf();
    return text.str();
  }());
  // Heralds of processes that are gone may be children too.
  for (pid_t child = 0; children >> child;) {
    std::string name;
    std::getline(std::ifstream("/proc/" + std::to_string(child) + "/comm"), name);
    if (name == "reprieved") return child;
  }
  return -1;
}

bool DaemonProcess::restart() {
  if (process_) kill();
  return start();
}

std::string DaemonProcess::log() const {
  std::ostringstream text;
  text << std::ifstream(log_path()).rdbuf();
  return text.str();
}

CommandResult DaemonProcess::ctl(std::vector<std::string> arguments, CommandOptions options) const {
  arguments.insert(arguments.begin(), REPRIEVECTL_PATH);
  options.environment.emplace_back("REPRIEVE_SOCKET", socket_.string());
  if (options.directory.empty()) options.directory = mount_;
  return run(arguments, std::move(options));
}

}  // namespace reprieve::test
