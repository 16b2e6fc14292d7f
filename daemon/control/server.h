// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "core/base/result.h"
#include "core/file_system.h"
#include "daemon/control/services.h"

namespace spdlog {
class logger;
}

namespace reprieve::control {

// What one peer may ask of the socket.
struct Limits {
  std::size_t max_header = std::size_t{16} * 1024;  // bytes of request line and headers
  std::size_t max_header_fields = 100;
  std::size_t max_body = 1 << 20;
  unsigned connections_per_uid = 32;
  unsigned connections = 256;
  unsigned reserved_connections = 16;  // beyond these, for root and the daemon's own user
  // Answers that tell events as they happen; each is a connection too.
  unsigned watchers_per_uid = 8;
  unsigned watchers = 64;
  std::chrono::seconds request_timeout{
      10};                                // from the first byte of a request to its last, and for an answer to be taken
  std::chrono::seconds idle_timeout{60};  // between requests
  // For a portion of events to be taken by who watches. A watcher that is stopped for longer begins again where it was.
  std::chrono::milliseconds watcher_timeout{60'000};
};

struct ServerOptions {
  std::filesystem::path socket;
  // The socket file's group, whose members may act for every account.
  std::optional<gid_t> group;
  mode_t mode = 0660;
  Limits limits;
  // A socket that listens already, used instead of making one and closed by the server: that of socket activation, with
  // no `socket`, or one that a daemon before this one made at `socket`.
  std::optional<int> inherited;
  std::string version;
};

// The control socket: HTTP/1.1 with JSON over AF_UNIX (reprieve-api(7)).
//
// One thread owns the sockets, a few more run the handlers, so that a long answer to one client delays no other. Calls
// of one Server are made from one thread at a time.
class Server {
 public:
  // Makes the socket; connections wait in its backlog until start(). What is passed by reference must outlive the
  // server. Errors of ListeningSocket: exists (another process answers there, or the path is no socket),
  // invalid_argument, name_too_long, access_denied, io.
  static Result<std::unique_ptr<Server>> listen(FileSystem& files, MountTable& mounts, const ServerOptions& options,
                                                spdlog::logger& logger);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Lends the listening socket, for who is to hold it beyond the end of this process.
  [[nodiscard]] int descriptor();
  // As stop(), but the socket's file stays, for a process that goes on with it.
  void leave();

  // io: no thread could be started.
  Result<void> start();
  // Lets running handlers answer, closes every connection, joins the threads and removes the socket file unless it was
  // inherited. Idempotent.
  void stop();

 private:
  class Engine;
  explicit Server(std::unique_ptr<Engine> engine);
  std::unique_ptr<Engine> engine_;
};

}  // namespace reprieve::control
