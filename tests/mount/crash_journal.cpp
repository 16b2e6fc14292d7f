// SPDX-License-Identifier: Apache-2.0
// Operations of the crash test as text, and carried out in the mount.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <sstream>
#include <string_view>

#include "core/base/file_descriptor.h"
#include "tests/mount/crash_model.h"

namespace reprieve::test {
namespace {

using Verb = CrashOperation::Verb;

constexpr std::array<std::pair<Verb, std::string_view>, 12> kWords{{{Verb::create, "create"},
                                                                    {Verb::write, "write"},
                                                                    {Verb::truncate, "truncate"},
                                                                    {Verb::make_directory, "mkdir"},
                                                                    {Verb::make_symlink, "symlink"},
                                                                    {Verb::link, "link"},
                                                                    {Verb::rename, "rename"},
                                                                    {Verb::unlink, "unlink"},
                                                                    {Verb::remove_directory, "rmdir"},
                                                                    {Verb::discard, "discard"},
                                                                    {Verb::restore, "restore"},
                                                                    {Verb::change_mode, "chmod"}}};

int errno_unless(bool succeeded) { return succeeded ? 0 : errno; }

// One call of less than a page, over text of the same length or none: whole or not there.
int write_text(const std::string& path, const std::string& text) {
  const FileDescriptor file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!file) return errno;
  return errno_unless(::pwrite(file.get(), text.data(), text.size(), 0) == static_cast<ssize_t>(text.size()));
}

}  // namespace

std::string CrashOperation::to_text() const {
  for (const auto& [each, word] : kWords) {
    if (each == verb) return std::string(word) + " " + path + " " + other;
  }
  return {};
}

std::optional<CrashOperation> CrashOperation::parse(const std::string& line) {
  std::istringstream fields(line);
  std::string word;
  CrashOperation operation;
  fields >> word >> operation.path >> operation.other;
  for (const auto& [verb, known] : kWords) {
    if (word != known) continue;
    operation.verb = verb;
    return operation;
  }
  return std::nullopt;
}

int CrashOperation::run(const std::filesystem::path& top, const std::filesystem::path& trash) const {
  const std::string from = top / path;
  const std::string to = top / other;
  switch (verb) {
    case Verb::create: {
      const FileDescriptor file(::open(from.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0644));
      return errno_unless(static_cast<bool>(file));
    }
    case Verb::write: return write_text(from, other);
    case Verb::truncate: return errno_unless(::truncate(from.c_str(), 0) == 0);
    case Verb::make_directory: return errno_unless(::mkdir(from.c_str(), 0755) == 0);
    case Verb::make_symlink: return errno_unless(::symlink(other.c_str(), from.c_str()) == 0);
    case Verb::link: return errno_unless(::link(from.c_str(), to.c_str()) == 0);
    case Verb::rename: return errno_unless(::rename(from.c_str(), to.c_str()) == 0);
    case Verb::unlink: return errno_unless(::unlink(from.c_str()) == 0);
    case Verb::remove_directory: return errno_unless(::rmdir(from.c_str()) == 0);
    case Verb::discard: return errno_unless(::rename(from.c_str(), (trash / other).c_str()) == 0);
    case Verb::restore: return errno_unless(::rename((trash / path).c_str(), to.c_str()) == 0);
    case Verb::change_mode:
      return errno_unless(::chmod(from.c_str(), static_cast<mode_t>(std::strtoul(other.c_str(), nullptr, 8))) == 0);
  }
  return EINVAL;
}

}  // namespace reprieve::test
