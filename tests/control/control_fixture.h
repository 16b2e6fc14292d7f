// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/file_system.h"
#include "daemon/control/server.h"
#include "tests/control/raw_client.h"
#include "tests/support/command.h"
#include "tests/support/temporary_directory.h"

namespace spdlog {
class logger;
}

namespace reprieve::test {

// Mounts that nobody mounted: the control socket only reads their paths.
class ListedMounts final : public control::MountTable {
 public:
  std::vector<control::MountInfo> mounts() override { return list; }
  std::vector<control::MountInfo> list;  // set before the server starts
};

// A real store with the account "lab" of root, and a real server on a socket that every user may connect to. Tests
// change `options_` and `mounts_` before start().
class ControlTest : public ::testing::Test {
 protected:
  ControlTest();
  ~ControlTest() override;

  void start();
  [[nodiscard]] const std::filesystem::path& socket() const { return options_.socket; }

  // Trees below the root of an account, made through core. Folders on the way are made too.
  void make_file(const std::string& path, std::string_view content = "x");
  void make_folder(const std::string& path);
  void make_file(const Account& account, const std::string& path, std::string_view content);
  [[nodiscard]] bool exists(const std::string& path);
  // Makes the file and trashes it through core. Its id.
  std::int64_t trashed_file(const std::string& path, std::string_view content = "x");
  std::int64_t trash(const std::string& path);
  [[nodiscard]] std::size_t trash_count();

  // One request on a connection of its own.
  RawResponse ask(std::string_view method, std::string_view target, std::string_view body = {});
  // reprievectl on the server's socket, without a terminal.
  CommandResult ctl(std::vector<std::string> arguments, CommandOptions options = {});

  TemporaryDirectory directory_;
  KernelClock clock_;
  std::unique_ptr<FileSystem> files_;
  Account lab_;
  ListedMounts mounts_;
  control::ServerOptions options_;
  std::shared_ptr<spdlog::logger> logger_;
  std::unique_ptr<control::Server> server_;

 private:
  InodeId make_parents(const Account& account, const std::string& path, std::string& name);
};

}  // namespace reprieve::test
