// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/file_descriptor.h"

namespace reprieve::test {

// Makes system calls in a directory of its own and writes down what each answered: value, errno, and what stat(2)
// shows afterwards. The same calls in two places give the same lines where the two file systems agree. Paths are
// relative to that directory, which is the current one while the transcript lives. What was in the directory at the
// start is left out of listings and link counts.
class Transcript {
 public:
  explicit Transcript(const std::filesystem::path& directory);
  Transcript(const Transcript&) = delete;
  Transcript& operator=(const Transcript&) = delete;
  ~Transcript();

  [[nodiscard]] const std::vector<std::string>& lines() const { return lines_; }

  // For calls without a method here: writes down `what` and the result, with errno when it is negative.
  std::int64_t note(const std::string& what, std::int64_t result);
  void note(const std::string& what, const std::string& value);

  // Names.
  void mkdir(const std::string& path, mode_t mode = 0755);
  void rmdir(const std::string& path);
  void create(const std::string& path, std::string_view content = {}, mode_t mode = 0644);
  void unlink(const std::string& path);
  void unlinkat(const std::string& path, int flags);
  void rename(const std::string& from, const std::string& to, unsigned flags = 0);
  void link(const std::string& from, const std::string& to, int flags = 0);
  void symlink(const std::string& target, const std::string& path);
  void readlink(const std::string& path, std::size_t size = 4096);
  void mknod(const std::string& path, mode_t mode, dev_t device = 0);
  void list(const std::string& path);
  void access(const std::string& path, int mode);
  void chdir(const std::string& path);

  // Attributes.
  void stat(const std::string& path, int flags = AT_SYMLINK_NOFOLLOW);
  void fstat(int file);
  void same_inode(const std::string& a, const std::string& b);
  void chmod(const std::string& path, mode_t mode);
  void chown(const std::string& path, uid_t uid, gid_t gid, int flags = 0);
  void truncate(const std::string& path, off_t size);
  void set_times(const std::string& path, timespec accessed, timespec modified, int flags = 0);
  void set_xattr(const std::string& path, const std::string& name, std::string_view value, int flags = 0);
  void get_xattr(const std::string& path, const std::string& name, std::size_t size = 65536);
  void list_xattrs(const std::string& path, std::size_t size = 65536);
  void remove_xattr(const std::string& path, const std::string& name);

  // Open files. Descriptors are closed with the transcript.
  int open(const std::string& path, int flags, mode_t mode = 0644);
  void close(int file);
  void write(int file, std::string_view content);
  void pwrite(int file, std::string_view content, off_t offset);
  void read(int file, std::size_t size);
  void pread(int file, std::size_t size, off_t offset);
  void ftruncate(int file, off_t size);
  void lseek(int file, off_t offset, int whence);
  void fallocate(int file, int mode, off_t offset, off_t length);
  void content(const std::string& path);
  // Whether the file has fewer blocks than its size asks for.
  void sparseness(const std::string& path);

  // From here on, which times of these objects change: they are aged, and the clock has ticked when this returns. What
  // age() has aged already costs no tick.
  void watch(const std::vector<std::string>& paths);
  static void age(const std::vector<std::string>& paths);
  // `access`: whether the time of access counts.
  enum class Access : bool { no, yes };
  void changes(Access access = Access::yes);
  // Lets the kernel's clock tick twice: for so long at most may it keep attributes of a file that is being written.
  static void let_clock_tick();

  // Runs calls in another process; its lines become part of this transcript.
  void in_child(const std::function<void(Transcript&)>& calls);
  // Runs calls as another user, whose group has the same number, and who is in no others but `groups`. What it opens is
  // closed afterwards.
  void as_user(uid_t user, const std::function<void(Transcript&)>& calls, const std::vector<gid_t>& groups = {});

 private:
  struct Watched {
    std::string path;
    FileDescriptor object;
    struct stat before {};
  };

  void note_status(const std::string& what, int result, const struct stat& status);

  std::vector<std::string> lines_;
  std::vector<FileDescriptor> open_;
  std::vector<Watched> watched_;
  FileDescriptor previous_directory_;
  struct stat top_ {};
  std::set<std::string> there_before_;
};

// Bytes in a form that can be printed.
std::string printable(std::string_view bytes);

}  // namespace reprieve::test
