// SPDX-License-Identifier: Apache-2.0
// kill -9 at random moments: every operation that was acknowledged is there afterwards, and the one that was not is
// there as a whole or not at all.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <optional>
#include <sstream>

#include "tests/mount/crash_model.h"
#include "tests/mount/mount_test.h"
#include "tests/support/wait.h"

namespace reprieve::test {
namespace {

constexpr int kRounds = 12;

// A process that works in a folder of its own until the mount dies under it. Before each operation it writes it down,
// after it the answer, in a file outside.
class Worker {
 public:
  Worker(const std::filesystem::path& mount, std::filesystem::path journal, const std::string& prefix)
      : top_(mount / "projects/P" / prefix),
        trash_(mount / ".trash"),
        journal_(std::move(journal)),
        prefix_(prefix),
        model_(prefix) {}

  [[nodiscard]] const std::filesystem::path& top() const { return top_; }

  void start(unsigned seed) {
    std::filesystem::remove(journal_);
    model_.begin_session();
    const pid_t parent = ::getpid();
    pid_ = ::fork();
    if (pid_ != 0) return;
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(1);
    work(seed);
  }

  [[nodiscard]] std::size_t acknowledged() const {
    std::size_t lines = 0;
    std::ifstream file(journal_);
    for (std::string line; std::getline(file, line);) lines += line == "0" ? 1 : 0;
    return lines;
  }

  void join() {
    if (pid_ > 0) ::waitpid(pid_, nullptr, 0);
    pid_ = -1;
  }

  // Brings the model up to what the journal says and compares. The last operation may or may not have been done.
  void check() {
    std::ifstream file(journal_);
    std::string line, answer;
    std::optional<CrashOperation> open;
    while (std::getline(file, line)) {
      const auto operation = CrashOperation::parse(line);
      ASSERT_TRUE(operation) << line;
      if (!std::getline(file, answer) || answer != "0") {
        open = operation;
        break;
      }
      model_.apply(*operation);
    }
    const auto actual = read_listing(top_, trash_, prefix_);
    if (actual == model_.listing()) return;
    if (open) {
      const CrashModel before = model_;
      model_.apply(*open);
      if (actual == model_.listing()) return;
      model_ = before;
    }
    FAIL() << compare(model_.listing(), actual)
           << "not acknowledged: " << (open ? open->to_text() + " -> " + answer : "nothing");
  }

 private:
  [[noreturn]] void work(unsigned seed) {
    std::mt19937 random(seed);
    const FileDescriptor journal(::open(journal_.c_str(), O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0600));
    for (;;) {
      const CrashOperation operation = model_.choose(random);
      ::dprintf(journal.get(), "%s\n", operation.to_text().c_str());
      const int answer = operation.run(top_, trash_);
      ::dprintf(journal.get(), "%d\n", answer);
      if (answer != 0) ::_exit(0);
      model_.apply(operation);
    }
  }

  static std::string compare(const std::map<std::string, std::string>& expected,
                             const std::map<std::string, std::string>& actual) {
    std::ostringstream text;
    for (const auto& [path, content] : expected) {
      const auto found = actual.find(path);
      if (found == actual.end()) text << "missing: " << path << " (" << content << ")\n";
      if (found != actual.end() && found->second != content)
        text << "differs: " << path << ": '" << content << "' became '" << found->second << "'\n";
    }
    for (const auto& [path, content] : actual) {
      if (!expected.contains(path)) text << "not expected: " << path << " (" << content << ")\n";
    }
    return text.str();
  }

  std::filesystem::path top_;
  std::filesystem::path trash_;
  std::filesystem::path journal_;
  std::string prefix_;
  CrashModel model_;
  pid_t pid_ = -1;
};

class Crash : public MountTest {};

TEST_F(Crash, KeepsEveryAcknowledgedOperation) {
  const unsigned seed = std::random_device()();
  RecordProperty("seed", std::to_string(seed));
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  std::vector<Worker> workers;
  for (const std::string prefix : {"a", "b"}) {
    workers.emplace_back(mount(), directory_.path() / ("journal-" + prefix), prefix);
    std::filesystem::create_directory(workers.back().top());
  }
  for (int round = 0; round < kRounds; ++round) {
    for (Worker& worker : workers) worker.start(static_cast<unsigned>(random()));
    const std::size_t moment = 1 + random() % (round % 3 == 0 ? 2000 : 100);
    ASSERT_TRUE(wait_until([&] { return workers[0].acknowledged() + workers[1].acknowledged() >= moment; }));
    daemon_->kill();
    for (Worker& worker : workers) worker.join();
    ASSERT_TRUE(daemon_->start()) << daemon_->log();
    for (Worker& worker : workers) worker.check();
    if (HasFatalFailure()) return;
  }
}

TEST_F(Crash, OfADaemonWithOpenFilesKeepsWhatWasWritten) {
  const FileDescriptor file(::open((project() / "f").c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0644));
  for (int i = 0; i < 100; ++i) ASSERT_EQ(::write(file.get(), "0123456789", 10), 10);
  daemon_->kill();
  ASSERT_TRUE(daemon_->start()) << daemon_->log();
  EXPECT_EQ(std::filesystem::file_size(project() / "f"), 1000U);
  write_file(project() / "f", "goes on");
  EXPECT_EQ(read_file(project() / "f"), "goes on");
}

TEST_F(Crash, LeavesADatabaseThatSqliteFindsSound) {
  if (!has_program("sqlite3")) GTEST_SKIP() << "sqlite3 is not installed";
  make_rich_tree(project() / "tree");
  ChildProcess rm({"rm", "-r", project() / "tree"});
  daemon_->kill();
  rm.finish();
  const std::filesystem::path copy = directory_.path() / "copy";
  std::filesystem::copy(daemon_->store(), copy, std::filesystem::copy_options::recursive);
  EXPECT_EQ(succeed({"sqlite3", copy / "metadata.db", "PRAGMA integrity_check; PRAGMA foreign_key_check;"}).out,
            "ok\n");
  ASSERT_TRUE(daemon_->start()) << daemon_->log();
}

TEST_F(Crash, OverADeadMountTheDaemonStartsAgain) {
  write_file(project() / "f", "f");
  daemon_->kill_only();
  ASSERT_TRUE(is_mount_point(mount()));
  ASSERT_TRUE(daemon_->start()) << daemon_->log();
  EXPECT_EQ(read_file(project() / "f"), "f");
}

}  // namespace
}  // namespace reprieve::test
