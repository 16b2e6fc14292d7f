// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "core/base/clock.h"
#include "core/file_system.h"
#include "daemon/command_line.h"
#include "daemon/config.h"
#include "daemon/control/server.h"
#include "daemon/exit_codes.h"
#include "daemon/inheritance.h"
#include "daemon/mounts.h"
#include "fs/invalidator.h"

namespace reprieve {

// Whether what the configuration names is there: the group, and mount points that can be ones, unless they are mounted
// already as `inherited` says: those would have to answer. Errors: invalid_argument, whose reason has one line a
// problem.
Result<void> check_surroundings(const Config& config, const service::Inheritance& inherited = {});

// The daemon: puts store, mounts and control socket together, serves until it is told to stop, and takes them apart in
// the order that loses nothing. One object a process; run() is called once, by the main thread.
class App {
 public:
  App(CommandLine line, Config config);
  ~App();

  // Logs what is wrong; the exit code.
  ExitCode run();

 private:
  Result<void> start();
  // How the daemon ends.
  enum class End : std::uint8_t {
    stop,   // with everything unmounted
    leave,  // so that another goes on with the mounts
  };
  End serve();
  // Safe after a start that failed half-way.
  ExitCode stop(End end);

  Result<control::ServerOptions> socket_options();
  Result<void> listen(control::ServerOptions options);
  Result<void> mount_all();
  Result<void> mount_one(const MountSettings& mount);
  void announce_late_changes();
  // None: go on.
  [[nodiscard]] std::optional<End> handle_signal();
  [[nodiscard]] std::optional<End> prepare_to_leave();
  [[nodiscard]] std::optional<End> handle_unmounted();
  void feed_watchdog();
  void reload();
  [[nodiscard]] std::string summary();

  CommandLine line_;
  Config config_;
  KernelClock clock_;
  FileDescriptor signals_;
  bool goes_on_ = false;            // with a mount of the daemon before this one
  service::Inheritance inherited_;  // until the mounts and the server have it
  std::unique_ptr<IntegrityListener> integrity_log_;
  std::unique_ptr<FileSystem> files_;
  std::unique_ptr<fs::Invalidator> invalidator_;
  std::unique_ptr<Mounts> mounts_;
  std::unique_ptr<control::Server> server_;
};

}  // namespace reprieve
