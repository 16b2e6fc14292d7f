// SPDX-License-Identifier: Apache-2.0
#include "daemon/app.h"

#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <spdlog/spdlog.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <sstream>
#include <utility>

#include "daemon/account_owner.h"
#include "daemon/control/listening_socket.h"
#include "daemon/logging.h"
#include "daemon/mount_point.h"
#include "daemon/service_notify.h"

namespace reprieve {
namespace {

constexpr const char* kDefaultGroup = "reprieve";

// Where reprievectl(1) looks for the daemon, too.
Result<std::filesystem::path> default_socket_path() {
  if (::geteuid() == 0) return std::filesystem::path("/run/reprieve/control.sock");
  const char* runtime = std::getenv("XDG_RUNTIME_DIR");
  if (runtime == nullptr || *runtime != '/')
    return fail(Errc::invalid_argument, "no control socket: give --socket PATH, or set XDG_RUNTIME_DIR");
  return std::filesystem::path(runtime) / "reprieve/control.sock";
}

// Directories are made for the default only: elsewhere a missing one is more likely a mistake.
Result<std::filesystem::path> socket_path(const std::filesystem::path& configured) {
  auto usual = default_socket_path();
  if (!configured.empty() && !(usual && configured == *usual)) return configured;
  REPRIEVE_TRY(const std::filesystem::path path, std::move(usual));
  std::error_code error;
  std::filesystem::create_directories(path.parent_path(), error);
  if (error) return fail(from_errno(error.value(), path.parent_path().string()));
  return path;
}

Result<std::optional<gid_t>> socket_group(const std::string& configured) {
  if (configured.empty()) return ::geteuid() == 0 ? find_group(kDefaultGroup) : std::nullopt;
  const std::optional<gid_t> group = find_group(configured);
  if (!group) return fail(Errc::not_found, fmt::format("control.group: there is no group {}", configured));
  return group;
}

// Each open file of a mount costs a descriptor here.
void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max) return;
  limit.rlim_cur = limit.rlim_max;
  static_cast<void>(::setrlimit(RLIMIT_NOFILE, &limit));
}

// Blocked in this thread and so in every later one: a second SIGTERM waits until the first one's work is done.
Result<FileDescriptor> take_signals() {
  sigset_t set;
  ::sigemptyset(&set);
  for (const int number : {SIGTERM, SIGINT, SIGHUP}) ::sigaddset(&set, number);
  if (::pthread_sigmask(SIG_BLOCK, &set, nullptr) != 0) return fail(Errc::internal, "signals cannot be blocked");
  FileDescriptor signals(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!signals) return fail(from_errno(errno, "signalfd"));
  ::signal(SIGPIPE, SIG_IGN);
  return signals;
}

void log_lines(spdlog::level::level_enum level, const std::string& text) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) spdlog::log(level, "{}", line);
}

}  // namespace

Result<void> check_surroundings(const Config& config) {
  std::string problems;
  const auto note = [&problems](const auto& result) {
    if (!result) problems += (problems.empty() ? "" : "\n") + std::string(reason_of(result.error()));
  };
  note(socket_group(config.control.group));
  for (const MountSettings& mount : config.mounts) note(check_mount_point(mount.path, config.core.store.path));
  if (!problems.empty()) return fail(Errc::invalid_argument, std::move(problems));
  return {};
}

App::App(CommandLine line, Config config) : line_(std::move(line)), config_(std::move(config)) {}

App::~App() = default;

ExitCode App::run() {
  if (const auto started = start(); !started) {
    log_lines(spdlog::level::err, std::string(reason_of(started.error())));
    stop();
    return ExitCode::refused_or_failed;
  }
  serve();
  const ExitCode code = stop();
  spdlog::info("stopped");
  return code;
}

Result<void> App::start() {
  REPRIEVE_TRY(signals_, take_signals());
  // For folders on the way to the socket. Modes of files in the mounts never meet it: they are rows.
  ::umask(S_IWGRP | S_IWOTH);
  raise_descriptor_limit();
  // All that can be wrong without a store, before one is made.
  REPRIEVE_TRY_VOID(check_surroundings(config_));
  REPRIEVE_TRY(const control::ServerOptions socket, socket_options());
  const std::filesystem::path& store = config_.core.store.path;
  spdlog::info("reprieved {} opens the store {}", REPRIEVE_VERSION, store.string());
  REPRIEVE_TRY(files_, FileSystem::open(config_.core, clock_));
  invalidator_ = std::make_unique<fs::Invalidator>();
  REPRIEVE_TRY_VOID(invalidator_->start());
  files_->set_change_listener(invalidator_.get());
  REPRIEVE_TRY(mounts_, Mounts::make(*files_, *invalidator_));
  // The socket first, which can be refused without having mounted anything; it is served last.
  REPRIEVE_TRY_VOID(listen(socket));
  REPRIEVE_TRY_VOID(mount_all());
  REPRIEVE_TRY_VOID(server_->start());
  service::ready(summary());
  spdlog::info("ready");
  return {};
}

Result<control::ServerOptions> App::socket_options() {
  control::ServerOptions options;
  options.version = REPRIEVE_VERSION;
  REPRIEVE_TRY(inherited_, service::inherited_socket());
  REPRIEVE_TRY(options.group, socket_group(config_.control.group));
  if (!inherited_) {
    REPRIEVE_TRY(options.socket, socket_path(config_.control.socket));
    REPRIEVE_TRY_VOID(control::ListeningSocket::check(options.socket));
  }
  return options;
}

Result<void> App::listen(control::ServerOptions options) {
  if (inherited_) options.inherited = inherited_->release();
  REPRIEVE_TRY(server_, control::Server::listen(*files_, *mounts_, options, *spdlog::default_logger()));
  spdlog::info("listening on {}", inherited_ ? "the socket of the service manager" : options.socket.string());
  return {};
}

Result<void> App::mount_all() {
  for (const MountSettings& mount : config_.mounts) REPRIEVE_TRY_VOID(mounts_->mount(mount, config_));
  return {};
}

void App::serve() {
  const auto watchdog = service::watchdog_interval();
  const int timeout = watchdog ? static_cast<int>(watchdog->count()) : -1;
  for (bool going_on = true; going_on;) {
    std::array<pollfd, 2> events{pollfd{signals_.get(), POLLIN, 0}, pollfd{mounts_->unmounted_descriptor(), POLLIN, 0}};
    const int count = ::poll(events.data(), events.size(), timeout);
    if (watchdog) feed_watchdog();
    if (count <= 0) continue;
    if (events[0].revents != 0) going_on = handle_signal();
    if (going_on && events[1].revents != 0) going_on = handle_unmounted();
  }
}

ExitCode App::stop() {
  service::stopping();
  if (server_) server_->stop();
  if (mounts_) mounts_->stop();
  ExitCode code = ExitCode::done;
  if (files_) {
    files_->set_change_listener(nullptr);
    if (const auto synced = files_->sync(); !synced) {
      spdlog::error("the store was not flushed: {}", reason_of(synced.error()));
      code = ExitCode::refused_or_failed;
    }
  }
  server_.reset();
  mounts_.reset();
  invalidator_.reset();
  files_.reset();
  return code;
}

bool App::handle_signal() {
  signalfd_siginfo signal{};
  if (::read(signals_.get(), &signal, sizeof signal) != static_cast<ssize_t>(sizeof signal)) return true;
  if (signal.ssi_signo == static_cast<std::uint32_t>(SIGHUP)) {
    reload();
    return true;
  }
  spdlog::info("stopping on {}", signal.ssi_signo == static_cast<std::uint32_t>(SIGINT) ? "SIGINT" : "SIGTERM");
  return false;
}

bool App::handle_unmounted() {
  mounts_->reap();
  if (mounts_->size() == 0) {
    spdlog::info("stopping: the last mount is gone");
    return false;
  }
  service::status(summary());
  return true;
}

// Answers only while the store does: a daemon that hangs in it is of no use.
void App::feed_watchdog() {
  if (const auto accounts = files_->accounts().all(); !accounts) {
    spdlog::error("the store does not answer: {}", reason_of(accounts.error()));
    return;
  }
  service::watchdog();
}

void App::reload() {
  if (!config_file(line_)) {
    spdlog::warn("SIGHUP: there is no configuration file to read");
    return;
  }
  service::reloading();
  auto loaded = load_config(line_);
  if (!loaded) {
    spdlog::error("the configuration is left as it was:");
    log_lines(spdlog::level::err, std::string(reason_of(loaded.error())));
  } else {
    for (const std::string& key : changed_keys(config_, *loaded)) {
      if (key == "log.level") {
        config_.log_level = loaded->log_level;
        set_log_level(config_.log_level);
        spdlog::info("{} changed", key);
      } else {
        spdlog::warn("{} changed in the configuration: needs a restart", key);
      }
    }
    spdlog::info("configuration read");
  }
  service::ready(summary());
}

std::string App::summary() {
  const std::size_t count = mounts_->size();
  return fmt::format("Serving {} mount{} of {}", count, count == 1 ? "" : "s", config_.core.store.path.string());
}

}  // namespace reprieve
