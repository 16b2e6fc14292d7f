// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "daemon/control/deadline.h"
#include "daemon/control/event_stream.h"
#include "daemon/control/handler_pool.h"
#include "daemon/control/message.h"
#include "daemon/control/routes.h"
#include "daemon/control/server.h"

namespace reprieve::control {

using StreamSocket = boost::asio::local::stream_protocol::socket;

class Connection;

// What the connections of a server share.
struct ConnectionContext {
  const Router& router;
  HandlerPool& pool;
  Watchers& watchers;
  const Limits& limits;
  spdlog::logger& logger;
  // Called once, when the connection is closed.
  std::function<void(Connection&)> closed;
};

// One client. Answers its requests one after the other, also those that were sent ahead (pipelining). Lives on the
// thread that runs the socket's executor; only handlers run elsewhere.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(StreamSocket socket, Peer peer, ConnectionContext& context);

  void start();
  // Closes at once, or after the answer that is being made.
  void finish();
  void abort();
  // Nothing more comes from the pool: what still waits for an answer gets a refusal.
  void expect_no_answer();
  [[nodiscard]] const Peer& peer() const { return peer_; }

  // Answers a client that is not served at all and hangs up, without waiting for anything.
  static void turn_away(StreamSocket& socket, const Reply& reply);

 private:
  template <typename T>
  using Awaitable = boost::asio::awaitable<T>;

  // How a connection goes on behind an answer.
  enum class Next : std::uint8_t { request, close, close_unread };
  struct Incoming;

  Awaitable<void> serve();
  Awaitable<bool> wait_for_request();
  Awaitable<Next> serve_request();
  // Nothing to refuse: the whole request is there.
  Awaitable<std::optional<Reply>> read_request(Incoming& incoming);
  Awaitable<void> write_continue();
  Awaitable<Reply> handle(std::shared_ptr<const Request> request);
  Awaitable<bool> write(const Incoming& incoming, Reply reply, bool keep_alive);
  Awaitable<bool> tell(const Incoming& incoming, std::shared_ptr<EventFeed> feed, bool keep_alive);
  Awaitable<void> drain();

  // The deadline of whatever the coroutine waits for next on the socket.
  enum class Waiting : std::uint8_t { to_read, to_write };
  void arm(std::chrono::steady_clock::duration time, Waiting waiting);
  void disarm();
  void expire(Waiting waiting);

  StreamSocket socket_;
  const Peer peer_;
  ConnectionContext& context_;
  boost::beast::flat_buffer buffer_;
  Deadline deadline_;
  bool expired_ = false;
  boost::asio::steady_timer answered_;  // never runs out: cancelled to say that answer_ is there
  std::optional<Reply> answer_;
  std::shared_ptr<EventStream> stream_;  // the answer under way
  bool busy_ = false;                    // with a request that was read whole and is not yet answered
  bool finishing_ = false;
};

}  // namespace reprieve::control
