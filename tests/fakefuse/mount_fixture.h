// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "core/file_system.h"
#include "fs/session.h"
#include "tests/fakefuse/fake_kernel.h"
#include "tests/support/temporary_directory.h"

namespace reprieve::test {

// A store with one account, and a session for it whose kernel is the test.
class FakeMount : public ::testing::Test {
 protected:
  static constexpr std::uint64_t kRoot = FUSE_ROOT_ID;

  FakeMount();
  ~FakeMount() override;

  // Starts the session. Further ones are made with another id and kernel.
  std::unique_ptr<fs::Session> attach(MountId id, FakeKernel& kernel, fs::PassthroughMode passthrough);
  void start(fs::PassthroughMode passthrough = fs::PassthroughMode::automatic);
  // start() and the exchange of INIT.
  void start_ready();

  std::uint64_t node(InodeId inode) const { return static_cast<std::uint64_t>(inode.number()); }
  // Shorthands for requests that succeed.
  std::uint64_t make_directory(std::uint64_t parent, const std::string& called);
  fs::kernel::CreateOut create_file(std::uint64_t parent, const std::string& called, std::uint32_t mode = 0644);
  Answer lookup(std::uint64_t parent, const std::string& called) {
    return kernel_.call(FUSE_LOOKUP, parent, name(called));
  }
  void release(const fs::kernel::CreateOut& file);

  TemporaryDirectory directory_;
  KernelClock clock_;
  std::unique_ptr<FileSystem> file_system_;
  Account account_;
  fs::Invalidator invalidator_;
  FakeKernel kernel_;
  std::unique_ptr<fs::Session> session_;
};

}  // namespace reprieve::test
