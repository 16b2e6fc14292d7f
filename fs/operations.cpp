// SPDX-License-Identifier: Apache-2.0
#include "fs/operations.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <cstddef>
#include <exception>
#include <functional>
#include <string_view>

#include "fs/kernel_channel.h"

namespace reprieve::fs {
namespace {

// Requests that nobody waits for (read-ahead, releases), and how many make the kernel hold back.
constexpr unsigned kMostBackground = 64;
constexpr unsigned kCongested = 48;

// A name as a template argument.
template <std::size_t kSize>
struct Name {
  constexpr Name(const char (&literal)[kSize]) { std::copy_n(literal, kSize, text); }  // NOLINT: meant to be implicit
  char text[kSize]{};
};

NamespaceDispatcher& dispatcher(Dispatchers& all, NamespaceDispatcher*) { return all.names; }
AttributesDispatcher& dispatcher(Dispatchers& all, AttributesDispatcher*) { return all.attributes; }
FilesDispatcher& dispatcher(Dispatchers& all, FilesDispatcher*) { return all.files; }
DirectoriesDispatcher& dispatcher(Dispatchers& all, DirectoriesDispatcher*) { return all.directories; }

// The inode that a request is about, for the log: the first argument that is one.
template <typename... Rest>
fuse_ino_t subject(fuse_ino_t node, Rest...) {
  return node;
}
template <typename... Rest>
fuse_ino_t subject(const char*, fuse_ino_t node, Rest...) {
  return node;
}
fuse_ino_t subject(std::size_t, fuse_forget_data*) { return 0; }

template <typename Class, typename... Arguments>
void call(Dispatchers& all, Reply reply, void (Class::*handler)(Reply, Arguments...), Arguments... arguments) {
  std::invoke(handler, dispatcher(all, static_cast<Class*>(nullptr)), std::move(reply), arguments...);
}

// The trampoline from libfuse to the handler `kHandler`. The arguments are those of the table's member that it is
// assigned to. An exception has destroyed the Reply by the time it gets here, and with that answered EIO.
template <Name kName, auto kHandler, typename... Arguments>
void serve(fuse_req_t request, Arguments... arguments) noexcept {
  try {
    Dispatchers& all = KernelChannel::of(::fuse_req_userdata(request)).dispatchers();
    spdlog::debug("op={} node={}", kName.text, subject(arguments...));
    call(all, Reply(request, kName.text, subject(arguments...)), kHandler, arguments...);
  } catch (const std::exception& failure) {
    spdlog::error("bug: op={} threw: {}", kName.text, failure.what());
  } catch (...) {
    spdlog::error("bug: op={} threw", kName.text);
  }
}

// FUSE_CAP_WRITEBACK_CACHE, _POSIX_LOCKS and _FLOCK_LOCKS stay off: bytes are written through, and locks are the
// kernel's. _DONT_MASK goes with _POSIX_ACL: a directory's default list takes the place of the umask, which only core
// can know. _ATOMIC_O_TRUNC stays off: a program that is running would be truncated by open(2) with O_TRUNC, which is
// refused (ETXTBSY) only when OPEN has been answered (do_open, fs/namei.c). _READDIRPLUS_AUTO stays off too: whoever
// lists a directory most often looks at what is in it, and the kernel's guess which time it is makes find -ls seven
// times slower than always saying all, which costs the plain listing twice its time.
constexpr unsigned kWanted = FUSE_CAP_ASYNC_READ | FUSE_CAP_ASYNC_DIO | FUSE_CAP_AUTO_INVAL_DATA |
                             FUSE_CAP_CACHE_SYMLINKS | FUSE_CAP_DONT_MASK | FUSE_CAP_EXPORT_SUPPORT |
                             FUSE_CAP_IOCTL_DIR | FUSE_CAP_NO_OPENDIR_SUPPORT | FUSE_CAP_PARALLEL_DIROPS |
                             FUSE_CAP_POSIX_ACL | FUSE_CAP_READDIRPLUS;
// Answers can be spliced into the device, but not into a ring.
constexpr unsigned kWantedOfDevice = FUSE_CAP_SPLICE_WRITE | FUSE_CAP_SPLICE_MOVE;

void init(void* userdata, fuse_conn_info* connection) noexcept {
  const KernelChannel& channel = KernelChannel::of(userdata);
  connection->want = connection->capable & (channel.by_ring() ? kWanted : kWanted | kWantedOfDevice);
  connection->max_write = kMostData;
  connection->max_readahead = kMostData;
  connection->max_background = kMostBackground;
  connection->congestion_threshold = kCongested;
  connection->time_gran = 1;
  channel.dispatchers().mount.passthrough.want(*connection);
}

fuse_lowlevel_ops make_operations() {
  using Names = NamespaceDispatcher;
  using Attrs = AttributesDispatcher;
  using Files = FilesDispatcher;
  using Directories = DirectoriesDispatcher;
  fuse_lowlevel_ops table{};
  table.init = init;

  table.lookup = serve<"lookup", &Names::lookup>;
  table.forget = serve<"forget", &Names::forget>;
  table.forget_multi = serve<"forget_multi", &Names::forget_many>;
  table.mknod = serve<"mknod", &Names::mknod>;
  table.mkdir = serve<"mkdir", &Names::mkdir>;
  table.symlink = serve<"symlink", &Names::symlink>;
  table.link = serve<"link", &Names::link>;
  table.unlink = serve<"unlink", &Names::unlink>;
  table.rmdir = serve<"rmdir", &Names::rmdir>;
  table.rename = serve<"rename", &Names::rename>;
  table.readlink = serve<"readlink", &Names::readlink>;

  table.getattr = serve<"getattr", &Attrs::getattr>;
  table.setattr = serve<"setattr", &Attrs::setattr>;
  table.getxattr = serve<"getxattr", &Attrs::getxattr>;
  table.listxattr = serve<"listxattr", &Attrs::listxattr>;
  table.setxattr = serve<"setxattr", &Attrs::setxattr>;
  table.removexattr = serve<"removexattr", &Attrs::removexattr>;
  table.statfs = serve<"statfs", &Attrs::statfs>;

  table.create = serve<"create", &Files::create>;
  table.open = serve<"open", &Files::open>;
  table.release = serve<"release", &Files::release>;
  table.read = serve<"read", &Files::read>;
  table.write_buf = serve<"write", &Files::write>;
  table.fsync = serve<"fsync", &Files::fsync>;
  table.fallocate = serve<"fallocate", &Files::fallocate>;
  table.copy_file_range = serve<"copy_file_range", &Files::copy_file_range>;
  table.lseek = serve<"lseek", &Files::lseek>;
  table.ioctl = serve<"ioctl", &Files::ioctl>;

  table.opendir = serve<"opendir", &Directories::opendir>;
  table.readdir = serve<"readdir", &Directories::readdir>;
  table.readdirplus = serve<"readdirplus", &Directories::readdirplus>;
  table.fsyncdir = serve<"fsyncdir", &Directories::fsyncdir>;
  return table;
}

}  // namespace

const fuse_lowlevel_ops& operations() {
  static const fuse_lowlevel_ops table = make_operations();
  return table;
}

}  // namespace reprieve::fs
