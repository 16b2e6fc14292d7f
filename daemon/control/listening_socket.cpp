// SPDX-License-Identifier: Apache-2.0
#include "daemon/control/listening_socket.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace reprieve::control {
namespace {

Result<sockaddr_un> address_of(const std::filesystem::path& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string& name = path.native();
  if (name.empty()) return fail(Errc::invalid_argument, "the control socket has no path");
  if (name.size() >= sizeof address.sun_path) {
    return fail(Errc::name_too_long, "control socket " + name + ": the path is over " +
                                         std::to_string(sizeof address.sun_path - 1) + " bytes long");
  }
  std::memcpy(address.sun_path, name.data(), name.size());
  return address;
}

const sockaddr* generic(const sockaddr_un& address) { return reinterpret_cast<const sockaddr*>(&address); }

FileDescriptor stream_socket(int flags) {
  return FileDescriptor(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | flags, 0));
}

Result<void> check_directory(const std::filesystem::path& path, const std::string& what) {
  const std::filesystem::path directory = path.parent_path();
  struct stat status {};
  if (directory.empty() || (::stat(directory.c_str(), &status) == 0 && S_ISDIR(status.st_mode))) return {};
  return fail(Errc::not_found, what + ": there is no directory " + directory.native());
}

enum class InTheWay : std::uint8_t { nothing, dead_socket };

// What a new socket at this path would find there.
Result<InTheWay> look_at(const std::filesystem::path& path) {
  const std::string what = "control socket " + path.native();
  REPRIEVE_TRY(const sockaddr_un address, address_of(path));
  REPRIEVE_TRY_VOID(check_directory(path, what));
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0) {
    if (errno == ENOENT) return InTheWay::nothing;
    return fail(from_errno(errno, what));
  }
  if (!S_ISSOCK(status.st_mode)) return fail(Errc::exists, what + ": something that is not a socket is in the way");
  const FileDescriptor probe = stream_socket(SOCK_NONBLOCK);
  if (!probe) return fail(from_errno(errno, what));
  // EAGAIN is a full backlog: somebody listens.
  if (::connect(probe.get(), generic(address), sizeof address) == 0 || errno == EAGAIN) {
    return fail(Errc::exists, what + ": another process answers there");
  }
  if (errno != ECONNREFUSED) return fail(from_errno(errno, what));
  return InTheWay::dead_socket;
}

}  // namespace

Result<void> ListeningSocket::check_name(const std::filesystem::path& path) {
  REPRIEVE_TRY_VOID(address_of(path));
  return {};
}

Result<void> ListeningSocket::check(const std::filesystem::path& path) {
  REPRIEVE_TRY_VOID(look_at(path));
  return {};
}

Result<ListeningSocket> ListeningSocket::bind(const std::filesystem::path& path, std::optional<gid_t> group,
                                              mode_t mode) {
  const std::string what = "control socket " + path.native();
  REPRIEVE_TRY(const sockaddr_un address, address_of(path));
  REPRIEVE_TRY(const InTheWay found, look_at(path));
  if (found == InTheWay::dead_socket && ::unlink(path.c_str()) != 0 && errno != ENOENT)
    return fail(from_errno(errno, what));

  FileDescriptor descriptor = stream_socket(0);
  if (!descriptor) return fail(from_errno(errno, what));
  // The file gets the mode that the socket has when it is bound, so that there is no moment with a wider one.
  if (::fchmod(descriptor.get(), S_IRUSR | S_IWUSR) != 0) return fail(from_errno(errno, what));
  if (::bind(descriptor.get(), generic(address), sizeof address) != 0) return fail(from_errno(errno, what));

  ListeningSocket socket(std::move(descriptor));
  REPRIEVE_TRY_VOID(socket.own(path));
  constexpr auto kSameOwner = static_cast<uid_t>(-1);
  if (group && ::lchown(path.c_str(), kSameOwner, *group) != 0) return fail(from_errno(errno, what));
  // Whoever may write to the directory may have put a link there meanwhile.
  if (::fchmodat(AT_FDCWD, path.c_str(), mode, AT_SYMLINK_NOFOLLOW) != 0) return fail(from_errno(errno, what));
  if (::listen(socket.descriptor(), SOMAXCONN) != 0) return fail(from_errno(errno, what));
  return socket;
}

Result<ListeningSocket> ListeningSocket::inherit(int descriptor, const std::filesystem::path& path) {
  FileDescriptor owned(descriptor);
  int domain = 0;
  int type = 0;
  int listens = 0;
  const auto option = [&owned](int name, int& value) {
    socklen_t length = sizeof value;
    return ::getsockopt(owned.get(), SOL_SOCKET, name, &value, &length) == 0;
  };
  const bool known = option(SO_DOMAIN, domain) && option(SO_TYPE, type) && option(SO_ACCEPTCONN, listens);
  if (!known || domain != AF_UNIX || type != SOCK_STREAM || listens == 0) {
    return fail(Errc::invalid_argument, "the inherited descriptor is not a listening Unix stream socket");
  }
  ListeningSocket socket(std::move(owned));
  // Where somebody has removed it, nothing is left to remove.
  if (!path.empty()) static_cast<void>(socket.own(path));
  return socket;
}

Result<void> ListeningSocket::own(const std::filesystem::path& path) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0) return fail(from_errno(errno, "control socket " + path.native()));
  path_ = path;
  device_ = status.st_dev;
  inode_ = status.st_ino;
  return {};
}

void ListeningSocket::leave() { path_.clear(); }

ListeningSocket::~ListeningSocket() {
  if (path_.empty()) return;
  struct stat status {};
  const bool ours = ::lstat(path_.c_str(), &status) == 0 && status.st_dev == device_ && status.st_ino == inode_;
  if (ours) ::unlink(path_.c_str());
}

}  // namespace reprieve::control
