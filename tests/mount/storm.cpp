// SPDX-License-Identifier: Apache-2.0
#include "tests/mount/storm.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <set>
#include <sstream>
#include <stdexcept>

#include "core/base/file_descriptor.h"
#include "tests/support/command.h"
#include "tests/support/directory_names.h"

namespace reprieve::test {
namespace {

constexpr int kListed = 500;

void must(bool holds, const std::string& what) {
  if (!holds) throw std::runtime_error(what + " (errno " + std::strerror(errno) + ")");
}

void must_run(const std::vector<std::string>& arguments) {
  const CommandResult result = run(arguments);
  must(result.exit_code == 0, arguments.front() + ": " + result.describe());
}

FileDescriptor must_open(const std::filesystem::path& path, int flags) {
  FileDescriptor file(::open(path.c_str(), flags | O_CLOEXEC, 0644));
  must(static_cast<bool>(file), "open " + path.string());
  return file;
}

std::string read_at(int file, off_t offset) {
  std::string bytes(64, '\0');
  const ssize_t got = ::pread(file, bytes.data(), bytes.size(), offset);
  must(got >= 0, "pread");
  bytes.resize(static_cast<std::size_t>(got));
  return bytes;
}

}  // namespace

Storm::Storm(Places places) : places_(std::move(places)) {
  for (const char* name :
       {"names-a", "names-b", "files", "listed", "trashed", "requests", "programs", "clones", "data"}) {
    std::filesystem::create_directory(places_.project / name);
  }
  for (int i = 0; i < kListed; ++i) must_open(places_.project / "listed" / std::to_string(i), O_CREAT | O_WRONLY);
  for (const char* name : {"names-a", "names-b"}) {
    begin(name, [this, name](std::size_t round) { change_names(places_.project / name, round); });
  }
  begin("files", [this](std::size_t round) { write_files(places_.project / "files", round); });
  begin("listed", [this](std::size_t) { list_folder(places_.project / "listed"); });
  begin("trashed", [this](std::size_t round) { trash_and_restore(places_.project / "trashed", round); });
  begin("requests", [this](std::size_t) { send_requests(places_.project / "requests"); });
  begin("programs", [this](std::size_t) { run_programs(places_.project / "programs"); });
  begin("clones", [this](std::size_t) { clone_repository(places_.project / "clones"); });
  begin("data", [this](std::size_t round) { verify_data(places_.project / "data", round); });
}

Storm::~Storm() { finish(); }

void Storm::begin(const std::string& name, Round round) {
  workers_.push_back(std::make_unique<Worker>());
  Worker& worker = *workers_.back();
  worker.thread = std::thread([this, name, &worker, round = std::move(round)] {
    while (!stopping_ && !failed_) {
      try {
        round(worker.rounds++);
      } catch (const std::exception& failure) {
        complain(name + ": " + failure.what());
      }
    }
  });
}

void Storm::complain(const std::string& what) {
  const std::scoped_lock lock(mutex_);
  complaints_ += what + '\n';
  failed_ = true;
}

std::size_t Storm::rounds() const {
  const auto slowest = std::ranges::min_element(workers_, {}, [](const auto& worker) { return worker->rounds.load(); });
  return (*slowest)->rounds;
}

std::string Storm::finish() {
  stopping_ = true;
  for (const auto& worker : workers_) {
    if (worker->thread.joinable()) worker->thread.join();
  }
  const std::scoped_lock lock(mutex_);
  return complaints_;
}

// Each call of which a second one would fail.
void Storm::change_names(const std::filesystem::path& folder, std::size_t round) {
  const auto top = folder / std::to_string(round);
  must(::mkdir(top.c_str(), 0755) == 0, "mkdir");
  const FileDescriptor file = must_open(top / "f", O_CREAT | O_EXCL | O_RDWR);
  must(::write(file.get(), "before", 6) == 6, "write");
  must(::link((top / "f").c_str(), (top / "l").c_str()) == 0, "link");
  must(::symlink("target", (top / "s").c_str()) == 0, "symlink");
  must(::mkfifo((top / "p").c_str(), 0644) == 0, "mkfifo");
  must(::rename((top / "f").c_str(), (top / "g").c_str()) == 0, "rename");
  must(::setxattr((top / "g").c_str(), "user.key", "v", 1, XATTR_CREATE) == 0, "setxattr");
  must(::removexattr((top / "g").c_str(), "user.key") == 0, "removexattr");
  must(names_in(top) == std::set<std::string>{"g", "l", "p", "s"}, "the names in " + top.string());
  struct stat status {};
  must(::fstat(file.get(), &status) == 0 && status.st_nlink == 2, "two links");
  for (const char* name : {"l", "g", "s", "p"}) must(::unlink((top / name).c_str()) == 0, "unlink");
  must(::write(file.get(), " after", 6) == 6 && read_at(file.get(), 0) == "before after", "an unlinked file");
  must(::rmdir(top.c_str()) == 0, "rmdir");
  must(::access(top.c_str(), F_OK) != 0 && errno == ENOENT, "a name that is gone");
}

void Storm::write_files(const std::filesystem::path& folder, std::size_t round) {
  const auto path = folder / std::to_string(round % 20);
  const std::string text = "round " + std::to_string(round);
  {
    const FileDescriptor file = must_open(path, O_CREAT | O_TRUNC | O_WRONLY);
    must(::write(file.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()), "write");
    if (round % 16 == 0) must(::fsync(file.get()) == 0, "fsync");
  }
  must(read_at(must_open(path, O_RDONLY).get(), 0) == text, "what was written");
  const FileDescriptor unnamed = must_open(folder, O_TMPFILE | O_RDWR);
  must(::write(unnamed.get(), "x", 1) == 1 && read_at(unnamed.get(), 0) == "x", "an unnamed file");
}

void Storm::list_folder(const std::filesystem::path& folder) {
  must(names_in(folder).size() == kListed, "every name in a listing");
}

void Storm::trash_and_restore(const std::filesystem::path& folder, std::size_t round) {
  const std::string name = "item-" + std::to_string(round);
  const auto item = folder / name;
  must(::mkdir(item.c_str(), 0755) == 0, "mkdir");
  must_open(item / "in", O_CREAT | O_WRONLY);
  must(::rename(item.c_str(), (places_.trash / name).c_str()) == 0, "rename into the trash");
  must(::access(item.c_str(), F_OK) != 0, "what was trashed");
  must(::access((places_.trash / name / "in").c_str(), F_OK) == 0, "what is in the trash");
  must(::rename((places_.trash / name).c_str(), item.c_str()) == 0, "rename out of the trash");
  must(::access((item / "in").c_str(), F_OK) == 0, "what was restored");
  must_run({"rm", "-r", item});
  must(::access((places_.trash / name / "in").c_str(), F_OK) == 0, "what rm trashed");
}

// Through the socket: what rm has trashed comes back, and what a request has trashed is destroyed.
void Storm::send_requests(const std::filesystem::path& folder) {
  const auto request = [this](std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {REPRIEVECTL_PATH, "--socket", places_.socket});
    must_run(arguments);
  };
  const auto tree = folder / "requested";
  std::filesystem::create_directories(tree / "in");
  must_open(tree / "in/f", O_CREAT | O_WRONLY);
  must_run({"rm", "-r", tree});
  request({"restore", "--name", "requested"});
  must(std::filesystem::exists(tree / "in/f"), "restore");
  request({"trash", "--yes", tree});
  request({"empty", "--yes", "--name", "requested"});
  must(!std::filesystem::exists(tree) && !std::filesystem::exists(places_.trash / "requested"), "empty");
}

void Storm::run_programs(const std::filesystem::path& folder) {
  const std::filesystem::path source = SOURCES_OF_REPRIEVE;
  must_run({"cp", "-a", source / "core", folder});
  must_run({"diff", "-r", source / "core", folder / "core"});
  must_run({"rsync", "-a", source.string() + "/fs", folder});
  must_run({"sh", "-c", "tar -C '" + source.string() + "' -cf - man | tar -C '" + folder.string() + "' -xf -"});
  must_run({"diff", "-r", source / "fs", folder / "fs"});
  must_run({"diff", "-r", source / "man", folder / "man"});
  must_run({"find", folder / "man", "-delete"});
  must_run({"rm", "-r", folder / "core", folder / "fs"});
  must(names_in(folder).empty(), "an empty folder");
}

void Storm::clone_repository(const std::filesystem::path& folder) {
  const std::filesystem::path origin = origin_.path() / "origin";
  if (!std::filesystem::exists(origin)) {
    const std::vector<std::string> git{
        "git", "-C", origin, "-c", "user.name=storm", "-c", "user.email=storm@localhost"};
    const auto at_origin = [&](std::vector<std::string> arguments) {
      arguments.insert(arguments.begin(), git.begin(), git.end());
      must_run(arguments);
    };
    must_run({"git", "init", "--quiet", origin});
    must_run({"cp", "-a", std::filesystem::path(SOURCES_OF_REPRIEVE) / "core", origin});
    at_origin({"add", "."});
    at_origin({"commit", "--quiet", "--message", "what is cloned"});
  }
  const auto clone = folder / "clone";
  must_run({"git", "clone", "--quiet", "--no-hardlinks", origin, clone});
  must_run({"git", "-C", clone, "fsck", "--strict"});
  must_run({"git", "-C", clone, "diff", "--exit-code"});
  must_run({"rm", "-r", clone});
}

void Storm::verify_data(const std::filesystem::path& folder, std::size_t round) {
  constexpr std::array kKinds{"randwrite", "write", "randrw"};
  constexpr std::array kEngines{"psync", "mmap"};
  must_run({"fio", "--minimal", "--name=data", "--directory=" + folder.string(), "--size=4m", "--bs=4k",
            "--verify=crc32c", "--verify_fatal=1", "--verify_state_save=0", "--fsync=64",
            "--ioengine=" + std::string(kEngines[round % 2]), "--rw=" + std::string(kKinds[round % kKinds.size()])});
  must(std::filesystem::remove_all(folder / "data.0.0") == 1, "the file of fio");
}

}  // namespace reprieve::test
