// SPDX-License-Identifier: Apache-2.0
#include "tests/crash/power_cut.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <sstream>
#include <thread>

#include "tests/crash/store_view.h"
#include "tests/support/wait.h"
#include "tests/unit/volume.h"

namespace reprieve::test {
namespace {

// What makes a start quick: no blobs ahead of need, no blocks beyond the ends of database and log.
class BareDisk final : public DiskObserver {
 public:
  explicit BareDisk(const std::filesystem::path& top) { observe_disk(top, this); }
  ~BareDisk() override { observe_disk({}, nullptr); }
  BareDisk(const BareDisk&) = delete;
  BareDisk& operator=(const BareDisk&) = delete;

  std::int64_t around(const DiskRequest& request, const std::function<std::int64_t()>& real) override {
    if (request.call == DiskCall::allocate) return refuse(EOPNOTSUPP);
    if (request.call == DiskCall::make && std::this_thread::get_id() != main_) return refuse(ENOSPC);
    return real();
  }

 private:
  static std::int64_t refuse(int error) {
    errno = error;
    return -1;
  }
  const std::thread::id main_ = std::this_thread::get_id();
};

// What was promised of files and holds whether or not the operation under way was carried out.
std::map<std::int64_t, std::string> promised_contents(const Journal& journal, std::size_t answered, std::size_t begun) {
  auto promised = journal.contents[answered];
  if (begun == answered || begun >= journal.contents.size()) return promised;
  std::erase_if(promised, [&](const auto& file) {
    const auto after = journal.contents[begun].find(file.first);
    return after == journal.contents[begun].end() || after->second != file.second;
  });
  return promised;
}

std::string wrong_contents(FileSystem& core, const std::map<std::int64_t, std::string>& promised) {
  const auto account = core.accounts().find("lab");
  if (!account) return {};
  std::string wrong;
  for (const auto& [inode, bytes] : promised) {
    const auto file = core.content().open(*account, InodeId(inode), O_RDONLY);
    if (file && Volume::read(*file) != bytes) wrong += "file " + std::to_string(inode) + " has lost its bytes\n";
  }
  return wrong;
}

// The store can be worked with.
void work(FileSystem& core) {
  const Account account = must(core.accounts().ensure("lab", 1000, 1000));
  const Caller caller = process(9);
  const EntryName name = EntryName::literal("after the crash");
  const InodeId project =
      must(core.names().create(account, account.projects, name, {.mode = S_IFDIR | 0755}, caller)).inode;
  const InodeId file = must(core.content().create(account, project, name, 0644, O_RDWR, caller)).attributes.inode;
  must(core.content().sync(must(core.content().open(account, file, O_RDONLY)), false));
  must(core.names().unlink(account, project, name, caller));
}

}  // namespace

Recording record(const std::filesystem::path& top, unsigned seed, std::size_t operations, Blobs blobs,
                 const std::set<std::string>& only) {
  std::filesystem::create_directory(top);
  Recording recording;
  {
    DiskLog log(top);
    Workload workload(log, top, seed, blobs);
    workload.run(operations, only);
    workload.close();
    recording = {log.take(), workload.journal()};
  }
  remove_tree(top);
  return recording;
}

PowerCuts::PowerCuts(std::filesystem::path directory, unsigned seed, unsigned variants)
    : directory_(std::move(directory)), random_(seed), variants_(variants) {}

bool PowerCuts::survive(const Recording& recording, std::size_t most) {
  DiskModel disk;
  Moment moment;
  const std::size_t before = states();
  for (const DiskEvent& event : recording.events) {
    disk.play(event);
    ++moment.event;
    if (event.kind == DiskEvent::Kind::mark) {
      const auto number = static_cast<std::size_t>(event.offset) / 2;
      (event.offset % 2 == 0 ? moment.begun : moment.answered) = number;
    }
    for (unsigned i = 0; i < 2 + variants_; ++i) {
      if (states() - before >= most) return true;
      const Loss loss = i == 0 ? Loss::nothing : i == 1 ? Loss::everything : Loss::some;
      if (!survive_one(disk.after_crash(loss, random_), loss, moment, recording.journal)) return false;
    }
  }
  return true;
}

bool PowerCuts::survive_one(const DiskContent& content, Loss loss, const Moment& moment, const Journal& journal) {
  const std::uint64_t hash = hash_of(content);
  if (!looked_at_.insert(hash ^ (moment.begun + moment.answered) * 0x9e3779b97f4a7c15ULL).second) return true;
  contents_.insert(hash);
  const std::filesystem::path top = directory_ / "state";
  put_on_disk(content, top);
  std::string wrong;
  try {
    wrong = inspect(top / "store", loss, moment, journal);
  } catch (const std::exception& failure) {
    wrong = std::string(failure.what()) + "\n";
  }
  if (wrong.empty()) {
    remove_tree(top);
    return true;
  }
  std::ostringstream text;
  text << (loss == Loss::nothing      ? "killed"
           : loss == Loss::everything ? "all lost"
                                      : "some lost")
       << " at event " << moment.event << ", operation " << moment.begun << " (" << journal.names.at(moment.begun)
       << ") was begun, " << moment.answered << " answered\n"
       << wrong;
  violation_ = text.str();
  remove_tree(top);
  return false;
}

std::string PowerCuts::inspect(const std::filesystem::path& store, Loss loss, const Moment& moment,
                               const Journal& journal) {
  std::string wrong;
  std::size_t nameless = 0;
  {
    const BareDisk disk(store);
    static const SettableClock clock;
    NumberedProcesses processes;
    const auto core = must(FileSystem::open({.store = {.path = store}}, clock, processes));
    nameless = core->nameless_blobs();
    if (!wait_until([&] { return must(core->figures()).purge_queue == 0; })) wrong += "the purge does not end\n";
    const StoreView view = view_of(*core);
    const std::size_t first = loss == Loss::nothing ? moment.answered : journal.lasting[moment.answered];
    std::size_t found = moment.begun;
    while (found > first && journal.views[found] != view) --found;
    if (journal.views[found] != view) {
      wrong += "what is there is none of operations " + std::to_string(first) + " to " + std::to_string(moment.begun) +
               "; beside the first:\n" + differences(journal.views[first], view) + "beside the last:\n" +
               differences(journal.views[moment.begun], view);
    }
    wrong += wrong_contents(*core, promised_contents(journal, moment.answered, moment.begun));
    work(*core);
  }
  if (loss == Loss::nothing && nameless != 0) wrong += "a kill took the rows of files with bytes\n";
  return wrong + broken_rules(store, nameless);
}

}  // namespace reprieve::test
