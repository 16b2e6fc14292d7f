// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <boost/json/value.hpp>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/daemon_process.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/tree_snapshot.h"

namespace reprieve::test {

// A trash item as `reprievectl list --json` prints it.
struct ListedItem {
  std::int64_t id = 0;
  std::string name;
  std::string kind;
  std::string origin;
  std::string account;
  std::string session;
  std::string deleted_at;
  std::int64_t deleted_by_uid = -1;
  std::int64_t files = -1;
  std::int64_t folders = -1;
  std::int64_t bytes = -1;
  std::int64_t exclusive_bytes = -1;
};

// The answer of the control socket to one request.
struct HttpAnswer {
  int status = 0;
  boost::json::value body;
  std::string text;
};

// Starts a daemon for each test, and at the end expects it to be alive and to stop cleanly. The account is "lab", its
// mount has an empty project "P" and an empty run "R".
class MountTest : public ::testing::Test {
 protected:
  void SetUp() override;
  void TearDown() override;
  virtual DaemonOptions options() const { return {}; }

  [[nodiscard]] std::filesystem::path mount() const { return daemon_->mount(); }
  [[nodiscard]] std::filesystem::path project() const { return mount() / "projects/P"; }
  [[nodiscard]] std::filesystem::path run_folder() const { return mount() / "runs/R"; }
  [[nodiscard]] std::filesystem::path trash() const { return mount() / ".trash"; }

  // Sorted.
  [[nodiscard]] std::vector<std::string> names_in(const std::filesystem::path& directory) const;
  [[nodiscard]] std::vector<std::string> trash_names() const { return names_in(trash()); }
  // Through reprievectl, oldest first.
  [[nodiscard]] std::vector<ListedItem> items(std::vector<std::string> filters = {}) const;
  // The only item of that name; fails the test when there is none.
  [[nodiscard]] ListedItem item(const std::string& name) const;
  [[nodiscard]] std::string id_of(const std::string& name) const { return std::to_string(item(name).id); }
  // With a JSON body unless that is empty.
  [[nodiscard]] HttpAnswer http(const std::string& method, const std::string& resource,
                                const std::string& body = {}) const;
  // reprievectl, expected to exit with `code`.
  CommandResult ctl(const std::vector<std::string>& arguments, int code = 0) const;
  // A command, expected to succeed.
  CommandResult succeed(const std::vector<std::string>& arguments) const;

  TemporaryDirectory directory_;
  std::unique_ptr<DaemonProcess> daemon_;
};

// The errno of a call that failed, 0 of one that did not.
[[nodiscard]] int errno_of(std::int64_t result);

// A tree with everything that a tree can have: nested folders, hard links, symbolic links, xattrs, holes, odd names,
// read-only files and folders, set-id bits, other owners, old times.
void make_rich_tree(const std::filesystem::path& top);

}  // namespace reprieve::test
