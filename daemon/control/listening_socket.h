// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/stat.h>
#include <sys/types.h>

#include <filesystem>
#include <optional>

#include "core/base/file_descriptor.h"
#include "core/base/result.h"

namespace reprieve::control {

// A listening AF_UNIX stream socket and the file that leads to it. The file is removed with the object, unless the
// socket was inherited or another socket has taken the path since. Not thread-safe.
class ListeningSocket {
 public:
  // Whether a socket can have such a path: invalid_argument (none), name_too_long.
  static Result<void> check_name(const std::filesystem::path& path);
  // Whether bind() would be possible: exists (somebody answers, or the path is no socket), not_found (there is no such
  // directory), name_too_long, access_denied. Changes nothing.
  static Result<void> check(const std::filesystem::path& path);
  // Makes the socket; nobody can connect before owner and mode are set. A socket file that nobody answers on is
  // replaced. Errors: those of check(), io.
  static Result<ListeningSocket> bind(const std::filesystem::path& path, std::optional<gid_t> group, mode_t mode);
  // Takes over a socket that already listens, as socket activation gives it. `path`: the file that leads to it, which
  // is this object's then; empty where it is somebody else's. invalid_argument.
  static Result<ListeningSocket> inherit(int descriptor, const std::filesystem::path& path = {});

  ListeningSocket(ListeningSocket&&) noexcept = default;
  ListeningSocket& operator=(ListeningSocket&&) = delete;
  ~ListeningSocket();

  // Lends the descriptor.
  [[nodiscard]] int descriptor() const { return descriptor_.get(); }
  // Leaves the file where it is, for who goes on with the socket.
  void leave();
  // Gives it away, for a library that closes it; the file stays this object's.
  [[nodiscard]] int release_descriptor() { return descriptor_.release(); }

 private:
  explicit ListeningSocket(FileDescriptor descriptor) : descriptor_(std::move(descriptor)) {}
  // The file at `path` is the one that leads to the socket.
  Result<void> own(const std::filesystem::path& path);

  FileDescriptor descriptor_;
  std::filesystem::path path_;  // empty: not ours to remove
  dev_t device_ = 0;
  ino_t inode_ = 0;
};

}  // namespace reprieve::control
