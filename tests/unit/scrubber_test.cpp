// SPDX-License-Identifier: Apache-2.0
// Bytes that nobody wrote are found, and those that somebody wrote are not taken for them.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <functional>
#include <random>
#include <thread>

#include "core/base/sync.h"
#include "tests/support/blob_file.h"
#include "tests/support/wait.h"
#include "tests/unit/volume.h"

namespace reprieve::test {
namespace {

using ::testing::Contains;
using namespace std::chrono_literals;

Settings with(Checksums checksums, std::chrono::milliseconds interval = 1ms) {
  return {.integrity = {.checksums = checksums, .rate = std::uint64_t{1} << 40, .interval = interval}};
}

class ScrubberTest : public ::testing::Test {
 protected:
  ScrubberTest() { volume_.mkdir("projects/P"); }

  IntegrityFigures figures() { return must(volume_.core().figures()).integrity.value(); }
  // Until every file that is not open has been looked at since the call.
  void wait_for_passes() {
    for (int pass = 0; pass < 2; ++pass) {
      volume_.clock().advance(1s);
      const Timestamp now = volume_.clock().now();
      ASSERT_TRUE(wait_until([&] { return figures().compared >= now; }));
    }
  }
  void change_on_disk(InodeId inode, const std::function<void(const std::filesystem::path&)>& change) {
    const auto blob = blob_file(volume_.store(), inode);
    ASSERT_FALSE(blob.empty()) << inode.number();
    change(blob);
  }
  void flip(InodeId inode, off_t at = 3) {
    change_on_disk(inode, [at](const std::filesystem::path& blob) {
      const FileDescriptor file(::open(blob.c_str(), O_RDWR | O_CLOEXEC));
      char byte = 0;
      ASSERT_EQ(::pread(file.get(), &byte, 1, at), 1);
      byte = static_cast<char>(byte ^ 1);
      ASSERT_EQ(::pwrite(file.get(), &byte, 1, at), 1);
    });
  }
  std::optional<Errc> opening(const std::string& path, int flags = O_RDONLY) {
    return refusal(volume_.core().content().open(volume_.account(), volume_.at(path), flags));
  }
  std::vector<EventKind> events() {
    std::vector<EventKind> kinds;
    for (const HistoryEvent& event : must(volume_.core().history().list(volume_.account(), {}))) {
      if (event.kind == EventKind::damaged || event.kind == EventKind::undamaged) kinds.push_back(event.kind);
    }
    return kinds;
  }
  void overwrite(const std::string& path, const std::string& text, std::size_t at = 0) {
    const OpenFile file = volume_.open_file(path, O_RDWR);
    ASSERT_EQ(::pwrite(file.descriptor(), text.data(), text.size(), static_cast<off_t>(at)),
              static_cast<ssize_t>(text.size()));
  }

  Volume volume_{with(Checksums::scrub)};
};

TEST_F(ScrubberTest, AFlippedBitACutAndAMissingFileAreFound) {
  const std::string text(3 << 20, 'x');
  const InodeId flipped = volume_.write("projects/P/flipped", text);
  const InodeId cut = volume_.write("projects/P/cut", text + "odd");
  const InodeId missing = volume_.write("projects/P/missing", "all");
  volume_.write("projects/P/good", "good");
  volume_.trash("projects/P/cut");
  wait_for_passes();
  EXPECT_EQ(figures().checksums, 4U);
  EXPECT_EQ(figures().damaged, 0U);
  flip(flipped, (2 << 20) + 17);
  change_on_disk(cut, [](const auto& blob) { std::filesystem::resize_file(blob, 3 << 20); });
  change_on_disk(missing, [](const auto& blob) { std::filesystem::remove(blob); });
  wait_for_passes();
  EXPECT_EQ(figures().damaged, 3U);
  for (const char* path : {"projects/P/flipped", "projects/P/missing", ".trash/cut"}) {
    EXPECT_EQ(opening(path), Errc::data_damaged) << path;
  }
  EXPECT_EQ(opening("projects/P/flipped", O_RDWR), Errc::data_damaged);
  EXPECT_EQ(volume_.read("projects/P/good"), "good");
  // Each is told of once.
  wait_for_passes();
  EXPECT_EQ(events(), std::vector<EventKind>(3, EventKind::damaged));
  const auto told = must(volume_.core().history().list(volume_.account(), {.kind = EventKind::damaged}));
  EXPECT_EQ(std::ranges::count(told, "projects/P/flipped", &HistoryEvent::path), 1);
  EXPECT_EQ(std::ranges::count(told, ".trash/cut", &HistoryEvent::path), 1);
}

TEST_F(ScrubberTest, ADamagedFileIsGoodAgainWhenItIsOverwrittenOrItsBytesAreBack) {
  const InodeId overwritten = volume_.write("projects/P/overwritten", "0123456789");
  const InodeId back = volume_.write("projects/P/back", "0123456789");
  wait_for_passes();
  flip(overwritten);
  flip(back);
  wait_for_passes();
  ASSERT_EQ(figures().damaged, 2U);
  // A part of it may be damaged still.
  EXPECT_EQ(opening("projects/P/overwritten", O_WRONLY), std::nullopt);
  EXPECT_EQ(opening("projects/P/overwritten"), Errc::data_damaged);
  must(volume_.core().attributes().set(volume_.account(), overwritten, {.size = 0}, process(1)));
  overwrite("projects/P/overwritten", "new");
  EXPECT_EQ(volume_.read("projects/P/overwritten"), "new");
  flip(back);
  wait_for_passes();
  EXPECT_EQ(volume_.read("projects/P/back"), "0123456789");
  EXPECT_EQ(figures().damaged, 0U);
  EXPECT_EQ(events(), (std::vector{EventKind::damaged, EventKind::damaged, EventKind::undamaged}));
}

TEST_F(ScrubberTest, WhateverIsWrittenToADamagedFileItStaysSo) {
  const InodeId file = volume_.write("projects/P/f", "0123456789");
  wait_for_passes();
  flip(file);
  wait_for_passes();
  EXPECT_EQ(opening("projects/P/f", O_WRONLY | O_APPEND), Errc::data_damaged);
  {
    const OpenFile writer = volume_.open_file("projects/P/f", O_WRONLY);
    ASSERT_EQ(::pwrite(writer.descriptor(), "more", 4, 10), 4);
  }
  must(volume_.core().attributes().set(volume_.account(), file, {.size = 12}, process(1)));
  wait_for_passes();
  volume_.reopen();
  wait_for_passes();
  EXPECT_EQ(figures().damaged, 1U);
  EXPECT_EQ(opening("projects/P/f"), Errc::data_damaged);
  EXPECT_EQ(events(), std::vector{EventKind::damaged});
}

class Heard final : public IntegrityListener {
 public:
  void found_damaged(const DamagedFile& file, const std::string& how) override {
    const MutexLock lock(mutex_);
    damaged_.push_back(file.account + " " + file.path + ": " + how.substr(0, how.find(" when")));
  }
  void reads_through_cache() override { ++cached_; }
  std::vector<std::string> damaged() {
    const MutexLock lock(mutex_);
    return damaged_;
  }
  [[nodiscard]] int cached() const { return cached_; }

 private:
  Mutex mutex_;
  std::vector<std::string> damaged_ REPRIEVE_GUARDED_BY(mutex_);
  std::atomic<int> cached_{0};
};

TEST_F(ScrubberTest, WhatIsDamagedIsListedUntilItIsNotAndToldOfOnce) {
  Heard heard;
  volume_.core().set_integrity_listener(&heard);
  const Account other = must(volume_.core().accounts().add("bob", 2000, 2000, process(1)));
  struct Damaged {
    InodeId id;
    std::string path;
  };
  std::vector<Damaged> files;
  for (const char* path : {"projects/P/a", "projects/P/b", "projects/P/c", "projects/P/good"})
    files.push_back({volume_.write(path, "0123456789"), path});
  volume_.trash("projects/P/c");
  files[2].path = ".trash/c";
  wait_for_passes();
  files.pop_back();
  for (const Damaged& file : files) flip(file.id);
  wait_for_passes();
  // They are listed by inode number, which is the blob's, and blobs are not made in the order of the files.
  std::ranges::sort(files, {}, &Damaged::id);
  const std::vector<Account> owners{volume_.account(), other};
  const auto listed = [&](InodeId after, std::size_t limit) {
    std::vector<std::string> paths;
    const DamagedPage page = must(volume_.core().damaged(owners, after, limit));
    for (const DamagedFile& file : page.files) paths.push_back(file.path);
    paths.emplace_back(page.more ? "more behind " + std::to_string(page.more->number()) : "no more");
    return paths;
  };
  using Paths = std::vector<std::string>;
  EXPECT_EQ(listed({}, 10), (Paths{files[0].path, files[1].path, files[2].path, "no more"}));
  EXPECT_EQ(listed({}, 1), (Paths{files[0].path, "more behind " + std::to_string(files[0].id.number())}));
  EXPECT_EQ(listed(files[0].id, 10), (Paths{files[1].path, files[2].path, "no more"}));
  EXPECT_TRUE(must(volume_.core().damaged({other}, {}, 10)).files.empty());
  wait_for_passes();
  EXPECT_EQ(heard.damaged().size(), 3U);
  EXPECT_THAT(heard.damaged(), Contains("lab projects/P/a: its bytes are not what they were"));
  EXPECT_EQ(heard.cached(), 0);
  const auto good = std::ranges::find(files, "projects/P/a", &Damaged::path);
  must(volume_.core().attributes().set(volume_.account(), good->id, {.size = 0}, process(1)));
  files.erase(good);
  EXPECT_EQ(listed({}, 10), (Paths{files[0].path, files[1].path, "no more"}));
  volume_.core().set_integrity_listener(nullptr);
}

TEST_F(ScrubberTest, WhatIsWrittenIsNeverTakenForDamage) {
  // It takes some time to read one of them, in which they are written to; then they are left alone for some passes,
  // which follow each other all the time.
  constexpr std::size_t kSize = 8 << 20;
  const std::vector<std::string> paths{"projects/P/a", "projects/P/b", "projects/P/c", "projects/P/d"};
  for (const std::string& path : paths) volume_.write(path, std::string(kSize, 'a'));
  std::mt19937 random(1);
  for (std::size_t round = 0; round < 24; ++round) {
    const std::string& path = paths[round % paths.size()];
    const auto end = std::chrono::steady_clock::now() + 50ms;
    while (std::chrono::steady_clock::now() < end) {
      overwrite(path, std::string(1000, static_cast<char>('a' + random() % 26)), random() % (kSize - 1000));
    }
    const std::uint64_t size = round % 3 == 0 ? kSize : kSize - 1 - random() % 1000;
    must(volume_.core().attributes().set(volume_.account(), volume_.at(path), {.size = size}, process(1)));
    if (round % 10 == 9) volume_.reopen();
  }
  wait_for_passes();
  EXPECT_EQ(figures().checksums, paths.size());
  EXPECT_EQ(figures().damaged, 0U);
  EXPECT_TRUE(events().empty());
}

TEST_F(ScrubberTest, WhatIsOpenForWritingHasNoChecksum) {
  volume_.write("projects/P/f", "text");
  {
    const OpenFile writer = volume_.open_file("projects/P/f", O_WRONLY);
    wait_for_passes();
    EXPECT_EQ(figures().checksums, 0U);
  }
  wait_for_passes();
  EXPECT_EQ(figures().checksums, 1U);
  volume_.trash("projects/P/f");
  volume_.empty();
  EXPECT_EQ(figures().checksums, 0U);
}

TEST_F(ScrubberTest, ComparedAtTheOpenNothingDamagedIsRead) {
  volume_.close();
  volume_.settings() = [&] {
    Settings settings = with(Checksums::at_open, 1h);
    settings.store = volume_.settings().store;
    return settings;
  }();
  volume_.open();
  const InodeId file = volume_.write("projects/P/f", "0123456789");
  volume_.write("projects/P/good", "0123456789");
  // The pass after the next start gives them their checksums, and none comes after it.
  volume_.clock().advance(2h);
  volume_.reopen();
  ASSERT_TRUE(wait_until([&] { return figures().checksums == 2; }));
  flip(file);
  EXPECT_EQ(opening("projects/P/f"), Errc::data_damaged);
  EXPECT_EQ(opening("projects/P/good"), std::nullopt);
  EXPECT_EQ(figures().damaged, 1U);
}

// An open for writing forgets what the bytes were: what they are by then must not be believed from there on.
TEST_F(ScrubberTest, ComparedAtTheOpenNothingDamagedIsWrittenTo) {
  volume_.close();
  volume_.settings().integrity = {.checksums = Checksums::at_open, .rate = std::uint64_t{1} << 40, .interval = 1h};
  volume_.open();
  std::vector<InodeId> files;
  for (const char* path : {"projects/P/a", "projects/P/b", "projects/P/c"})
    files.push_back(volume_.write(path, "0123456789"));
  volume_.clock().advance(2h);
  volume_.reopen();
  ASSERT_TRUE(wait_until([&] { return figures().checksums == 3; }));
  for (const InodeId file : files) flip(file);
  EXPECT_EQ(opening("projects/P/a", O_WRONLY | O_APPEND), Errc::data_damaged);
  EXPECT_EQ(opening("projects/P/b", O_WRONLY), std::nullopt);
  EXPECT_EQ(opening("projects/P/b"), Errc::data_damaged);
  // All of it is replaced.
  EXPECT_EQ(opening("projects/P/c", O_WRONLY), std::nullopt);
  must(volume_.core().attributes().set(volume_.account(), files[2], {.size = 0}, process(1)));
  EXPECT_EQ(opening("projects/P/c"), std::nullopt);
  EXPECT_EQ(figures().damaged, 2U);
}

// Opens that wait until their files were compared. A lease on a blob holds up whoever opens that.
class ComparisonsTest : public ScrubberTest {
 protected:
  ComparisonsTest() {
    volume_.close();
    const auto store = volume_.settings().store;
    volume_.settings() = with(Checksums::at_open, 1h);
    volume_.settings().store = store;
    volume_.open();
  }
  // The pass after a start gives them their checksums, and none comes after it.
  void settle(std::uint64_t files) {
    volume_.clock().advance(2h);
    volume_.reopen();
    ASSERT_TRUE(wait_until([&] { return figures().checksums == files; }));
  }
  FileDescriptor lease(InodeId inode) {
    FileDescriptor held;
    change_on_disk(inode, [&](const std::filesystem::path& blob) {
      held = FileDescriptor(::open(blob.c_str(), O_RDONLY | O_CLOEXEC));
      ASSERT_EQ(::fcntl(held.get(), F_SETSIG, SIGURG), 0);
      ASSERT_TRUE(wait_until([&] { return ::fcntl(held.get(), F_SETLEASE, F_WRLCK) == 0; }));
    });
    return held;
  }
  void ask(InodeId inode, uid_t uid, const std::string& name, pid_t thread = 0) {
    const auto then = [this, name](const Result<void>& outcome) {
      const MutexLock lock(mutex_);
      told_.push_back(name + (outcome ? "" : ": " + std::string(code_name(outcome.error().code))));
    };
    volume_.core().content().compare(
        inode, {.uid = uid, .thread = thread, .wanted = [this] { return wanted_.load(); }, .then = then});
  }
  std::vector<std::string> told() {
    const MutexLock lock(mutex_);
    return told_;
  }

  std::atomic<bool> wanted_{true};
  Mutex mutex_;
  std::vector<std::string> told_;
};

TEST_F(ComparisonsTest, WhatAnotherUserOpensIsNotKeptWaitingForManyLargeFiles) {
  std::vector<InodeId> held;
  for (const char* path : {"projects/P/h1", "projects/P/h2", "projects/P/h3"}) held.push_back(volume_.write(path, "x"));
  std::vector<InodeId> large;
  for (char name = '1'; name < '4'; ++name) {
    large.push_back(volume_.write(std::string("projects/P/l") + name, std::string((16 << 20) + 1, 'x')));
  }
  const InodeId own = volume_.write("projects/P/own", "small");
  const InodeId others = volume_.write("projects/P/others", "small");
  settle(8);
  std::vector<FileDescriptor> leases;
  for (const InodeId inode : held) leases.push_back(lease(inode));
  const FileDescriptor first = lease(large[0]);
  for (const InodeId inode : held) ask(inode, 1, "held");
  for (const InodeId inode : large) ask(inode, 1, "large");
  ask(own, 1, "own");
  ask(others, 2, "others");
  ::fcntl(first.get(), F_SETLEASE, F_UNLCK);
  ASSERT_TRUE(wait_until([&] { return told().size() == 5; }));
  EXPECT_EQ(told()[0], "others");
  EXPECT_EQ(told()[1], "own");
  for (const FileDescriptor& each : leases) ::fcntl(each.get(), F_SETLEASE, F_UNLCK);
  ASSERT_TRUE(wait_until([&] { return told().size() == 8; }));
}

TEST_F(ComparisonsTest, AFileIsReadOnceForAllAndAUserHasSoManyWaiting) {
  const InodeId file = volume_.write("projects/P/f", "text");
  settle(1);
  const FileDescriptor held = lease(file);
  for (int i = 0; i < 1024; ++i) ask(file, 1, "one");
  EXPECT_TRUE(told().empty());
  ask(file, 1, "one");
  EXPECT_EQ(told(), std::vector<std::string>{"one: too_many_open_files"});
  ask(file, 2, "two");
  ::fcntl(held.get(), F_SETLEASE, F_UNLCK);
  ASSERT_TRUE(wait_until([&] { return told().size() == 1026; }));
  EXPECT_EQ(told().back(), "two");
  ask(file, 1, "one");
  ASSERT_TRUE(wait_until([&] { return told().size() == 1027; }));
  EXPECT_EQ(told().back(), "one");
}

TEST_F(ComparisonsTest, WhatNobodyWantsAnyMoreIsNotRead) {
  const InodeId file = volume_.write("projects/P/f", std::string((16 << 20) + 1, 'x'));
  settle(1);
  flip(file);
  const FileDescriptor held = lease(file);
  ask(file, 1, "one");
  wanted_ = false;
  ::fcntl(held.get(), F_SETLEASE, F_UNLCK);
  ASSERT_TRUE(wait_until([&] { return !told().empty(); }));
  EXPECT_EQ(told(), std::vector<std::string>{"one: interrupted"});
  EXPECT_EQ(figures().damaged, 0U);
}

TEST_F(ComparisonsTest, AKilledProcessWantsNothingAnyMore) {
  const InodeId file = volume_.write("projects/P/f", std::string((16 << 20) + 1, 'x'));
  settle(1);
  const FileDescriptor held = lease(file);
  ask(file, 1, "killed", 10);
  ask(file, 1, "other", 20);
  volume_.processes().kill(1);
  ::fcntl(held.get(), F_SETLEASE, F_UNLCK);
  ASSERT_TRUE(wait_until([&] { return told().size() == 2; }));
  EXPECT_EQ(told(), (std::vector<std::string>{"killed: interrupted", "other"}));
}

TEST_F(ComparisonsTest, WhatIsCutOrGrowsIsComparedBeforeAndWhatIsEmptiedIsNot) {
  const InodeId file = volume_.write("projects/P/f", "text");
  const auto waits = [&](const AttributeChanges& changes) {
    return must(volume_.core().attributes().has_to_be_compared(file, changes));
  };
  EXPECT_FALSE(waits({.size = 3}));  // it has no checksum
  settle(1);
  EXPECT_TRUE(waits({.size = 3}));
  EXPECT_TRUE(waits({.size = 5}));
  EXPECT_FALSE(waits({.size = 0}));
  EXPECT_FALSE(waits({.mode = 0600}));
}

TEST_F(ComparisonsTest, WhatWaitsIsInterruptedAtTheEnd) {
  const InodeId file = volume_.write("projects/P/f", std::string((16 << 20) + 1, 'x'));
  settle(1);
  FileDescriptor held = lease(file);
  ask(file, 1, "one");
  std::thread closing([this] { volume_.close(); });
  // Until it is being opened, which stop() waits for; then the rest of the file is left.
  ASSERT_TRUE(wait_until([&] { return ::fcntl(held.get(), F_GETLEASE) != F_WRLCK; }));
  held.reset();
  closing.join();
  ASSERT_EQ(told().size(), 1U);
  volume_.open();
}

TEST_F(ScrubberTest, TurnedOffItKnowsNothingWhenItIsTurnedOn) {
  const InodeId file = volume_.write("projects/P/f", "0123456789");
  wait_for_passes();
  volume_.close();
  volume_.settings().integrity.checksums = Checksums::off;
  volume_.open();
  EXPECT_FALSE(must(volume_.core().figures()).integrity);
  flip(file);
  volume_.close();
  volume_.settings().integrity.checksums = Checksums::scrub;
  volume_.open();
  wait_for_passes();
  EXPECT_EQ(figures().checksums, 1U);
  EXPECT_EQ(opening("projects/P/f"), std::nullopt);
}

TEST_F(ScrubberTest, AnInterruptedPassGoesOnWhereItWas) {
  volume_.close();
  volume_.settings().integrity.rate = 1 << 20;
  volume_.settings().integrity.interval = 1h;
  volume_.open();
  constexpr std::uint64_t kFiles = 12;
  for (std::uint64_t i = 0; i < kFiles; ++i) volume_.write("projects/P/" + std::to_string(i), std::string(50'000, 'x'));
  volume_.clock().advance(2h);
  volume_.reopen();
  ASSERT_TRUE(wait_until([&] { return figures().checksums >= 2; }));
  volume_.close();  // at once, though the rate would have it wait
  volume_.settings().integrity.rate = 1 << 30;
  volume_.open();
  ASSERT_TRUE(wait_until([&] { return figures().checksums == kFiles; }));
  const Timestamp now = volume_.clock().now();
  ASSERT_TRUE(wait_until([&] { return figures().compared >= now; }));
  EXPECT_EQ(figures().files, kFiles);
  EXPECT_EQ(figures().bytes, kFiles * 50'000);
}

}  // namespace
}  // namespace reprieve::test
