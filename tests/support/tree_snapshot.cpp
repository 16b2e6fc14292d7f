// SPDX-License-Identifier: Apache-2.0
#include "tests/support/tree_snapshot.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>
#include <sstream>
#include <system_error>
#include <vector>

#include "core/base/file_descriptor.h"

namespace reprieve::test {
namespace {

using Inode = std::pair<dev_t, ino_t>;

[[noreturn]] void raise_errno(const std::string& what) {
  throw std::system_error(errno, std::generic_category(), what);
}

std::uint64_t hash_of(std::string_view bytes) {
  std::uint64_t hash = 14695981039346656037ULL;  // FNV-1a
  for (const char byte : bytes) hash = (hash ^ static_cast<unsigned char>(byte)) * 1099511628211ULL;
  return hash;
}

std::map<std::string, std::string> xattrs_of(const std::string& path) {
  std::vector<char> names(65536);
  const ssize_t length = ::llistxattr(path.c_str(), names.data(), names.size());
  if (length < 0 && errno != EOPNOTSUPP) raise_errno("llistxattr " + path);
  std::map<std::string, std::string> found;
  for (ssize_t at = 0; at < length;) {
    const std::string name(names.data() + at);
    at += static_cast<ssize_t>(name.size()) + 1;
    if (name.starts_with("user.reprieve.")) continue;
    std::vector<char> value(65536);
    const ssize_t got = ::lgetxattr(path.c_str(), name.c_str(), value.data(), value.size());
    if (got < 0) raise_errno("lgetxattr " + path);
    found[name] = std::string(value.data(), static_cast<std::size_t>(got));
  }
  return found;
}

std::string target_of(const std::string& path) {
  std::array<char, 4097> target{};
  const ssize_t got = ::readlink(path.c_str(), target.data(), target.size());
  if (got < 0) raise_errno("readlink " + path);
  return std::string(target.data(), static_cast<std::size_t>(got));
}

std::vector<std::string> names_in(const std::string& path) {
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(::opendir(path.c_str()), ::closedir);
  if (!directory) raise_errno("opendir " + path);
  std::vector<std::string> names;
  errno = 0;
  while (const dirent* entry = ::readdir(directory.get())) {
    const std::string name = entry->d_name;
    if (name != "." && name != "..") names.push_back(name);
    errno = 0;
  }
  if (errno != 0) raise_errno("readdir " + path);
  return names;
}

class Walk {
 public:
  explicit Walk(std::string top) : top_(std::move(top)) {}

  void visit(const std::string& relative) {
    const std::string path = top_ + relative;
    struct stat status {};
    if (::lstat(path.c_str(), &status) != 0) raise_errno("lstat " + path);
    tree_[relative] = describe(path, status);
    if (!S_ISDIR(status.st_mode)) {
      names_of_[{status.st_dev, status.st_ino}].push_back(relative);
      return;
    }
    for (const std::string& name : names_in(path)) visit(std::string(relative).append("/").append(name));
  }

  TreeSnapshot finish() {
    for (auto& [inode, names] : names_of_) {
      std::ranges::sort(names);
      for (const std::string& name : names) tree_[name].first_name = names.front();
    }
    return std::move(tree_);
  }

 private:
  static NodeSnapshot describe(const std::string& path, const struct stat& status) {
    NodeSnapshot node{.mode = status.st_mode,
                      .uid = status.st_uid,
                      .gid = status.st_gid,
                      .links = status.st_nlink,
                      .modified_seconds = status.st_mtim.tv_sec,
                      .modified_nanoseconds = status.st_mtim.tv_nsec,
                      .device = status.st_rdev,
                      .xattrs = xattrs_of(path)};
    if (!S_ISDIR(status.st_mode)) node.size = static_cast<std::uint64_t>(status.st_size);
    if (S_ISLNK(status.st_mode)) node.symlink_target = target_of(path);
    if (S_ISREG(status.st_mode)) {
      node.content = hash_of(read_file(path));
      node.sparse = status.st_blocks * 512 < status.st_size;
    }
    return node;
  }

  std::string top_;
  TreeSnapshot tree_;
  std::map<Inode, std::vector<std::string>> names_of_;
};

std::string describe(const NodeSnapshot& node) {
  std::ostringstream text;
  text << std::oct << node.mode << std::dec << " uid " << node.uid << " gid " << node.gid << " links " << node.links
       << " size " << node.size << " mtime " << node.modified_seconds << "." << node.modified_nanoseconds << " device "
       << node.device << (node.sparse ? " sparse" : "") << " first " << node.first_name << " -> " << node.symlink_target
       << " content " << node.content;
  for (const auto& [name, value] : node.xattrs) text << " " << name << "=" << value;
  return text.str();
}

}  // namespace

TreeSnapshot snapshot(const std::filesystem::path& top) {
  Walk walk(top.string());
  walk.visit("");
  return walk.finish();
}

std::string differences(const TreeSnapshot& expected, const TreeSnapshot& actual) {
  std::ostringstream text;
  for (const auto& [path, node] : expected) {
    const auto found = actual.find(path);
    if (found == actual.end()) {
      text << "missing: '" << path << "'\n";
    } else if (!(found->second == node)) {
      text << "differs: '" << path << "'\n  was " << describe(node) << "\n  is  " << describe(found->second) << "\n";
    }
  }
  for (const auto& [path, node] : actual) {
    if (!expected.contains(path)) text << "not expected: '" << path << "'\n";
  }
  return text.str();
}

std::string read_file(const std::filesystem::path& path) {
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) raise_errno("open " + path.string());
  std::string content;
  std::vector<char> buffer(1 << 20);
  for (;;) {
    const ssize_t got = ::read(file.get(), buffer.data(), buffer.size());
    if (got < 0) raise_errno("read " + path.string());
    if (got == 0) return content;
    content.append(buffer.data(), static_cast<std::size_t>(got));
  }
}

void write_file(const std::filesystem::path& path, std::string_view content) {
  const FileDescriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  if (!file) raise_errno("open " + path.string());
  while (!content.empty()) {
    const ssize_t put = ::write(file.get(), content.data(), content.size());
    if (put < 0) raise_errno("write " + path.string());
    content.remove_prefix(static_cast<std::size_t>(put));
  }
}

}  // namespace reprieve::test
