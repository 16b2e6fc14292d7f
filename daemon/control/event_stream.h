// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <atomic>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <set>

#include "daemon/control/deadline.h"
#include "daemon/control/event_feed.h"
#include "daemon/control/handler_pool.h"

namespace reprieve::control {

class EventStream;

// The streams of a server: how many there may be, and what wakes those that wait. Belongs to the thread that runs `io`,
// but for happened().
class Watchers {
 public:
  Watchers(boost::asio::io_context& io, unsigned most_per_uid, unsigned most)
      : io_(io), most_per_uid_(most_per_uid), most_(most) {}

  // Whether the uid may have one more.
  [[nodiscard]] bool has_room(uid_t uid) const;
  void add(uid_t uid, EventStream& stream);
  void remove(uid_t uid, EventStream& stream);

  // The next event rings at every stream. To be called before the look that finds nothing.
  void arm() { armed_.store(true); }
  // Something has happened. From any thread; only wakes.
  void happened();

 private:
  boost::asio::io_context& io_;
  const unsigned most_per_uid_;
  const unsigned most_;
  std::map<uid_t, unsigned> per_uid_;
  std::set<EventStream*> streams_;
  std::atomic<bool> armed_{false};
};

// One answer that tells events as they happen: JSON lines in chunks. A portion is read from the store when the one
// before it has been taken, so a client that does not read costs one portion and nobody waits for it; nor does
// it keep its place for ever. Lives on the thread of its socket; only the feed is read elsewhere.
class EventStream : public std::enable_shared_from_this<EventStream> {
 public:
  using Socket = boost::asio::local::stream_protocol::socket;
  template <typename T>
  using Awaitable = boost::asio::awaitable<T>;

  // The socket must outlive run(). It is closed where the client takes nothing for `patience` while there is something
  // to tell, so that its place is somebody else's.
  EventStream(Socket& socket, HandlerPool& pool, Watchers& watchers, std::shared_ptr<EventFeed> feed, uid_t uid,
              std::chrono::milliseconds patience);

  // The whole answer, head and end. False where the client hung up before.
  Awaitable<bool> run();
  void ring();
  // Ends the answer behind what is being written.
  void finish();
  // Nothing more comes from the pool.
  void expect_no_answer();

 private:
  Awaitable<bool> write_head();
  Awaitable<bool> write_lines();
  Awaitable<void> read_feed();
  Awaitable<void> wait_for_events();
  void end_with_client();
  void expect_taken();

  Socket& socket_;
  HandlerPool& pool_;
  Watchers& watchers_;
  const std::shared_ptr<EventFeed> feed_;
  const uid_t uid_;
  const std::chrono::milliseconds patience_;
  Deadline deadline_;                // of what is being written
  boost::asio::steady_timer read_;   // never runs out: cancelled to say that portion_ is there, or will not be
  boost::asio::steady_timer pause_;  // runs out, or never does: cancelled by ring() and finish()
  std::optional<EventFeed::Portion> portion_;
  bool rung_ = false;
  bool idle_ = false;  // waits for ring()
  bool over_ = false;
};

}  // namespace reprieve::control
