// SPDX-License-Identifier: Apache-2.0
#include "daemon/control/server.h"

#include <spdlog/logger.h>
#include <unistd.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <map>
#include <set>
#include <thread>

#include "core/base/thread.h"
#include "daemon/control/connection.h"
#include "daemon/control/errors.h"
#include "daemon/control/listening_socket.h"

namespace reprieve::control {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

constexpr unsigned kHandlerThreads = 3;
// Between attempts to accept while the process has no descriptor left.
constexpr std::chrono::milliseconds kAcceptPause{100};
// For clients to take the answers that were being made when the server was told to stop.
constexpr std::chrono::seconds kStopTime{2};

constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);

}  // namespace

// Everything behind Server. What has no lock belongs to the thread that runs io_.
class Server::Engine {
 public:
  Engine(FileSystem& files, MountTable& mounts, const ServerOptions& options, ListeningSocket socket,
         spdlog::logger& logger)
      : history_(files.history()),
        services_{.files = files,
                  .mounts = mounts,
                  .clock = clock_,
                  .version = options.version,
                  .admin_group = options.group,
                  .started = std::chrono::steady_clock::now()},
        socket_(std::move(socket)),
        limits_(options.limits),
        logger_(logger),
        acceptor_(io_, asio::local::stream_protocol(), socket_.release_descriptor()) {}

  Result<void> start() {
    REPRIEVE_TRY_VOID(pool_.start());
    history_.on_event([this] { watchers_.happened(); });
    asio::co_spawn(io_, accept(), asio::detached);
    REPRIEVE_TRY(thread_, start_thread([this] { run(); }));
    return {};
  }

  int descriptor() { return acceptor_.native_handle(); }
  void leave_socket() { socket_.leave(); }

  void stop() {
    history_.on_event(nullptr);
    asio::post(io_, [this] {
      stopping_ = true;
      error_code ignored;
      acceptor_.close(ignored);
      // finish() may take connections out of the set.
      for (const auto& connection : std::vector(connections_.begin(), connections_.end())) connection->finish();
    });
    pool_.stop();
    asio::post(io_, [this] { limit_stop(); });
    if (thread_.joinable()) {
      thread_.join();
    } else {
      run();
    }
  }

 private:
  void run() {
    for (;;) {
      try {
        io_.run();
        return;
      } catch (const std::exception& exception) {
        // One connection's failure: it is closed, the others go on.
        logger_.error("control: {}", exception.what());
      }
    }
  }

  asio::awaitable<void> accept() {
    while (!stopping_) {
      auto [error, socket] = co_await acceptor_.async_accept(kAwait);
      if (!error && !stopping_) {
        admit(std::move(socket));
      } else if (!stopping_) {
        logger_.warn("control: accept: {}", error.message());
        asio::steady_timer pause(io_, kAcceptPause);
        co_await pause.async_wait(kAwait);
      }
    }
  }

  void admit(StreamSocket socket) {
    auto peer = peer_of(socket.native_handle());
    if (!peer) return;
    const auto own = per_uid_.find(peer->uid);
    const bool too_many = own != per_uid_.end() && own->second >= limits_.connections_per_uid;
    const bool is_privileged = peer->uid == 0 || peer->uid == ::geteuid();
    const unsigned most = limits_.connections + (is_privileged ? limits_.reserved_connections : 0);
    if (too_many || connections_.size() >= most) {
      Connection::turn_away(socket,
                            error_reply(Fault::too_many_connections,
                                        too_many ? "too many connections of your user" : "too many connections"));
      return;
    }
    ++per_uid_[peer->uid];
    auto connection = std::make_shared<Connection>(std::move(socket), *std::move(peer), context_);
    connections_.insert(connection);
    connection->start();
  }

  void forget(Connection& connection) {
    const auto own = per_uid_.find(connection.peer().uid);
    if (own != per_uid_.end() && --own->second == 0) per_uid_.erase(own);
    connections_.erase(connection.shared_from_this());
    if (stopping_ && connections_.empty()) stop_limit_.cancel();
  }

  void limit_stop() {
    if (connections_.empty()) return;
    for (const auto& connection : connections_) connection->expect_no_answer();
    stop_limit_.expires_after(kStopTime);
    stop_limit_.async_wait([this](error_code error) {
      if (error) return;
      for (const auto& connection : std::vector(connections_.begin(), connections_.end())) connection->abort();
    });
  }

  // Relative times in requests count back from it: deletions are stamped by the same clock.
  const KernelClock clock_;
  History& history_;
  Services services_;
  ListeningSocket socket_;
  const Limits limits_;
  spdlog::logger& logger_;
  Router router_{services_};
  asio::io_context io_{1};
  asio::local::stream_protocol::acceptor acceptor_;
  asio::steady_timer stop_limit_{io_};
  std::map<uid_t, unsigned> per_uid_;
  std::set<std::shared_ptr<Connection>> connections_;
  bool stopping_ = false;
  HandlerPool pool_{kHandlerThreads};
  Watchers watchers_{io_, limits_.watchers_per_uid, limits_.watchers};
  ConnectionContext context_{router_, pool_,   watchers_,
                             limits_, logger_, [this](Connection& connection) { forget(connection); }};
  std::thread thread_;
};

Result<std::unique_ptr<Server>> Server::listen(FileSystem& files, MountTable& mounts, const ServerOptions& options,
                                               spdlog::logger& logger) {
  REPRIEVE_TRY(ListeningSocket socket, options.inherited
                                           ? ListeningSocket::inherit(*options.inherited, options.socket)
                                           : ListeningSocket::bind(options.socket, options.group, options.mode));
  auto engine = std::make_unique<Engine>(files, mounts, options, std::move(socket), logger);
  return std::unique_ptr<Server>(new Server(std::move(engine)));
}

Server::Server(std::unique_ptr<Engine> engine) : engine_(std::move(engine)) {}
Server::~Server() { stop(); }

Result<void> Server::start() { return engine_->start(); }

int Server::descriptor() { return engine_->descriptor(); }

void Server::leave() {
  engine_->leave_socket();
  stop();
}

void Server::stop() {
  if (!engine_) return;
  engine_->stop();
  engine_.reset();
}

}  // namespace reprieve::control
