// SPDX-License-Identifier: Apache-2.0
// Bytes that are not what was written, anywhere in a store: a start and a check end in an answer, and what they answer
// of the same store is the same.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <random>

#include "core/upkeep/checker.h"
#include "tests/unit/volume.h"

namespace reprieve::test {
namespace {

namespace fs = std::filesystem;

enum class Harm : std::uint8_t { flipped, cut, missing };

struct Place {
  std::string_view file;  // below the store; empty: a blob
  Harm harm;
  unsigned tries;
};

class DamagedStore : public ::testing::TestWithParam<Place> {
 protected:
  // A store as a killed daemon leaves it: part of it is in the log.
  DamagedStore() {
    for (int i = 0; i < 40; ++i) {
      const std::string folder = "projects/P" + std::to_string(i);
      volume_.mkdir(folder);
      volume_.write(folder + "/file", "bytes of " + folder);
      volume_.set_xattr(folder + "/file", "user.note", std::string(100, 'n'));
    }
    volume_.trash("projects/P7");
    volume_.close();
    volume_.open();
    for (int i = 0; i < 10; ++i) volume_.mkdir("projects/Q" + std::to_string(i));
    must(volume_.unlink("projects/P3/file"));
    fs::copy(volume_.store(), kept(), fs::copy_options::recursive);
  }
  [[nodiscard]] fs::path kept() const { return volume_.directory() / "kept"; }
  [[nodiscard]] fs::path copy() const { return volume_.directory() / "copy"; }

  fs::path target(std::mt19937& random) const {
    if (!GetParam().file.empty()) return copy() / GetParam().file;
    std::vector<fs::path> blobs;
    for (const auto& entry : fs::recursive_directory_iterator(copy() / "blobs")) {
      if (entry.is_regular_file()) blobs.push_back(entry.path());
    }
    std::sort(blobs.begin(), blobs.end());
    return blobs[random() % blobs.size()];
  }

  static void harm(const fs::path& file, std::mt19937& random) {
    const auto size = static_cast<off_t>(fs::file_size(file));
    const off_t offset = size == 0 ? 0 : static_cast<off_t>(random() % static_cast<unsigned>(size));
    switch (GetParam().harm) {
      case Harm::missing: fs::remove(file); return;
      case Harm::cut: ASSERT_EQ(::truncate(file.c_str(), offset), 0); return;
      case Harm::flipped: break;
    }
    const FileDescriptor opened(::open(file.c_str(), O_RDWR | O_CLOEXEC));
    unsigned char byte = 0;
    if (::pread(opened.get(), &byte, 1, offset) != 1) return;
    byte = static_cast<unsigned char>(byte ^ (1U << (random() % 8)));
    ASSERT_EQ(::pwrite(opened.get(), &byte, 1, offset), 1);
  }

  // A daemon's life, as far as the store lets it.
  static void use(const fs::path& store) {
    NumberedProcesses processes;
    const SettableClock clock;
    auto core = FileSystem::open({.store = {.path = store}}, clock, processes);
    if (!core) {
      EXPECT_NE(core.error().code, Errc::internal);
      EXPECT_FALSE(reason_of(core.error()).empty());
      return;
    }
    const auto accounts = (*core)->accounts().all();
    if (!accounts) return;
    for (const Account& account : *accounts) {
      const auto projects = (*core)->names().list(account, account.projects, {}, 1000, Detail::attributes);
      if (!projects) continue;
      for (const ListedEntry& entry : *projects)
        static_cast<void>((*core)->names().list(account, entry.attributes.inode, {}, 1000, Detail::attributes));
    }
    static_cast<void>((*core)->check(CheckMode::find, {}));
  }

  Volume volume_;
};

TEST_P(DamagedStore, IsAnsweredFor) {
  std::mt19937 random(7);
  const SettableClock clock;
  for (unsigned i = 0; i < GetParam().tries; ++i) {
    SCOPED_TRACE(i);
    for (const CheckMode mode : {CheckMode::find, CheckMode::repair}) {
      std::mt19937 same = random;
      fs::remove_all(copy());
      fs::copy(kept(), copy(), fs::copy_options::recursive);
      harm(target(same), same);
      const auto report = check_closed_store(copy(), mode, clock);
      if (!report) {
        EXPECT_FALSE(reason_of(report.error()).empty());
        EXPECT_NE(report.error().code, Errc::internal) << reason_of(report.error());
      } else if (mode == CheckMode::repair && report->found == report->repaired) {
        const auto again = check_closed_store(copy(), CheckMode::find, clock);
        ASSERT_TRUE(again) << reason_of(again.error());
        EXPECT_EQ(again->found, 0U) << again->findings.front().rule << ": " << again->findings.front().message;
      }
      // The rest takes long enough.
      if (mode == CheckMode::find && i % 4 == 0) use(copy());
    }
    random.discard(10);
  }
}

std::string case_name(const ::testing::TestParamInfo<Place>& place) {
  const std::string_view file = place.param.file;
  const Harm harm = place.param.harm;
  const std::string where = file.empty() ? "Blob" : file == "metadata.db" ? "Database" : "Log";
  return where + (harm == Harm::flipped ? "Flipped" : harm == Harm::cut ? "Cut" : "Missing");
}

INSTANTIATE_TEST_SUITE_P(Places, DamagedStore,
                         ::testing::Values(Place{"metadata.db", Harm::flipped, 60}, Place{"metadata.db", Harm::cut, 20},
                                           Place{"metadata.db", Harm::missing, 1},
                                           Place{"metadata.db-wal", Harm::flipped, 30},
                                           Place{"metadata.db-wal", Harm::cut, 20},
                                           Place{"metadata.db-wal", Harm::missing, 1}, Place{"", Harm::flipped, 5},
                                           Place{"", Harm::cut, 5}, Place{"", Harm::missing, 10}),
                         case_name);

}  // namespace
}  // namespace reprieve::test
