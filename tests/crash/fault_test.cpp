// SPDX-License-Identifier: Apache-2.0
// Every operation of core under every fault, at each of its calls: the fault is reported, nothing is half done, and the
// next operation works.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <random>
#include <regex>
#include <set>
#include <sstream>
#include <thread>

#include "tests/crash/core_operations.h"
#include "tests/crash/faults.h"
#include "tests/crash/store_view.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/wait.h"

namespace reprieve::test {
namespace {

using ::testing::IsEmpty;
using ::testing::Not;

void use_memory() {
  if (std::filesystem::exists("/dev/shm") && std::getenv("TMPDIR") == nullptr) ::setenv("TMPDIR", "/dev/shm", 1);
}

// A file without a name waits there as long as it is open.
void wait_for_purger(Bench& bench) {
  const std::uint64_t kept = bench.unnamed ? 1 : 0;
  if (!wait_until([&] { return must(bench.core().figures()).purge_queue <= kept; }))
    throw std::runtime_error("the purge does not end");
}

// The trials of one operation. Each finds a store in the same state.
class Trials {
 public:
  Trials(const std::filesystem::path& directory, const CoreOperation& operation)
      : template_(directory / "template"), store_(directory / "store"), operation_(operation) {
    open();
    before_ = view_of(bench_->core());
    before_repeatable_ = view_of(bench_->core(), Exactness::repeatable);
    const std::string failed = operation_.run(*bench_);
    if (!failed.empty()) report("without any fault", failed);
    after_ = look(Exactness::repeatable);
    close("without any fault");
  }

  // Under one fault, at each call that can fail so.
  void run(const Fault& fault, const char* forgotten_statement = nullptr) {
    open();
    for (std::size_t point = 0; wrong_.empty(); ++point) {
      const std::string where = std::string(fault.name) + " at call " + std::to_string(point);
      faults_->forgotten_statement = forgotten_statement;
      faults_->arm(fault, point);
      std::string failed;
      try {
        failed = operation_.run(*bench_);
      } catch (const std::exception& failure) {
        failed = thrown_by_preparation(failure.what());
      }
      faults_->disarm();
      const bool reached = faults_->has_failed();
      if (reached) ++points_;
      judge(fault, where, failed, reached);
      if (!reached) break;
    }
    close(std::string(fault.name));
  }

  // Somebody else works with the store while the operation is in the middle of a call: at each so many-th, in another
  // run at others.
  void run_beside(std::size_t every) {
    for (std::size_t point = std::random_device()() % every; wrong_.empty(); point += every) {
      open();
      const std::string where = "beside another, at call " + std::to_string(point);
      std::thread other;
      std::atomic<bool> is_done{false};
      std::string others;
      faults_->at_call(point, [&] {
        other = std::thread([&] {
          others = work_beside();
          is_done = true;
        });
        // Where it needs what this one holds it goes on afterwards.
        static_cast<void>(wait_until([&] { return is_done.load(); }, std::chrono::milliseconds(5)));
      });
      const std::string failed = operation_.run(*bench_);
      faults_->at_call(0, {});
      const bool reached = other.joinable();
      if (reached) other.join();
      if (!failed.empty() || !others.empty()) report(where, "fails: " + failed + ", " + others);
      wait_for_purger(*bench_);
      close(where);
      if (!reached) break;
      ++points_;
    }
  }

  // The process is killed before each call that changes a file.
  void kill() {
    const std::filesystem::path copy = store_.parent_path() / "killed";
    for (std::size_t point = 0; wrong_.empty(); ++point) {
      open();
      bool reached = false;
      faults_->at_change(point, [&] {
        reached = true;
        std::filesystem::copy(store_, copy, std::filesystem::copy_options::recursive);
      });
      operation_.run(*bench_);
      faults_->at_change(0, {});
      close("killed");
      if (!reached) break;
      ++points_;
      inspect_killed(copy, "killed before change " + std::to_string(point));
      remove_tree(copy);
    }
  }

  [[nodiscard]] const std::string& wrong() const { return wrong_; }
  [[nodiscard]] std::size_t points() const { return points_; }

 private:
  void open() {
    if (bench_) return;
    remove_tree(store_);
    std::filesystem::copy(template_, store_, std::filesystem::copy_options::recursive);
    faults_ = std::make_unique<FaultPoints>(store_, FaultPoints::Threads::this_one);
    bench_ = std::make_unique<Bench>(store_);
    operation_.prepare(*bench_);
    wait_for_purger(*bench_);
  }

  void close(const std::string& where) {
    if (!bench_) return;
    faults_->forgotten_statement = nullptr;
    bench_.reset();
    faults_.reset();
    std::string broken = broken_rules(store_);
    // What could not even be tidied up is there for the next start.
    if (!broken.empty()) broken = broken_rules_after_start();
    if (!broken.empty()) report(where, broken);
  }

  std::string broken_rules_after_start() {
    Volume(Settings{.store = {.path = store_}}).close();
    return broken_rules(store_);
  }

  StoreView look(Exactness exactness) {
    wait_for_purger(*bench_);
    return view_of(bench_->core(), exactness);
  }

  // Of another process, and nothing that any operation of the table touches.
  std::string work_beside() {
    const Caller caller{.uid = 1000, .gid = 1000, .thread = 70};
    Namespace& names = bench_->core().names();
    const EntryName name = EntryName::literal("beside");
    const auto made = names.create(bench_->lab(), bench_->lab().projects, name, {.mode = S_IFDIR | 0755}, caller);
    if (!made) return std::string(code_name(made.error().code));
    const auto file =
        bench_->core().content().create(bench_->lab(), made->inode, EntryName::literal("f"), 0644, O_RDWR, caller, 0);
    if (!file) return std::string(code_name(file.error().code));
    const auto trashed = bench_->core().trash().trash_paths(bench_->lab(), {"projects/beside"}, caller);
    return trashed.at(0).state == BatchState::done ? std::string() : trashed.at(0).code;
  }

  // Operations find inodes by paths, which throws where it fails.
  static std::string thrown_by_preparation(const std::string& what) { return what.substr(0, what.find(':')); }

  void judge(const Fault& fault, const std::string& where, const std::string& failed, bool reached) {
    try {
      if (failed.empty()) {
        const auto view = look(Exactness::repeatable);
        if (view != after_) report(where + ", done", differences(after_, view));
        return reopen(where);
      }
      if (!reached) return report(where, "fails after a fault was over: " + failed);
      if (!fault.answers.contains(failed)) report(where, "is reported as " + failed);
      if (look(Exactness::exact) == before_) return;
      // Carried out, though something went wrong afterwards.
      const auto view = look(Exactness::repeatable);
      if (view != after_)
        report(where + ", reported as " + failed, "beside what was:\n" + differences(before_repeatable_, view) +
                                                      "beside what was to be:\n" + differences(after_, view));
      reopen(where);
    } catch (const std::exception& failure) {
      report(where + ", the next operation", failure.what());
    }
  }

  void reopen(const std::string& where) {
    close(where);
    open();
  }

  void inspect_killed(const std::filesystem::path& copy, const std::string& where) {
    {
      Bench bench(copy);
      wait_for_purger(bench);
      const auto view = view_of(bench.core(), Exactness::repeatable);
      if (view != before_repeatable_ && view != after_)
        report(where, "beside what was:\n" + differences(before_repeatable_, view) + "beside what was to be:\n" +
                          differences(after_, view));
    }
    const std::string broken = broken_rules(copy);
    if (!broken.empty()) report(where, broken);
  }

  void report(const std::string& where, const std::string& what) {
    wrong_ += std::string(operation_.name) + ", " + where + ": " + what + "\n";
  }

  const std::filesystem::path template_, store_;
  const CoreOperation& operation_;
  std::unique_ptr<Bench> bench_;
  std::unique_ptr<FaultPoints> faults_;
  StoreView before_, before_repeatable_, after_;
  std::string wrong_;
  std::size_t points_ = 0;
};

// Parameters: which part of the operations, so that parts run beside each other.
class FaultMatrix : public ::testing::TestWithParam<std::size_t> {
 protected:
  static constexpr std::size_t kParts = 6;
  FaultMatrix() {
    use_memory();
    directory_ = std::make_unique<TemporaryDirectory>();
    Bench::make(directory_->path() / "template");
  }

  template <typename Body>
  void for_operations(Body body) {
    const char* only = std::getenv("REPRIEVE_FAULT_OPERATION");
    const auto operations = core_operations();
    std::size_t points = 0;
    for (std::size_t i = GetParam(); i < operations.size(); i += kParts) {
      if (only != nullptr && operations[i].name != only) continue;
      Trials trials(directory_->path(), operations[i]);
      body(trials);
      points += trials.points();
      std::cout << operations[i].name << ": " << trials.points() << std::endl;
      EXPECT_EQ(trials.wrong(), "");
    }
    std::cout << points << " faults" << std::endl;
  }

  std::unique_ptr<TemporaryDirectory> directory_;
};

TEST_P(FaultMatrix, EveryFaultIsReportedAndNothingIsHalfDone) {
  for_operations([](Trials& trials) {
    for (const Fault& fault : all_faults()) trials.run(fault);
  });
}

TEST_P(FaultMatrix, AKilledProcessLeavesWhatWasOrWhatWasToBe) {
  for_operations([](Trials& trials) { trials.kill(); });
}

TEST_P(FaultMatrix, WhatHappensInTheMiddleOfACallHarmsNobody) {
  for_operations([](Trials& trials) { trials.run_beside(10); });
}

INSTANTIATE_TEST_SUITE_P(Part, FaultMatrix, ::testing::Range(std::size_t{0}, std::size_t{6}));

// The search finds a transaction that is not rolled back.
TEST(PlantedDefect, ALostRollbackIsFound) {
  use_memory();
  const TemporaryDirectory directory;
  Bench::make(directory.path() / "template");
  const auto operations = core_operations();
  const auto mkdir = std::ranges::find(operations, "mkdir", &CoreOperation::name);
  ASSERT_NE(mkdir, operations.end());
  Trials trials(directory.path(), *mkdir);
  const auto fault = std::ranges::find(all_faults(), "SQLITE_IOERR", &Fault::name);
  trials.run(*fault, "ROLLBACK");
  EXPECT_THAT(trials.wrong(), Not(IsEmpty()));
  std::cout << trials.wrong() << std::endl;
}

std::string source(const char* file) {
  std::ifstream stream(std::filesystem::path(REPRIEVE_SOURCE_DIR) / file);
  return {std::istreambuf_iterator<char>(stream), {}};
}

std::set<std::string> matches(const std::string& text, const std::string& pattern) {
  std::set<std::string> found;
  const std::regex expression(pattern);
  for (std::sregex_iterator match(text.begin(), text.end(), expression), end; match != end; ++match)
    found.insert((*match)[1]);
  return found;
}

// Whoever adds an operation of FUSE or of the socket adds what it asks core for.
TEST(FaultPoints, EveryOperationIsInTheTable) {
  std::set<std::string> served;
  for (const CoreOperation& operation : core_operations()) {
    std::istringstream words{std::string(operation.serves)};
    for (std::string word; words >> word;) served.insert(word);
  }
  // They ask core for nothing.
  served.insert({"forget", "forget_multi", "ioctl", "opendir", "ping", "show_version", "list_mounts", "show_check"});
  std::set<std::string> offered = matches(source("fs/operations.cpp"), "serve<\"(\\w+)\"");
  offered.merge(matches(source("daemon/control/routes.cpp"), "Route\\{k\\w+, [^&]*&(\\w+)"));
  ASSERT_THAT(offered, ::testing::IsSupersetOf({"mkdir", "rename", "trash_paths", "share_item"}));
  for (const std::string& operation : offered)
    EXPECT_TRUE(served.contains(operation)) << operation << " is not in tests/crash/core_operations.cpp";
}

}  // namespace
}  // namespace reprieve::test
