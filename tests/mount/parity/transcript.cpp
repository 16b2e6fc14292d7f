// SPDX-License-Identifier: Apache-2.0
#include "tests/mount/parity/transcript.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <system_error>
#include <tuple>
#include <vector>

#include "tests/support/wait.h"

namespace reprieve::test {
namespace {

std::string octal(mode_t mode) {
  std::ostringstream text;
  text << std::oct << mode;
  return text.str();
}

std::set<std::string> names_here() {
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(::opendir("."), ::closedir);
  std::set<std::string> names;
  if (!directory) return names;
  while (const dirent* entry = ::readdir(directory.get())) names.insert(entry->d_name);
  return names;
}

std::string type_of(unsigned char type) {
  switch (type) {
    case DT_DIR: return "directory";
    case DT_REG: return "file";
    case DT_LNK: return "link";
    case DT_FIFO: return "fifo";
    case DT_SOCK: return "socket";
    case DT_CHR: return "character";
    case DT_BLK: return "block";
    default: return "unknown";
  }
}

// Makes the calling thread another user, but for the saved user, through which it comes back. The system calls
// themselves: the C library would change all threads. A process of its own for each would take ten times as long.
class OtherUser {
 public:
  OtherUser(uid_t user, const std::vector<gid_t>& groups)
      : groups_(static_cast<std::size_t>(std::max(0, ::getgroups(0, nullptr)))) {
    if (!groups_.empty() && ::getgroups(static_cast<int>(groups_.size()), groups_.data()) < 0) ::abort();
    become(user, user, groups);
  }
  ~OtherUser() {
    if (::syscall(SYS_setresuid, 0, 0, 0) != 0) ::abort();
    become(0, 0, groups_);
  }
  OtherUser(const OtherUser&) = delete;
  OtherUser& operator=(const OtherUser&) = delete;

 private:
  static void become(uid_t user, gid_t group, const std::vector<gid_t>& groups) {
    const bool became = ::syscall(SYS_setgroups, groups.size(), groups.data()) == 0 &&
                        ::syscall(SYS_setresgid, group, group, group) == 0 &&
                        ::syscall(SYS_setresuid, user, user, 0) == 0;
    if (!became) ::abort();
  }
  std::vector<gid_t> groups_;
};

// Access and modification of what is watched.
constexpr std::array<timespec, 2> kPast{timespec{1'000'000'000, 111'111'111}, timespec{1'000'000'001, 222'222'222}};

bool same_time(const timespec& a, const timespec& b) { return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec; }

}  // namespace

std::string printable(std::string_view bytes) {
  std::ostringstream text;
  std::size_t shown = 0;
  for (const char byte : bytes) {
    if (++shown > 80) return text.str() + "... (" + std::to_string(bytes.size()) + " bytes)";
    const auto value = static_cast<unsigned char>(byte);
    if (value >= 0x20 && value < 0x7f) {
      text << byte;
    } else {
      text << "\\" << octal(value);
    }
  }
  return text.str();
}

Transcript::Transcript(const std::filesystem::path& directory)
    : previous_directory_(::open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
  if (::chdir(directory.c_str()) != 0) throw std::system_error(errno, std::generic_category(), directory.string());
  ::lstat(".", &top_);
  there_before_ = names_here();
  there_before_.erase(".");
  there_before_.erase("..");
}

Transcript::~Transcript() {
  if (::fchdir(previous_directory_.get()) != 0) ::abort();
}

std::int64_t Transcript::note(const std::string& what, std::int64_t result) {
  const int number = errno;
  std::string line = what + " = " + std::to_string(result);
  if (result < 0) line += std::string(" ") + ::strerrorname_np(number);
  lines_.push_back(std::move(line));
  return result;
}

void Transcript::note(const std::string& what, const std::string& value) {
  lines_.push_back(what + " = " + printable(value));
}

void Transcript::mkdir(const std::string& path, mode_t mode) {
  note("mkdir " + printable(path) + " " + octal(mode), ::mkdir(path.c_str(), mode));
}

void Transcript::rmdir(const std::string& path) { note("rmdir " + printable(path), ::rmdir(path.c_str())); }

void Transcript::create(const std::string& path, std::string_view content, mode_t mode) {
  const FileDescriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode));
  note("create " + printable(path) + " " + octal(mode), file ? 0 : -1);
  if (!file || content.empty()) return;
  note("write " + std::to_string(content.size()), ::write(file.get(), content.data(), content.size()));
}

void Transcript::unlink(const std::string& path) { note("unlink " + printable(path), ::unlink(path.c_str())); }

void Transcript::unlinkat(const std::string& path, int flags) {
  note("unlinkat " + printable(path) + " " + std::to_string(flags), ::unlinkat(AT_FDCWD, path.c_str(), flags));
}

void Transcript::rename(const std::string& from, const std::string& to, unsigned flags) {
  note("rename " + printable(from) + " " + printable(to) + " " + std::to_string(flags),
       ::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), flags));
}

void Transcript::link(const std::string& from, const std::string& to, int flags) {
  note("link " + printable(from) + " " + printable(to), ::linkat(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), flags));
}

void Transcript::symlink(const std::string& target, const std::string& path) {
  note("symlink " + printable(target) + " " + printable(path), ::symlink(target.c_str(), path.c_str()));
}

void Transcript::readlink(const std::string& path, std::size_t size) {
  std::string target(size, '\0');
  const ssize_t got = ::readlink(path.c_str(), target.data(), target.size());
  note("readlink " + printable(path), got);
  if (got > 0) note("  target", target.substr(0, static_cast<std::size_t>(got)));
}

void Transcript::mknod(const std::string& path, mode_t mode, dev_t device) {
  note("mknod " + printable(path) + " " + octal(mode), ::mknod(path.c_str(), mode, device));
}

void Transcript::list(const std::string& path) {
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(::opendir(path.c_str()), ::closedir);
  note("opendir " + printable(path), directory ? 0 : -1);
  if (!directory) return;
  std::multiset<std::string> entries;
  errno = 0;
  while (const dirent* entry = ::readdir(directory.get())) {
    if (path != "." || !there_before_.contains(entry->d_name))
      entries.insert(printable(entry->d_name) + " " + type_of(entry->d_type));
    errno = 0;
  }
  note("  readdir ended with", errno == 0 ? 0 : -1);
  for (const std::string& entry : entries) lines_.push_back("  " + entry);
}

void Transcript::access(const std::string& path, int mode) {
  note("access " + printable(path) + " " + std::to_string(mode), ::access(path.c_str(), mode));
}

void Transcript::chdir(const std::string& path) { note("chdir " + printable(path), ::chdir(path.c_str())); }

void Transcript::note_status(const std::string& what, int result, const struct stat& status) {
  note(what, result);
  if (result != 0) return;
  std::int64_t links = static_cast<std::int64_t>(status.st_nlink);
  if (status.st_ino == top_.st_ino && status.st_dev == top_.st_dev) links -= static_cast<std::int64_t>(top_.st_nlink);
  std::ostringstream line;
  line << "  mode " << octal(status.st_mode) << " links " << links << " uid " << status.st_uid << " gid "
       << status.st_gid << " device " << status.st_rdev;
  if (!S_ISDIR(status.st_mode)) line << " size " << status.st_size;
  lines_.push_back(line.str());
}

void Transcript::stat(const std::string& path, int flags) {
  struct stat status {};
  const int result = ::fstatat(AT_FDCWD, path.c_str(), &status, flags);
  note_status("stat " + printable(path), result, status);
}

void Transcript::fstat(int file) {
  struct stat status {};
  const int result = ::fstat(file, &status);
  note_status("fstat", result, status);
}

void Transcript::same_inode(const std::string& a, const std::string& b) {
  struct stat first {};
  struct stat second {};
  ::lstat(a.c_str(), &first);
  ::lstat(b.c_str(), &second);
  note(printable(a) + " is " + printable(b), first.st_ino == second.st_ino ? 1 : 0);
}

void Transcript::chmod(const std::string& path, mode_t mode) {
  note("chmod " + printable(path) + " " + octal(mode), ::chmod(path.c_str(), mode));
}

void Transcript::chown(const std::string& path, uid_t uid, gid_t gid, int flags) {
  note("chown " + printable(path) + " " + std::to_string(static_cast<std::int32_t>(uid)) + ":" +
           std::to_string(static_cast<std::int32_t>(gid)),
       ::fchownat(AT_FDCWD, path.c_str(), uid, gid, flags));
}

void Transcript::truncate(const std::string& path, off_t size) {
  note("truncate " + printable(path) + " " + std::to_string(size), ::truncate(path.c_str(), size));
}

void Transcript::set_times(const std::string& path, timespec accessed, timespec modified, int flags) {
  const std::array<timespec, 2> times{accessed, modified};
  note("utimensat " + printable(path), ::utimensat(AT_FDCWD, path.c_str(), times.data(), flags));
}

void Transcript::age(const std::vector<std::string>& paths) {
  for (const std::string& path : paths) ::utimensat(AT_FDCWD, path.c_str(), kPast.data(), AT_SYMLINK_NOFOLLOW);
}

void Transcript::watch(const std::vector<std::string>& paths) {
  watched_.clear();
  for (const std::string& path : paths) {
    struct stat now {};
    const bool is_aged =
        ::lstat(path.c_str(), &now) == 0 && same_time(now.st_atim, kPast[0]) && same_time(now.st_mtim, kPast[1]);
    if (!is_aged) age({path});
    FileDescriptor object(::open(path.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
    struct stat before {};
    if (::fstat(object.get(), &before) != 0) throw std::logic_error("watch: " + path);
    watched_.push_back({path, std::move(object), before});
  }
  const auto ticked = [&] {
    timespec now{};
    ::clock_gettime(CLOCK_REALTIME_COARSE, &now);
    for (const Watched& watched : watched_) {
      const timespec& changed = watched.before.st_ctim;
      if (std::tie(now.tv_sec, now.tv_nsec) <= std::tie(changed.tv_sec, changed.tv_nsec)) return false;
    }
    return true;
  };
  if (!wait_until(ticked)) throw std::logic_error("watch: a change time lies in the future");
}

void Transcript::let_clock_tick() {
  const auto now = [] {
    timespec time{};
    ::clock_gettime(CLOCK_REALTIME_COARSE, &time);
    return std::pair(time.tv_sec, time.tv_nsec);
  };
  for (int ticks = 0; ticks < 2; ++ticks) {
    const auto start = now();
    wait_until([&] { return now() != start; });
  }
}

void Transcript::changes(Access access) {
  for (const Watched& watched : watched_) {
    struct stat after {};
    std::string changed;
    if (::fstat(watched.object.get(), &after) != 0) {
      changed = std::string(" (fstat: ") + ::strerrorname_np(errno) + ")";
    } else {
      // The kernel follows a symbolic link whose target it remembers without asking anybody.
      const bool counts = access == Access::yes && !S_ISLNK(after.st_mode);
      if (counts && !same_time(after.st_atim, watched.before.st_atim)) changed += " atime";
      if (!same_time(after.st_mtim, watched.before.st_mtim)) changed += " mtime";
      if (!same_time(after.st_ctim, watched.before.st_ctim)) changed += " ctime";
    }
    lines_.push_back("  changed of " + printable(watched.path) + ":" + changed);
  }
}

void Transcript::in_child(const std::function<void(Transcript&)>& calls) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw std::system_error(errno, std::generic_category(), "pipe2");
  const FileDescriptor reading(ends[0]);
  FileDescriptor writing(ends[1]);
  const pid_t child = ::fork();
  if (child == 0) {
    lines_.clear();
    calls(*this);
    for (const std::string& line : lines_) ::dprintf(writing.get(), "%s\n", line.c_str());
    ::_exit(0);
  }
  writing.reset();
  std::string text;
  std::array<char, 4096> buffer{};
  for (ssize_t got = 0; (got = ::read(reading.get(), buffer.data(), buffer.size())) > 0;)
    text.append(buffer.data(), static_cast<std::size_t>(got));
  int status = 0;
  ::waitpid(child, &status, 0);
  if (status != 0) text += "(the child ended with status " + std::to_string(status) + ")\n";
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines_.push_back("child: " + line);
}

void Transcript::as_user(uid_t user, const std::function<void(Transcript&)>& calls, const std::vector<gid_t>& groups) {
  const std::size_t open_before = open_.size();
  {
    const OtherUser other(user, groups);
    calls(*this);
  }
  open_.resize(open_before);
}

}  // namespace reprieve::test
