// SPDX-License-Identifier: Apache-2.0
// The part of Transcript that works on open files and extended attributes.
#include <fcntl.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <set>

#include "tests/mount/parity/transcript.h"

namespace reprieve::test {

void Transcript::set_xattr(const std::string& path, const std::string& name, std::string_view value, int flags) {
  note("setxattr " + printable(path) + " " + printable(name) + " " + std::to_string(flags),
       ::lsetxattr(path.c_str(), name.c_str(), value.data(), value.size(), flags));
}

void Transcript::get_xattr(const std::string& path, const std::string& name, std::size_t size) {
  std::string value(size, '\0');
  const ssize_t got = ::lgetxattr(path.c_str(), name.c_str(), value.data(), size);
  note("getxattr " + printable(path) + " " + printable(name) + " " + std::to_string(size), got);
  if (got > 0 && size > 0) note("  value", value.substr(0, static_cast<std::size_t>(got)));
}

void Transcript::list_xattrs(const std::string& path, std::size_t size) {
  std::string names(size, '\0');
  const ssize_t got = ::llistxattr(path.c_str(), names.data(), size);
  // The names that every entry of Reprieve has would change the length: only the user's own are compared.
  std::set<std::string> own;
  for (std::size_t at = 0; got > 0 && at < static_cast<std::size_t>(got) && size > 0;) {
    const std::string name = names.c_str() + at;
    at += name.size() + 1;
    if (!name.starts_with("user.reprieve.")) own.insert(name);
  }
  note("listxattr " + printable(path), got < 0 ? -1 : 0);
  for (const std::string& name : own) note("  name", name);
}

void Transcript::remove_xattr(const std::string& path, const std::string& name) {
  note("removexattr " + printable(path) + " " + printable(name), ::lremovexattr(path.c_str(), name.c_str()));
}

int Transcript::open(const std::string& path, int flags, mode_t mode) {
  FileDescriptor file(::open(path.c_str(), flags | O_CLOEXEC, mode));
  note("open " + printable(path) + " " + std::to_string(flags), file ? 0 : -1);
  const int number = file.get();
  open_.push_back(std::move(file));
  return number;
}

void Transcript::close(int file) {
  for (FileDescriptor& open : open_) {
    if (open.get() == file && file >= 0) note("close", ::close(open.release()));
  }
}

void Transcript::write(int file, std::string_view content) {
  note("write " + std::to_string(content.size()), ::write(file, content.data(), content.size()));
}

void Transcript::pwrite(int file, std::string_view content, off_t offset) {
  note("pwrite " + std::to_string(content.size()) + " at " + std::to_string(offset),
       ::pwrite(file, content.data(), content.size(), offset));
}

void Transcript::read(int file, std::size_t size) {
  std::string content(size, '\0');
  const ssize_t got = ::read(file, content.data(), size);
  note("read " + std::to_string(size), got);
  if (got > 0) note("  bytes", content.substr(0, static_cast<std::size_t>(got)));
}

void Transcript::pread(int file, std::size_t size, off_t offset) {
  std::string content(size, '\0');
  const ssize_t got = ::pread(file, content.data(), size, offset);
  note("pread " + std::to_string(size) + " at " + std::to_string(offset), got);
  if (got > 0) note("  bytes", content.substr(0, static_cast<std::size_t>(got)));
}

void Transcript::ftruncate(int file, off_t size) { note("ftruncate " + std::to_string(size), ::ftruncate(file, size)); }

void Transcript::lseek(int file, off_t offset, int whence) {
  note("lseek " + std::to_string(offset) + " " + std::to_string(whence), ::lseek(file, offset, whence));
}

void Transcript::fallocate(int file, int mode, off_t offset, off_t length) {
  note("fallocate " + std::to_string(mode) + " " + std::to_string(offset) + " " + std::to_string(length),
       ::fallocate(file, mode, offset, length));
}

void Transcript::content(const std::string& path) {
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  note("content of " + printable(path), file ? 0 : -1);
  if (!file) return;
  std::string text;
  std::string buffer(65536, '\0');
  for (ssize_t got = 0; (got = ::read(file.get(), buffer.data(), buffer.size())) > 0;)
    text.append(buffer, 0, static_cast<std::size_t>(got));
  note("  bytes", text);
  note("  hash", std::to_string(std::hash<std::string>{}(text)));
}

void Transcript::sparseness(const std::string& path) {
  struct stat status {};
  const int result = ::lstat(path.c_str(), &status);
  note("sparse " + printable(path), result != 0 ? -1 : (status.st_blocks * 512 < status.st_size ? 1 : 0));
}

}  // namespace reprieve::test
