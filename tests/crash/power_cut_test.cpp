// SPDX-License-Identifier: Apache-2.0
// The power fails at every moment, on a disk that keeps of what was not synced whatever it likes.
#include "tests/crash/power_cut.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <random>
#include <set>

#include "tests/support/temporary_directory.h"

namespace reprieve::test {
namespace {

using ::testing::AnyOf;
using ::testing::HasSubstr;

// More of them with REPRIEVE_CRASH_STATES; those of one run again with REPRIEVE_CRASH_SEED.
std::size_t states_wanted(std::size_t otherwise) {
  const char* set = std::getenv("REPRIEVE_CRASH_STATES");
  return set != nullptr ? std::strtoull(set, nullptr, 10) : otherwise;
}

unsigned seed() {
  const char* set = std::getenv("REPRIEVE_CRASH_SEED");
  return set != nullptr ? static_cast<unsigned>(std::strtoul(set, nullptr, 10)) : std::random_device()();
}

class PowerCut : public ::testing::Test {
 protected:
  PowerCut() {
    std::cout << "REPRIEVE_CRASH_SEED=" << seed_ << std::endl;
    // Where a state is made and opened in the shortest time.
    if (std::filesystem::exists("/dev/shm") && std::getenv("TMPDIR") == nullptr) ::setenv("TMPDIR", "/dev/shm", 1);
    directory_ = std::make_unique<TemporaryDirectory>();
  }

  void survive(std::size_t operations, Blobs blobs, std::size_t states) {
    const auto start = std::chrono::steady_clock::now();
    std::mt19937 seeds(seed_);
    PowerCuts cuts(directory_->path(), seed_, 6);
    for (const std::size_t wanted = states_wanted(states); cuts.states() < wanted;) {
      const auto number = static_cast<unsigned>(seeds());
      const Recording recording = record(directory_->path() / "recorded", number, operations, blobs);
      ASSERT_TRUE(cuts.survive(recording, wanted - cuts.states())) << cuts.violation();
    }
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    std::cout << cuts.states() << " states in " << seconds.count() << " s" << std::endl;
  }

  const unsigned seed_ = seed();
  std::unique_ptr<TemporaryDirectory> directory_;
};

// Several, so that they run beside each other.
TEST_F(PowerCut, KeepsWhatWasPromised1) { survive(60, Blobs::on_demand, 2500); }
TEST_F(PowerCut, KeepsWhatWasPromised2) { survive(60, Blobs::on_demand, 2500); }
TEST_F(PowerCut, KeepsWhatWasPromised3) { survive(60, Blobs::on_demand, 2500); }
TEST_F(PowerCut, KeepsWhatWasPromised4) { survive(60, Blobs::on_demand, 2500); }
TEST_F(PowerCut, KeepsWhatWasPromisedWithBlobsMadeAhead) { survive(30, Blobs::ahead, 500); }

// What the recordings would be if the store had a defect: the same search has to find it.
class PlantedDefect : public PowerCut {
 protected:
  using Events = std::vector<DiskEvent>;
  using Kind = DiskEvent::Kind;

  // Which kind of file an event is about.
  struct Files {
    explicit Files(const Events& events) {
      for (const DiskEvent& event : events) {
        if (event.kind == Kind::make_directory && event.name != "store") folders.insert(event.file);
        if (event.kind != Kind::make) continue;
        if (event.name == "metadata.db-wal") logs.insert(event.file);
        if (!event.name.starts_with("metadata.db")) blobs.insert(event.file);
      }
    }
    std::set<DiskFile> logs, blobs, folders;
  };

  static bool is_mark(const DiskEvent& event, int remainder) {
    return event.kind == Kind::mark && event.offset % 2 == remainder;
  }

  // The violation that was found, "" for none.
  std::string search(const std::function<void(Events&, const Files&)>& plant, const std::set<std::string>& only = {}) {
    std::mt19937 seeds(seed_);
    PowerCuts cuts(directory_->path(), seed_, 6);
    for (int i = 0; i < 8; ++i) {
      Recording recording =
          record(directory_->path() / "recorded", static_cast<unsigned>(seeds()), 60, Blobs::on_demand, only);
      plant(recording.events, Files(recording.events));
      if (!cuts.survive(recording, 2500)) break;
    }
    std::cout << cuts.states() << " states\n" << cuts.violation() << std::endl;
    return cuts.violation();
  }

  std::string search_without_sync(std::set<DiskFile> Files::*of) {
    return search([of](Events& events, const Files& files) {
      std::erase_if(
          events, [&](const DiskEvent& event) { return event.kind == Kind::sync && (files.*of).contains(event.file); });
    });
  }
};

TEST_F(PlantedDefect, ACommitAfterTheAnswerIsFound) {
  const std::string found = search([](Events& events, const Files& files) {
    for (std::size_t i = 1; i < events.size(); ++i) {
      if (is_mark(events[i], 1) && events[i - 1].kind == Kind::write && files.logs.contains(events[i - 1].file))
        std::swap(events[i], events[i - 1]);
    }
  });
  EXPECT_THAT(found, HasSubstr("killed"));
  EXPECT_THAT(found, HasSubstr("what is there is none of operations"));
}

TEST_F(PlantedDefect, ABlobUnlinkedBeforeTheCommitIsFound) {
  const std::string found = search(
      [](Events& events, const Files& files) {
        for (auto event = events.begin(); event != events.end(); ++event) {
          if (event->kind != Kind::remove || !files.folders.contains(event->directory)) continue;
          auto begun = event;
          while (!is_mark(*begun, 0)) --begun;
          std::rotate(begun, event, event + 1);
        }
      },
      {"create and fsync", "trash", "purge", "fsyncdir"});
  EXPECT_THAT(found, AnyOf(HasSubstr("blob"), HasSubstr("has lost its bytes")));
}

TEST_F(PlantedDefect, ALogThatIsNotSyncedIsFound) {
  EXPECT_THAT(search_without_sync(&Files::logs), HasSubstr("lost at event"));
}

TEST_F(PlantedDefect, AFileThatIsNotSyncedIsFound) {
  EXPECT_THAT(search_without_sync(&Files::blobs), HasSubstr("has lost its bytes"));
}

TEST_F(PlantedDefect, AFolderThatIsNotSyncedIsFound) {
  EXPECT_THAT(search_without_sync(&Files::folders), HasSubstr("lost at event"));
}

}  // namespace
}  // namespace reprieve::test
