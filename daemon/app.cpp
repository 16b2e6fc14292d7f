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
#include "daemon/confinement.h"
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
  for (const int number : {SIGTERM, SIGINT, SIGHUP, SIGUSR1}) ::sigaddset(&set, number);
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

void log_backup(const Result<Backup>& backup) {
  if (backup) {
    spdlog::info("backup of the metadata: {}, {} bytes, {} ms", backup->file.filename().string(), backup->bytes,
                 backup->took.count());
  } else {
    spdlog::error("no backup of the metadata could be made: {}", reason_of(backup.error()));
  }
}

class IntegrityLog final : public IntegrityListener {
 public:
  void found_damaged(const DamagedFile& file, const std::string& how) override {
    spdlog::warn("inode={} account={} is damaged: {}; reprievectl damaged tells its path", file.inode.number(),
                 file.account, how);
    spdlog::debug("inode={} is {}", file.inode.number(), file.path);
  }
  void reads_through_cache() override {
    spdlog::warn(
        "the file system of the store does not let files be read past the page cache (O_DIRECT): what a disk has done"
        " to one that is in the cache is not found");
  }
};

void log_background_failure(std::string_view work, const Error& why) {
  spdlog::error("{}: {}; it is tried again", work, reason_of(why));
}

}  // namespace

Result<void> check_surroundings(const Config& config, const service::Inheritance& inherited) {
  std::string problems;
  const auto note = [&problems](const auto& result) {
    if (!result) problems += (problems.empty() ? "" : "\n") + std::string(reason_of(result.error()));
  };
  note(socket_group(config.control.group));
  if (!config.control.socket.empty()) note(control::ListeningSocket::check_name(config.control.socket));
  for (const MountSettings& mount : config.mounts) {
    if (!inherited.has_mount(mount.path)) note(check_mount_point(mount.path, config.core.store.path));
  }
  if (!problems.empty()) return fail(Errc::invalid_argument, std::move(problems));
  return {};
}

App::App(CommandLine line, Config config) : line_(std::move(line)), config_(std::move(config)) {}

App::~App() = default;

ExitCode App::run() {
  if (const auto started = start(); !started) {
    log_lines(spdlog::level::err, std::string(reason_of(started.error())));
    stop(End::stop);
    return ExitCode::refused_or_failed;
  }
  const End end = serve();
  const ExitCode code = stop(end);
  spdlog::info("{}", end == End::stop ? "stopped" : "left the mounts to the next");
  return code;
}

Result<void> App::start() {
  REPRIEVE_TRY(signals_, take_signals());
  // For folders on the way to the socket. Modes of files in the mounts never meet it: they are rows.
  ::umask(S_IWGRP | S_IWOTH);
  raise_descriptor_limit();
  const bool rings = config_.fuse.io_uring != IoUringChoice::off && !service::has_holder() &&
                     config_.core.integrity.checksums != Checksums::at_open;
  confine(Part::daemon, rings ? RingUse::possible : RingUse::none);
  REPRIEVE_TRY(inherited_, service::inherit());
  // All that can be wrong without a store, before one is made.
  REPRIEVE_TRY_VOID(check_surroundings(config_, inherited_));
  REPRIEVE_TRY(const control::ServerOptions socket, socket_options());
  const std::filesystem::path& store = config_.core.store.path;
  spdlog::info("reprieved {} opens the store {}", REPRIEVE_VERSION, store.string());
  invalidator_ = std::make_unique<fs::Invalidator>();
  REPRIEVE_TRY(files_, FileSystem::open(config_.core, clock_, inherited_.opens()));
  files_->on_background_failure(&log_background_failure);
  if (const std::size_t nameless = files_->nameless_blobs(); nameless != 0) {
    spdlog::warn(
        "files whose names a power cut took, or that are newer than metadata.db: {}, kept; reprievectl check"
        " --repair puts them into lost+found",
        nameless);
  }
  files_->set_change_listener(invalidator_.get());
  integrity_log_ = std::make_unique<IntegrityLog>();
  files_->set_integrity_listener(integrity_log_.get());
  REPRIEVE_TRY(mounts_, Mounts::make(*files_, *invalidator_));
  // The socket first, which can be refused without having mounted anything; it is served last.
  REPRIEVE_TRY_VOID(listen(socket));
  REPRIEVE_TRY_VOID(mount_all());
  REPRIEVE_TRY_VOID(server_->start());
  REPRIEVE_TRY_VOID(files_->backups().start(&log_backup));
  files_->history().configured({.uid = ::geteuid()}, "the daemon has started");
  service::ready(summary());
  spdlog::info("ready");
  if (goes_on_) announce_late_changes();
  return {};
}

Result<control::ServerOptions> App::socket_options() {
  control::ServerOptions options;
  options.version = REPRIEVE_VERSION;
  REPRIEVE_TRY(options.group, socket_group(config_.control.group));
  if (config_.control.everyone) options.mode = 0666;
  if (inherited_.socket) return options;
  REPRIEVE_TRY(options.socket, socket_path(config_.control.socket));
  if (inherited_.own_socket && service::file_of_socket(inherited_.own_socket->get()) != options.socket) {
    service::remove_socket_file(inherited_.own_socket->get());
    inherited_.own_socket.reset();
  }
  if (!inherited_.own_socket) REPRIEVE_TRY_VOID(control::ListeningSocket::check(options.socket));
  return options;
}

Result<void> App::listen(control::ServerOptions options) {
  auto& inherited = inherited_.socket ? inherited_.socket : inherited_.own_socket;
  if (inherited) options.inherited = inherited->release();
  REPRIEVE_TRY(server_, control::Server::listen(*files_, *mounts_, options, *spdlog::default_logger()));
  if (!inherited_.socket) service::hold(service::kSocketName, server_->descriptor());
  spdlog::info("listening on {}", inherited_.socket ? "the socket of the service manager" : options.socket.string());
  return {};
}

Result<void> App::mount_all() {
  for (const fs::Inherited& mount : inherited_.mounts) mounts_->skip(mount.record->identity().mount);
  for (const MountSettings& mount : config_.mounts) REPRIEVE_TRY_VOID(mount_one(mount));
  // The configuration names them no more.
  for (const fs::Inherited& mount : inherited_.mounts) service::let_go(mount.record->identity().mount);
  service::abandon(std::exchange(inherited_.mounts, {}));
  files_->held_reopened();
  return {};
}

Result<void> App::mount_one(const MountSettings& mount) {
  if (auto inherited = inherited_.take(mount.account, mount.path)) {
    const auto resumed = mounts_->resume(mount, config_, *std::move(inherited));
    if (resumed) {
      goes_on_ = true;
      spdlog::info("{} on {}: goes on where the daemon before this one ended", mount.account, mount.path.string());
      return {};
    }
    spdlog::error("{} is mounted anew: {}", mount.path.string(), reason_of(resumed.error()));
  }
  return mounts_->mount(mount, config_);
}

// The daemon before this one may have been killed between a change and its announcement. Names are asked for again in
// any case; this is for what is open. Not for new mounts: the kernel throws attributes away that it had asked for when
// it is told that they are stale (fuse_change_attributes, fs/fuse/inode.c), and of a new root it has no others.
void App::announce_late_changes() {
  const auto looked = files_->each_changed_lately([this](InodeId inode) {
    invalidator_->changed({.through = {}, .seen = {{inode, std::nullopt}}, .aftermath = {}});
  });
  if (!looked) spdlog::warn("attributes may be out of date: {}", reason_of(looked.error()));
}

App::End App::serve() {
  const auto watchdog = service::watchdog_interval();
  const int timeout = watchdog ? static_cast<int>(watchdog->count()) : -1;
  for (;;) {
    std::array<pollfd, 2> events{pollfd{signals_.get(), POLLIN, 0}, pollfd{mounts_->unmounted_descriptor(), POLLIN, 0}};
    const int count = ::poll(events.data(), events.size(), timeout);
    if (watchdog) feed_watchdog();
    if (count <= 0) continue;
    std::optional<End> end;
    if (events[0].revents != 0) end = handle_signal();
    if (!end && events[1].revents != 0) end = handle_unmounted();
    if (end) return *end;
  }
}

ExitCode App::stop(End end) {
  service::stopping();
  if (files_) files_->interrupt_check();
  if (server_) end == End::leave ? server_->leave() : server_->stop();
  if (mounts_) end == End::leave ? mounts_->leave() : mounts_->stop();
  if (end == End::stop) service::let_go(service::kSocketName);
  ExitCode code = ExitCode::done;
  if (files_) {
    files_->set_change_listener(nullptr);
    // Programs wait for a next daemon, which brings the records up to date as well.
    if (const auto recorded = end == End::stop ? files_->backups().record() : Result<void>(); !recorded)
      spdlog::warn("the records beside the blobs are not up to date: {}", reason_of(recorded.error()));
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

std::optional<App::End> App::handle_signal() {
  signalfd_siginfo signal{};
  if (::read(signals_.get(), &signal, sizeof signal) != static_cast<ssize_t>(sizeof signal)) return std::nullopt;
  switch (static_cast<int>(signal.ssi_signo)) {
    case SIGHUP: reload(); return std::nullopt;
    case SIGUSR1:
      if (service::has_holder()) return prepare_to_leave();
      spdlog::warn("SIGUSR1: nobody holds the mounts, so that they would end with this process");
      return std::nullopt;
    case SIGINT: spdlog::info("stopping on SIGINT"); return End::stop;
    default: break;
  }
  const bool restarts = service::has_holder() && service::restart_is_queued();
  spdlog::info("stopping on SIGTERM{}", restarts ? ", to be started again" : "");
  return restarts ? End::leave : End::stop;
}

// The next daemon refuses a configuration with errors, and the mounts would end with it.
std::optional<App::End> App::prepare_to_leave() {
  if (const auto loaded = load_config(line_); !loaded) {
    spdlog::error("SIGUSR1: no other daemon could go on with this configuration:");
    log_lines(spdlog::level::err, std::string(reason_of(loaded.error())));
    return std::nullopt;
  }
  return End::leave;
}

std::optional<App::End> App::handle_unmounted() {
  mounts_->reap();
  if (mounts_->size() == 0) {
    spdlog::info("stopping: the last mount is gone");
    return End::stop;
  }
  service::status(summary());
  return std::nullopt;
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
    files_->history().configured({.uid = ::geteuid()}, "refused and left as it was");
  } else {
    std::string outcome = "read again";
    for (const std::string& key : changed_keys(config_, *loaded)) {
      outcome += (outcome == "read again" ? ": " : ", ") + key;
      if (key == "log.level") {
        config_.log_level = loaded->log_level;
        set_log_level(config_.log_level);
        outcome += " changed";
        spdlog::info("{} changed", key);
      } else {
        outcome += " needs a restart";
        spdlog::warn("{} changed in the configuration: needs a restart", key);
      }
    }
    files_->history().configured({.uid = ::geteuid()}, outcome);
    spdlog::info("configuration read");
  }
  service::ready(summary());
}

std::string App::summary() {
  const std::size_t count = mounts_->size();
  return fmt::format("Serving {} mount{} of {}", count, count == 1 ? "" : "s", config_.core.store.path.string());
}

}  // namespace reprieve
