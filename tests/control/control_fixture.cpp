// SPDX-License-Identifier: Apache-2.0
#include "tests/control/control_fixture.h"

#include <fcntl.h>
#include <spdlog/sinks/null_sink.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/store_invariants.h"

namespace reprieve::test {
namespace {

const Caller kRoot{.uid = 0, .gid = 0, .thread = ::getpid(), .mount = {}};

}  // namespace

ControlTest::ControlTest() {
  Settings settings;
  settings.store.path = directory_.path() / "store";
  auto files = FileSystem::open(settings, clock_);
  if (!files) throw std::runtime_error(std::string(reason_of(files.error())));
  files_ = *std::move(files);
  lab_ = files_->accounts().ensure("lab", 0, 0).value();
  options_.socket = directory_.path() / "control.sock";
  options_.mode = 0666;
  options_.version = "9.8.7";
  logger_ = std::make_shared<spdlog::logger>("test", std::make_shared<spdlog::sinks::null_sink_mt>());
}

ControlTest::~ControlTest() {
  if (server_) server_->stop();
  server_.reset();
  files_.reset();
  EXPECT_EQ(broken_invariants(directory_.path() / "store"), "");
}

void ControlTest::start() {
  auto server = control::Server::listen(*files_, mounts_, options_, *logger_);
  ASSERT_TRUE(server) << reason_of(server.error());
  server_ = *std::move(server);
  ASSERT_TRUE(server_->start());
}

InodeId ControlTest::make_parents(const Account& account, const std::string& path, std::string& name) {
  InodeId parent = account.root;
  std::size_t from = 0;
  for (std::size_t slash = path.find('/'); slash != std::string::npos; slash = path.find('/', from)) {
    const EntryName component = EntryName::parse(path.substr(from, slash - from)).value();
    auto found = files_->names().lookup(account, parent, component);
    if (!found) {
      const NewNode node{.mode = S_IFDIR | 0755, .device = 0, .symlink_target = {}};
      found = files_->names().create(account, parent, component, node, kRoot);
    }
    parent = found.value().inode;
    from = slash + 1;
  }
  name = path.substr(from);
  return parent;
}

void ControlTest::make_file(const Account& account, const std::string& path, std::string_view content) {
  std::string name;
  const InodeId parent = make_parents(account, path, name);
  auto made = files_->content().create(account, parent, EntryName::parse(name).value(), S_IFREG | 0644, O_RDWR, kRoot);
  ASSERT_TRUE(made) << path << ": " << reason_of(made.error());
  ASSERT_EQ(::pwrite(made->file.descriptor(), content.data(), content.size(), 0), static_cast<ssize_t>(content.size()));
}

void ControlTest::make_file(const std::string& path, std::string_view content) { make_file(lab_, path, content); }

void ControlTest::make_folder(const std::string& path) {
  std::string name;
  make_parents(lab_, path + "/", name);
}

bool ControlTest::exists(const std::string& path) { return files_->names().resolve(lab_, path).has_value(); }

std::int64_t ControlTest::trash(const std::string& path) {
  const auto outcomes = files_->trash().trash_paths(lab_, {path}, kRoot);
  EXPECT_EQ(outcomes.at(0).state, BatchState::done) << path << ": " << outcomes[0].reason;
  return outcomes[0].id.number();
}

std::int64_t ControlTest::trashed_file(const std::string& path, std::string_view content) {
  make_file(path, content);
  return trash(path);
}

std::size_t ControlTest::trash_count() { return files_->trash().select(lab_, {}, {}).value().size(); }

RawResponse ControlTest::ask(std::string_view method, std::string_view target, std::string_view body) {
  return RawClient(socket()).ask(method, target, body);
}

CommandResult ControlTest::ctl(std::vector<std::string> arguments, CommandOptions options) {
  arguments.insert(arguments.begin(), {REPRIEVECTL, "--socket", socket().native()});
  return run(arguments, std::move(options));
}

}  // namespace reprieve::test
