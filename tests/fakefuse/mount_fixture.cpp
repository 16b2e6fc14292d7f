// SPDX-License-Identifier: Apache-2.0
#include "tests/fakefuse/mount_fixture.h"

#include <stdexcept>

namespace reprieve::test {
namespace {

template <typename T>
T must(Result<T> result) {
  if (!result) throw std::runtime_error(std::string(reason_of(result.error())));
  return std::move(*result);
}

void must_do(const Result<void>& result) {
  if (!result) throw std::runtime_error(std::string(reason_of(result.error())));
}

}  // namespace

FakeMount::FakeMount() {
  Settings settings;
  settings.store.path = directory_.path() / "store";
  file_system_ = must(FileSystem::open(settings, clock_));
  account_ = must(file_system_->accounts().ensure("tester", 0, 0));
  file_system_->set_change_listener(&invalidator_);
}

FakeMount::~FakeMount() {
  if (session_) session_->stop();
  file_system_->set_change_listener(nullptr);
}

std::unique_ptr<fs::Session> FakeMount::attach(MountId id, FakeKernel& kernel, fs::PassthroughMode passthrough) {
  fs::MountOptions options;
  options.mountpoint = "/fake";
  options.passthrough = passthrough;
  options.threads = 4;
  return must(fs::Session::attach(*file_system_, account_, id, options, invalidator_, kernel.other_end()));
}

void FakeMount::start(fs::PassthroughMode passthrough) {
  session_ = attach(MountId(1), kernel_, passthrough);
  must_do(session_->start());
}

void FakeMount::start_ready() {
  start();
  kernel_.init();
  if (const auto ready = session_->wait_ready(); !ready) {
    throw std::runtime_error(std::string(reason_of(ready.error())));
  }
}

std::uint64_t FakeMount::make_directory(std::uint64_t parent, const std::string& called) {
  const Answer made = kernel_.call(FUSE_MKDIR, parent, wire(fuse_mkdir_in{.mode = 0755, .umask = 0}) + name(called));
  EXPECT_EQ(made.error, 0) << called;
  return made.as<fuse_entry_out>().nodeid;
}

fs::kernel::CreateOut FakeMount::create_file(std::uint64_t parent, const std::string& called, std::uint32_t mode) {
  const fuse_create_in request{.flags = 2 /* O_RDWR */, .mode = mode, .umask = 0, .open_flags = 0};
  const Answer made = kernel_.call(FUSE_CREATE, parent, wire(request) + name(called));
  EXPECT_EQ(made.error, 0) << called;
  return made.as<fs::kernel::CreateOut>();
}

void FakeMount::release(const fs::kernel::CreateOut& file) {
  fuse_release_in request{};
  request.fh = file.open.handle;
  EXPECT_EQ(kernel_.call(FUSE_RELEASE, file.entry.nodeid, wire(request)).error, 0);
}

}  // namespace reprieve::test
