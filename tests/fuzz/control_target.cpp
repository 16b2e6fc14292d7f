// SPDX-License-Identifier: Apache-2.0
// Bytes on the control socket: HTTP, targets, queries, and bodies of every route, down to a real store. The first byte
// says whose connection it is.
#include <spdlog/logger.h>
#include <spdlog/sinks/null_sink.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>

#include "core/file_system.h"
#include "daemon/control/connection.h"
#include "tests/support/temporary_directory.h"

namespace {

using namespace reprieve;

class NoMounts final : public control::MountTable {
 public:
  std::vector<control::MountInfo> mounts() override {
    return {{.account = "lab", .path = "/mnt/lab", .data_path = {}}};
  }
};

template <typename T>
T must(Result<T> result) {
  if (!result) std::abort();
  return *std::move(result);
}

// One store for all inputs, so that later ones find what earlier ones did.
class Harness {
 public:
  Harness() {
    Settings settings;
    settings.store.path = directory_.path() / "store";
    files_ = must(FileSystem::open(settings, clock_));
    const Account lab = must(files_->accounts().ensure("lab", 1000, 1000));
    const Caller caller{.uid = 1000, .gid = 1000, .thread = ::getpid(), .mount = {}};
    const NewNode folder{.mode = S_IFDIR | 0755, .device = 0, .symlink_target = {}};
    for (const char* const name : {"P", "Q", "T"}) {
      must(files_->names().create(lab, lab.projects, EntryName::literal(name), folder, caller));
    }
    static_cast<void>(files_->trash().trash_paths(lab, {"projects/T"}, caller));
    services_ = std::make_unique<control::Services>(control::Services{
        .files = *files_, .mounts = mounts_, .clock = clock_, .version = "0", .admin_group = {}, .started = {}});
    router_ = std::make_unique<control::Router>(*services_);
    limits_.request_timeout = std::chrono::seconds(2);
    if (!pool_.start()) std::abort();
  }

  void serve(uid_t uid, const char* bytes, std::size_t size) {
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends.data()) != 0) std::abort();
    boost::asio::io_context io(1);
    control::StreamSocket socket(io, boost::asio::local::stream_protocol(), ends[0]);
    bool closed = false;
    control::Watchers watchers(io, limits_.watchers_per_uid, limits_.watchers);
    control::ConnectionContext context{.router = *router_,
                                       .pool = pool_,
                                       .watchers = watchers,
                                       .limits = limits_,
                                       .logger = logger_,
                                       .closed = [&closed](control::Connection&) { closed = true; }};
    std::make_shared<control::Connection>(std::move(socket),
                                          control::Peer{.uid = uid, .gid = uid, .pid = 1, .groups = {}}, context)
        ->start();
    std::size_t sent = 0;
    while (!io.stopped()) {
      if (sent < size) {
        const ssize_t some = ::send(ends[1], bytes + sent, size - sent, MSG_NOSIGNAL);
        sent = some > 0 ? sent + static_cast<std::size_t>(some) : (errno == EAGAIN ? sent : size);
      }
      if (sent == size) ::shutdown(ends[1], SHUT_WR);
      io.run_one_for(std::chrono::milliseconds(50));
      std::array<char, 4096> answer;
      while (::recv(ends[1], answer.data(), answer.size(), 0) > 0) {
      }
    }
    ::close(ends[1]);
    if (!closed) std::abort();
  }

 private:
  test::TemporaryDirectory directory_;
  KernelClock clock_;
  std::unique_ptr<FileSystem> files_;
  NoMounts mounts_;
  std::unique_ptr<control::Services> services_;
  std::unique_ptr<control::Router> router_;
  control::Limits limits_;
  control::HandlerPool pool_{2};
  spdlog::logger logger_{"fuzz", std::make_shared<spdlog::sinks::null_sink_mt>()};
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static Harness harness;
  if (size == 0) return 0;
  constexpr std::array<uid_t, 3> kUsers{1000, 0, 2000};
  harness.serve(kUsers[*data % kUsers.size()], reinterpret_cast<const char*>(data) + 1, size - 1);
  return 0;
}
