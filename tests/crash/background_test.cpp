// SPDX-License-Identifier: Apache-2.0
// Threads that work for nobody in particular meet faults: that is told, nothing is lost, and once the fault is over
// they do what they could not, without anything else having to happen.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <set>
#include <vector>

#include "tests/crash/core_operations.h"
#include "tests/crash/faults.h"
#include "tests/crash/store_view.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/wait.h"

namespace reprieve::test {
namespace {

using ::testing::Contains;
using ::testing::IsEmpty;

const Fault& fault(std::string_view name) { return *std::ranges::find(all_faults(), name, &Fault::name); }

// Never met: counts the calls that it could be met at.
Fault none_at(DiskCall call) { return {.name = "none", .at = {call}, .value = 0, .answers = {}}; }
constexpr std::size_t kNever = 1'000'000;

class Background : public ::testing::Test {
 protected:
  Background() {
    if (std::filesystem::exists("/dev/shm") && std::getenv("TMPDIR") == nullptr) ::setenv("TMPDIR", "/dev/shm", 1);
    directory_ = std::make_unique<TemporaryDirectory>();
    Bench::make(directory_->path() / "template");
    settings_.store.path = directory_->path() / "store";
    settings_.store.commit_interval = std::chrono::milliseconds(1);
    renew();
  }
  ~Background() override {
    close();
    EXPECT_EQ(broken_rules(settings_.store.path), "");
  }

  // A store as it was at first, not open; faults are met by the threads that open() will start.
  void renew() {
    close();
    remove_tree(settings_.store.path);
    std::filesystem::copy(directory_->path() / "template", settings_.store.path,
                          std::filesystem::copy_options::recursive);
    faults_ = std::make_unique<FaultPoints>(settings_.store.path, FaultPoints::Threads::others);
  }
  void open() {
    volume_ = std::make_unique<Volume>(settings_);
    core().on_background_failure([this](std::string_view work, const Error&) {
      const MutexLock lock(mutex_);
      told_.insert(std::string(work));
    });
  }
  void close() {
    if (faults_) faults_->disarm();
    volume_.reset();
    faults_.reset();
    const MutexLock lock(mutex_);
    told_.clear();
  }

  FileSystem& core() { return volume_->core(); }
  std::multiset<std::string> told() {
    const MutexLock lock(mutex_);
    return told_;
  }
  // Waits until the fault is met and told, and ends it.
  void meet(const std::string& work) {
    EXPECT_TRUE(wait_until([&] { return told().contains(work); })) << "nobody is told: " << work;
    EXPECT_TRUE(faults_->has_failed());
    faults_->disarm();
    EXPECT_EQ(told().count(work), 1U) << "once in a row is enough";
  }
  std::uint64_t purge_queue() { return must(core().figures()).purge_queue; }

  std::unique_ptr<TemporaryDirectory> directory_;
  Settings settings_;
  std::unique_ptr<FaultPoints> faults_;
  std::unique_ptr<Volume> volume_;
  Mutex mutex_;
  std::multiset<std::string> told_ REPRIEVE_GUARDED_BY(mutex_);
};

TEST_F(Background, TheFlusherTriesAgain) {
  settings_.store.commit_interval = std::chrono::milliseconds(50);
  open();
  for (int i = 0; i < 3; ++i) {
    const Fault no_sync{
        .name = "EIO", .at = {DiskCall::sync, DiskCall::data_sync}, .value = EIO, .answers = {"io"}, .goes_on = true};
    faults_->arm(no_sync, 0);
    volume_->mkdir("projects/p/new" + std::to_string(i));
    EXPECT_TRUE(wait_until([&] { return told().size() == static_cast<std::size_t>(i) + 1; }));
    const Fault flushes{.name = "none", .at = {DiskCall::sync, DiskCall::data_sync}, .value = 0, .answers = {}};
    faults_->arm(flushes, kNever, "metadata.db");
    EXPECT_TRUE(wait_until([&] { return faults_->count() > 0; })) << "what has changed is never flushed";
    faults_->disarm();
  }
}

TEST_F(Background, ThePurgerTriesAgain) {
  for (const char* const name : {"EIO from there on", "ENOSPC from there on"}) {
    SCOPED_TRACE(name);
    open();
    const std::int64_t blob = volume_->at("projects/p/f").number();
    const TrashItem item = volume_->trash("projects/p");
    const Fault& met = fault(name);
    const Fault at_blobs{.name = met.name,
                         .at = {DiskCall::unlink, DiskCall::sync},
                         .value = met.value,
                         .answers = met.answers,
                         .goes_on = true};
    faults_->arm(at_blobs, 0, "blobs");
    must(core().empty_plans().purge(volume_->account(), {item.id}, process(1)));
    meet("what was destroyed still takes space");
    EXPECT_TRUE(wait_until([&] { return !blobs_in(settings_.store.path).contains(blob); }));
    EXPECT_EQ(must(core().check(CheckMode::find, process(1))).found, 0U);
    renew();
  }
}

TEST_F(Background, ThePurgerTriesAgainWhenStatementsFail) {
  for (const char* const name : {"SQLITE_BUSY", "SQLITE_FULL", "SQLITE_IOERR", "SQLITE_NOMEM"}) {
    SCOPED_TRACE(name);
    open();
    const TrashItem item = volume_->trash("projects/p");
    Fault met = fault(name);
    met.goes_on = true;
    faults_->arm(met, 0, "purge_queue");
    must(core().empty_plans().purge(volume_->account(), {item.id}, process(1)));
    meet("what was destroyed still takes space");
    EXPECT_TRUE(wait_until([&] { return purge_queue() == 0; }));
    renew();
  }
}

TEST_F(Background, TheEndOfAProgramIsSettledLater) {
  for (const ProcessEnd end : {ProcessEnd::interrupted, ProcessEnd::well}) {
    open();
    const auto accounts = must(core().accounts().all());
    const auto ben = std::ranges::find(accounts, "ben", &Account::name);
    ASSERT_NE(ben, accounts.end());
    const auto shared = must(core().names().resolve(*ben, "projects/shared"));
    const Caller caller{.uid = 1001, .gid = 1001, .thread = 20};
    must(core().names().unlink(*ben, shared.inode, EntryName::literal("file"), caller));
    Fault met = fault("SQLITE_IOERR");
    met.goes_on = true;
    faults_->arm(met, 0, "hidden_entries");
    volume_->processes().end(2, end);
    meet("what a program hid is not settled");
    const auto is_there = [&] { return core().names().resolve(*ben, "projects/shared/file").has_value(); };
    const auto is_told = [&] {
      const auto events = must(core().history().list(*ben, {}));
      return std::ranges::find(events, EventKind::hide, &HistoryEvent::kind) != events.end();
    };
    EXPECT_TRUE(wait_until([&] { return end == ProcessEnd::interrupted ? is_there() : is_told(); }));
    EXPECT_EQ(is_there(), end == ProcessEnd::interrupted);
    renew();
  }
}

TEST_F(Background, TheScrubberGoesOn) {
  settings_.integrity = {.checksums = Checksums::scrub, .rate = std::uint64_t{1} << 40};
  for (std::size_t point = 0; point < 6; point += 2) {
    Fault met = fault("SQLITE_IOERR");
    met.goes_on = true;
    faults_->arm(met, point, "checksums");
    open();
    meet("files are not compared with their checksums");
    EXPECT_TRUE(wait_until([&] { return must(core().figures()).integrity->compared.has_value(); }))
        << "the next comparison is a day away";
    EXPECT_EQ(must(core().figures()).integrity->damaged, 0U);
    renew();
  }
}

TEST_F(Background, FilesAreMadeWithoutTheMakerAndLaterWithItAgain) {
  for (const char* const name : {"EIO from there on", "ENOSPC from there on", "EMFILE"}) {
    SCOPED_TRACE(name);
    Fault met = fault(name);
    met.goes_on = true;
    met.at = {DiskCall::make};
    faults_->arm(met, 0, "blobs");
    open();
    for (int i = 0; i < 20; ++i) volume_->write("projects/p/new" + std::to_string(i), "bytes");
    meet("files are made more slowly");
    faults_->arm(none_at(DiskCall::make), kNever);
    // The maker may be failing for the last time while the first one is made; any later one wakes it.
    std::size_t more = 0;
    EXPECT_TRUE(wait_until([&] {
      volume_->write("projects/p/more" + std::to_string(++more), "bytes");
      return faults_->count() > 50 + more;
    }));
    faults_->disarm();
    for (int i = 0; i < 20; ++i) EXPECT_EQ(volume_->read("projects/p/new" + std::to_string(i)), "bytes");
    renew();
  }
}

TEST_F(Background, ABackupThatFailsIsMadeLater) {
  settings_.store.backup_interval = std::chrono::milliseconds(20);
  struct Trial {
    const char* fault;
    const char* at;
    std::size_t point = 0;
  };
  std::vector<Trial> trials{
      {"EIO from there on", "backups"}, {"ENOSPC from there on", "backups"}, {"EIO from there on", "records"}};
  // At some of these not even the event is written that says so.
  for (std::size_t point = 0; point < 12; ++point) trials.push_back({"SQLITE_IOERR", "", point});
  for (const Trial& trial : trials) {
    SCOPED_TRACE(std::string(trial.fault) + " at " + trial.at + " " + std::to_string(trial.point));
    open();
    volume_->mkdir("projects/p/new");
    Fault met = fault(trial.fault);
    met.goes_on = true;
    faults_->arm(met, trial.point, trial.at);
    std::atomic<int> failed{0};
    std::atomic<int> made{0};
    must(core().backups().start([&](const Result<Backup>& backup) { ++(backup ? made : failed); }));
    EXPECT_TRUE(wait_until([&] { return failed > 0; }));
    EXPECT_EQ(made, 0);
    faults_->disarm();
    EXPECT_TRUE(wait_until([&] { return made > 0; })) << "nothing has changed since, so that none is made";
    EXPECT_FALSE(backups_in(volume_->store() / "backups").empty());
    renew();
  }
}

// Each of their calls, with operations beside that go on undisturbed.
TEST_F(Background, NothingIsLostWhereverAFaultIsMet) {
  for (const Fault& met : all_faults()) {
    for (std::size_t point = 0; point < 24; point += 4) {
      SCOPED_TRACE(std::string(met.name) + " at call " + std::to_string(point));
      open();
      faults_->arm(met, point);
      volume_->mkdir("projects/p/new");
      for (int i = 0; i < 4; ++i) volume_->write("projects/p/new/" + std::to_string(i), "bytes");
      const TrashItem item = volume_->trash("projects/p/new");
      must(core().empty_plans().purge(volume_->account(), {item.id}, process(1)));
      ASSERT_TRUE(wait_until([&] { return faults_->has_failed() || purge_queue() == 0; }));
      faults_->disarm();
      ASSERT_TRUE(wait_until([&] { return purge_queue() == 0; }));
      volume_.reset();
      Volume(Settings{.store = {.path = settings_.store.path}}).close();
      ASSERT_EQ(broken_rules(settings_.store.path), "");
      renew();
    }
  }
}

}  // namespace
}  // namespace reprieve::test
