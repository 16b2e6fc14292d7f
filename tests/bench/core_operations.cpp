// SPDX-License-Identifier: Apache-2.0
// The operations of core alone, without a kernel in between: what a request costs the daemon beyond its round trip.
#include <benchmark/benchmark.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <memory>
#include <string>

#include "core/base/clock.h"
#include "core/file_system.h"
#include "tests/support/temporary_directory.h"

namespace reprieve::test {
namespace {

constexpr mode_t kFolder = S_IFDIR | S_IRWXU;
constexpr mode_t kFile = S_IFREG | S_IRUSR | S_IWUSR;

// A result that must be there: a benchmark of failures would measure nothing.
template <typename Value>
Value need(Result<Value> result) {
  if (!result) std::abort();
  return *std::move(result);
}
void need(const Result<void>& result) {
  if (!result) std::abort();
}

// A store with one account and a directory four levels down, as deep as a sample's files lie.
class CoreOperations : public benchmark::Fixture {
 public:
  void SetUp(benchmark::State&) override {
    directory_ = std::make_unique<TemporaryDirectory>();
    Settings settings;
    settings.store.path = directory_->path() / "store";
    files = need(FileSystem::open(settings, clock_));
    account = need(files->accounts().ensure("bench", ::getuid(), ::getgid()));
    caller = {.uid = ::getuid(), .gid = ::getgid(), .thread = ::getpid(), .mount = MountId(1)};
    folder = need(names().resolve(account, "runs")).inode;
    for (const char* name : {"Run", "Data", "BaseCalls"}) folder = make(name, kFolder);
    made_ = 0;
  }

  void TearDown(benchmark::State&) override {
    files.reset();
    directory_.reset();
  }

  Namespace& names() { return files->names(); }

  InodeId make(const std::string& name, mode_t mode) {
    return need(names().create(account, folder, entry(name), {.mode = mode, .device = 0, .symlink_target = {}}, caller))
        .inode;
  }

  // One more file, numbered from 0.
  InodeId make_file() { return make(name(made_++), kFile); }
  void make_files(std::int64_t count) {
    while (made_ < count) make_file();
  }

  static std::string name(std::int64_t number) { return "file" + std::to_string(number); }
  static EntryName entry(const std::string& name) { return EntryName::trusted(name); }
  static EntryName numbered(std::int64_t number) { return entry(name(number)); }

  std::unique_ptr<FileSystem> files;
  Account account;
  Caller caller;
  InodeId folder;

 private:
  KernelClock clock_;
  std::unique_ptr<TemporaryDirectory> directory_;
  std::int64_t made_ = 0;
};

constexpr benchmark::IterationCount kOperations = 10'000;

BENCHMARK_DEFINE_F(CoreOperations, Create)(benchmark::State& state) {
  for (auto _ : state) make_file();
}

BENCHMARK_DEFINE_F(CoreOperations, CreateAndOpen)(benchmark::State& state) {
  std::int64_t number = 0;
  for (auto _ : state) {
    need(files->content().create(account, folder, numbered(number++), kFile, O_WRONLY, caller));
  }
}

BENCHMARK_DEFINE_F(CoreOperations, Mkdir)(benchmark::State& state) {
  std::int64_t number = 0;
  for (auto _ : state) make(name(number++), kFolder);
}

BENCHMARK_DEFINE_F(CoreOperations, Lookup)(benchmark::State& state) {
  make_files(kOperations);
  std::int64_t number = 0;
  for (auto _ : state) benchmark::DoNotOptimize(need(names().lookup(account, folder, numbered(number++))));
}

BENCHMARK_DEFINE_F(CoreOperations, LookupOfNothing)(benchmark::State& state) {
  std::int64_t number = 0;
  for (auto _ : state) benchmark::DoNotOptimize(names().lookup(account, folder, numbered(number++)));
}

BENCHMARK_DEFINE_F(CoreOperations, GetDirectory)(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(need(files->attributes().get(account, folder)));
}

BENCHMARK_DEFINE_F(CoreOperations, Chmod)(benchmark::State& state) {
  const InodeId file = make_file();
  for (auto _ : state) need(files->attributes().set(account, file, {.mode = S_IRUSR}, caller));
}

BENCHMARK_DEFINE_F(CoreOperations, Open)(benchmark::State& state) {
  const InodeId file = make_file();
  for (auto _ : state) need(files->content().open(account, file, O_RDONLY));
}

BENCHMARK_DEFINE_F(CoreOperations, ListWithAttributes)(benchmark::State& state) {
  make_files(kOperations);
  EntryId after{};
  for (auto _ : state) {
    const auto listed = need(names().list(account, folder, after, 100, Detail::attributes));
    after = listed.empty() ? EntryId{} : listed.back().id;
  }
}

BENCHMARK_DEFINE_F(CoreOperations, Rename)(benchmark::State& state) {
  make_files(kOperations);
  std::int64_t number = 0;
  for (auto _ : state) {
    const EntryName to = entry(name(number) + ".new");
    need(names().rename(account, folder, numbered(number++), folder, to, RenameMode::replace, caller));
  }
}

BENCHMARK_DEFINE_F(CoreOperations, Unlink)(benchmark::State& state) {
  make_files(kOperations);
  std::int64_t number = 0;
  for (auto _ : state) need(names().unlink(account, folder, numbered(number++), caller));
}

BENCHMARK_REGISTER_F(CoreOperations, Create)->Iterations(kOperations);
BENCHMARK_REGISTER_F(CoreOperations, CreateAndOpen)->Iterations(kOperations);
BENCHMARK_REGISTER_F(CoreOperations, Mkdir)->Iterations(kOperations);
BENCHMARK_REGISTER_F(CoreOperations, Lookup)->Iterations(kOperations);
BENCHMARK_REGISTER_F(CoreOperations, LookupOfNothing)->Iterations(kOperations);
BENCHMARK_REGISTER_F(CoreOperations, GetDirectory)->Iterations(kOperations);
BENCHMARK_REGISTER_F(CoreOperations, Chmod)->Iterations(kOperations);
BENCHMARK_REGISTER_F(CoreOperations, Open)->Iterations(kOperations);
BENCHMARK_REGISTER_F(CoreOperations, ListWithAttributes)->Iterations(kOperations);
BENCHMARK_REGISTER_F(CoreOperations, Rename)->Iterations(kOperations);
BENCHMARK_REGISTER_F(CoreOperations, Unlink)->Iterations(kOperations);

}  // namespace
}  // namespace reprieve::test

BENCHMARK_MAIN();
