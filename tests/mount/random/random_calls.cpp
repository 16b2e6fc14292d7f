// SPDX-License-Identifier: Apache-2.0
#include "tests/mount/random/random_calls.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <set>
#include <sstream>

namespace reprieve::test {
namespace {

constexpr std::size_t kSharedDirectories = 3;
constexpr std::size_t kNames = 4;
constexpr std::size_t kLongest = 20'000;

std::string shared(std::size_t number) { return "shared" + std::to_string(number); }

std::string hash_of(const std::string& bytes) {
  return std::to_string(bytes.size()) + " bytes " + std::to_string(std::hash<std::string>{}(bytes));
}

}  // namespace

RandomCalls::RandomCalls(std::filesystem::path top, std::string prefix, std::uint64_t seed)
    : top_(std::move(top)), prefix_(std::move(prefix)), choices_(seed ^ std::hash<std::string>{}(prefix_)) {}

void RandomCalls::prepare(const std::filesystem::path& top) {
  for (std::size_t i = 0; i < kSharedDirectories; ++i) std::filesystem::create_directory(top / shared(i));
}

const std::vector<RandomCalls::Kind>& RandomCalls::kinds() {
  using Calls = RandomCalls;
  static const std::vector<Kind> all{
      {12, &Calls::create},   {8, &Calls::mkdir},        {2, &Calls::mknod},     {3, &Calls::symlink},
      {5, &Calls::link},      {9, &Calls::unlink},       {5, &Calls::rmdir},     {12, &Calls::rename},
      {3, &Calls::chmod},     {2, &Calls::chown},        {3, &Calls::set_times}, {3, &Calls::truncate},
      {3, &Calls::set_xattr}, {2, &Calls::remove_xattr}, {6, &Calls::stat},      {3, &Calls::list},
      {1, &Calls::readlink},  {4, &Calls::content},      {6, &Calls::open},      {1, &Calls::open_unnamed},
      {1, &Calls::name_open}, {8, &Calls::write_open},   {5, &Calls::read_open}, {3, &Calls::truncate_open},
      {4, &Calls::stat_open}, {3, &Calls::close_open},
  };
  return all;
}

std::string RandomCalls::next() {
  unsigned total = 0;
  for (const Kind& kind : kinds()) total += kind.weight;
  auto at = static_cast<unsigned>(choices_.below(total));
  for (const Kind& kind : kinds()) {
    if (at < kind.weight) return (this->*kind.make)();
    at -= kind.weight;
  }
  return {};
}

std::string RandomCalls::any_path() {
  const auto name = [this] { return prefix_ + static_cast<char>('a' + choices_.below(kNames)); };
  std::string path = shared(choices_.below(kSharedDirectories)) + "/" + name();
  if (choices_.one_in(2)) path += "/" + name();
  return path;
}

std::string RandomCalls::told(const std::string& call, std::int64_t result) const {
  const int number = errno;
  std::string text = call + " = " + std::to_string(result);
  if (result < 0) text += std::string(" ") + ::strerrorname_np(number);
  return text;
}

std::string RandomCalls::told(const struct stat& status) {
  std::ostringstream text;
  text << " mode " << std::oct << status.st_mode << std::dec << " links " << status.st_nlink << " owner "
       << status.st_uid << ":" << status.st_gid << " device " << status.st_rdev;
  if (!S_ISDIR(status.st_mode)) text << " size " << status.st_size;
  return text.str();
}

std::int64_t RandomCalls::in_child_if_directory(const std::string& path, const std::function<int()>& call) const {
  struct stat status {};
  if (::lstat(full(path).c_str(), &status) != 0 || !S_ISDIR(status.st_mode)) return call();
  const pid_t child = ::fork();
  if (child == 0) ::_exit(call() == 0 ? 0 : errno);
  int ended = 0;
  while (::waitpid(child, &ended, 0) < 0 && errno == EINTR) {
  }
  errno = WEXITSTATUS(ended);
  return errno == 0 ? 0 : -1;
}

std::string RandomCalls::create() {
  const std::string path = any_path();
  const int flags = O_CREAT | O_RDWR | (choices_.one_in(2) ? O_EXCL : 0) | (choices_.one_in(4) ? O_TRUNC : 0);
  const std::string bytes = choices_.bytes(choices_.below(kLongest));
  const FileDescriptor file(::open(full(path).c_str(), flags | O_CLOEXEC, 0640));
  std::string text = told("create " + path, file ? 0 : -1);
  if (file) text += told(" write", ::write(file.get(), bytes.data(), bytes.size()));
  return text;
}

std::string RandomCalls::mkdir() {
  const std::string path = any_path();
  return told("mkdir " + path, ::mkdir(full(path).c_str(), choices_.one_in(4) ? 02770 : 0755));
}

std::string RandomCalls::mknod() {
  const std::string path = any_path();
  return told("mknod " + path, ::mknod(full(path).c_str(), S_IFIFO | 0604, 0));
}

std::string RandomCalls::symlink() {
  const std::string path = any_path();
  const std::string target = choices_.one_in(2) ? std::string("../") + any_path() : prefix_ + "nowhere";
  return told("symlink " + target + " " + path, ::symlink(target.c_str(), full(path).c_str()));
}

std::string RandomCalls::link() {
  const std::string from = any_path();
  const std::string to = any_path();
  return told("link " + from + " " + to, ::link(full(from).c_str(), full(to).c_str()));
}

std::string RandomCalls::unlink() {
  const std::string path = any_path();
  return told("unlink " + path, ::unlink(full(path).c_str()));
}

std::string RandomCalls::rmdir() {
  const std::string path = any_path();
  return told("rmdir " + path, in_child_if_directory(path, [&] { return ::rmdir(full(path).c_str()); }));
}

std::string RandomCalls::rename() {
  const std::string from = any_path();
  const std::string to = any_path();
  constexpr std::array<unsigned, 6> kFlags{0, 0, 0, 0, RENAME_NOREPLACE, RENAME_EXCHANGE};
  const unsigned flags = kFlags[choices_.below(kFlags.size())];
  const auto call = [&] { return ::renameat2(AT_FDCWD, full(from).c_str(), AT_FDCWD, full(to).c_str(), flags); };
  return told("rename " + from + " " + to + " " + std::to_string(flags), in_child_if_directory(to, call));
}

std::string RandomCalls::chmod() {
  const std::string path = any_path();
  const auto mode = static_cast<mode_t>(choices_.below(010000) | S_IRWXU);
  return told("chmod " + path, ::fchmodat(AT_FDCWD, full(path).c_str(), mode, 0));
}

std::string RandomCalls::chown() {
  const std::string path = any_path();
  const auto uid = static_cast<uid_t>(choices_.below(3));
  const auto gid = static_cast<gid_t>(choices_.below(3));
  return told("chown " + path, ::lchown(full(path).c_str(), uid, gid));
}

std::string RandomCalls::set_times() {
  const std::string path = any_path();
  const auto time = [this] {
    return timespec{static_cast<time_t>(choices_.below(1U << 31U)), static_cast<long>(choices_.below(1'000'000'000))};
  };
  const std::array<timespec, 2> times{time(), time()};
  std::string text =
      told("utimensat " + path, ::utimensat(AT_FDCWD, full(path).c_str(), times.data(), AT_SYMLINK_NOFOLLOW));
  struct stat status {};
  if (::lstat(full(path).c_str(), &status) == 0)
    text += " mtime " + std::to_string(status.st_mtim.tv_sec) + "." + std::to_string(status.st_mtim.tv_nsec);
  return text;
}

std::string RandomCalls::truncate() {
  const std::string path = any_path();
  // A fifo would be waited for; truncate(2) of one does not.
  return told("truncate " + path, ::truncate(full(path).c_str(), static_cast<off_t>(choices_.below(kLongest))));
}

std::string RandomCalls::set_xattr() {
  const std::string path = any_path();
  const std::string name = std::string("user.") + static_cast<char>('a' + choices_.below(3));
  const std::string value = choices_.bytes(choices_.below(200));
  return told("setxattr " + path + " " + name, ::lsetxattr(full(path).c_str(), name.c_str(), value.data(), value.size(),
                                                           static_cast<int>(choices_.below(3))));
}

std::string RandomCalls::remove_xattr() {
  const std::string path = any_path();
  const std::string name = std::string("user.") + static_cast<char>('a' + choices_.below(3));
  return told("removexattr " + path + " " + name, ::lremovexattr(full(path).c_str(), name.c_str()));
}

std::string RandomCalls::stat() {
  const std::string path = any_path();
  struct stat status {};
  const int result = ::fstatat(AT_FDCWD, full(path).c_str(), &status, choices_.one_in(2) ? 0 : AT_SYMLINK_NOFOLLOW);
  return told("stat " + path, result) + (result == 0 ? told(status) : std::string());
}

std::string RandomCalls::list() {
  std::string path = any_path();
  path.resize(path.rfind('/'));
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(::opendir(full(path).c_str()), ::closedir);
  std::string text = told("list " + path, directory ? 0 : -1);
  if (!directory) return text;
  // Only its own: those of others come and go.
  std::multiset<std::string> names;
  while (const dirent* entry = ::readdir(directory.get())) {
    if (std::string(entry->d_name).starts_with(prefix_)) names.insert(entry->d_name);
  }
  for (const std::string& name : names) text += " " + name;
  return text;
}

std::string RandomCalls::readlink() {
  const std::string path = any_path();
  std::array<char, 200> target{};
  const ssize_t got = ::readlink(full(path).c_str(), target.data(), target.size());
  return told("readlink " + path, got) + " " + std::string(target.data());
}

std::string RandomCalls::content() {
  const std::string path = any_path();
  const FileDescriptor file(::open(full(path).c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  std::string text = told("content " + path, file ? 0 : -1);
  if (!file) return text;
  std::string bytes(2 * kLongest, '\0');
  const ssize_t got = ::pread(file.get(), bytes.data(), bytes.size(), 0);
  bytes.resize(got < 0 ? 0 : static_cast<std::size_t>(got));
  return text + told(" read", got) + " " + hash_of(bytes);
}

std::string RandomCalls::open() {
  const std::string path = any_path();
  FileDescriptor& slot = open_[choices_.below(open_.size())];
  const int flags = (choices_.one_in(3) ? O_RDONLY : O_RDWR) | (choices_.one_in(3) ? O_CREAT : 0) |
                    (choices_.one_in(4) ? O_APPEND : 0) | O_NONBLOCK | O_CLOEXEC;
  slot = FileDescriptor(::open(full(path).c_str(), flags, 0666));
  return told("open " + path + " " + std::to_string(flags), slot ? 0 : -1);
}

std::string RandomCalls::open_unnamed() {
  FileDescriptor& slot = open_[choices_.below(open_.size())];
  const std::string path = shared(choices_.below(kSharedDirectories));
  slot = FileDescriptor(::open(full(path).c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  return told("open unnamed " + path, slot ? 0 : -1);
}

std::string RandomCalls::name_open() {
  const FileDescriptor& slot = open_[choices_.below(open_.size())];
  const std::string path = any_path();
  // A fifo that was removed still has a link to show, so that the kernel asks for another (tests/mount/README.md).
  struct stat status {};
  if (::fstat(slot.get(), &status) == 0 && !S_ISREG(status.st_mode)) return "link open " + path;
  const std::string through = "/proc/self/fd/" + std::to_string(slot.get());
  return told("link open " + path,
              ::linkat(AT_FDCWD, through.c_str(), AT_FDCWD, full(path).c_str(), AT_SYMLINK_FOLLOW));
}

std::string RandomCalls::write_open() {
  const FileDescriptor& slot = open_[choices_.below(open_.size())];
  const std::string bytes = choices_.bytes(choices_.below(kLongest / 4));
  const auto offset = static_cast<off_t>(choices_.below(kLongest));
  return told("pwrite", ::pwrite(slot.get(), bytes.data(), bytes.size(), offset));
}

std::string RandomCalls::read_open() {
  const FileDescriptor& slot = open_[choices_.below(open_.size())];
  std::string bytes(choices_.below(kLongest), '\0');
  const ssize_t got = ::pread(slot.get(), bytes.data(), bytes.size(), static_cast<off_t>(choices_.below(kLongest)));
  bytes.resize(got < 0 ? 0 : static_cast<std::size_t>(got));
  return told("pread", got) + " " + hash_of(bytes);
}

std::string RandomCalls::truncate_open() {
  const FileDescriptor& slot = open_[choices_.below(open_.size())];
  return told("ftruncate", ::ftruncate(slot.get(), static_cast<off_t>(choices_.below(kLongest))));
}

std::string RandomCalls::stat_open() {
  const FileDescriptor& slot = open_[choices_.below(open_.size())];
  struct stat status {};
  const int result = ::fstat(slot.get(), &status);
  // What is not a regular file and was removed lives on in the trash, with the links that it had.
  return told("fstat", result) + (result == 0 && S_ISREG(status.st_mode) ? told(status) : std::string());
}

std::string RandomCalls::close_open() {
  open_[choices_.below(open_.size())].reset();
  return "close";
}

}  // namespace reprieve::test
