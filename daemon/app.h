// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "core/base/clock.h"
#include "core/file_system.h"
#include "daemon/command_line.h"
#include "daemon/config.h"
#include "daemon/control/server.h"
#include "daemon/exit_codes.h"
#include "daemon/mounts.h"
#include "fs/invalidator.h"

namespace reprieve {

// Whether what the configuration names is there: the group, and mount points that can be ones. Errors:
// invalid_argument, whose reason has one line a problem.
Result<void> check_surroundings(const Config& config);

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
  void serve();
  // Safe after a start that failed half-way.
  ExitCode stop();

  Result<control::ServerOptions> socket_options();
  Result<void> listen(control::ServerOptions options);
  Result<void> mount_all();
  // False: time to stop.
  [[nodiscard]] bool handle_signal();
  [[nodiscard]] bool handle_unmounted();
  void feed_watchdog();
  void reload();
  [[nodiscard]] std::string summary();

  CommandLine line_;
  Config config_;
  KernelClock clock_;
  FileDescriptor signals_;
  std::optional<FileDescriptor> inherited_;  // the service manager's socket, until the server has it
  std::unique_ptr<FileSystem> files_;
  std::unique_ptr<fs::Invalidator> invalidator_;
  std::unique_ptr<Mounts> mounts_;
  std::unique_ptr<control::Server> server_;
};

}  // namespace reprieve
