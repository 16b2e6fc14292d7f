// SPDX-License-Identifier: Apache-2.0
#include "daemon/control/event_stream.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http/chunk_encode.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/serializer.hpp>
#include <boost/beast/http/write.hpp>
#include <exception>
#include <string>
#include <utility>

#include "daemon/control/protocol/resources.h"

namespace reprieve::control {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using boost::system::error_code;

constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);

// Deletions that belong together are told as one once they are folded, so a stream waits until nothing has happened for
// kQuiet, but no longer than kMostTurns times that.
constexpr std::chrono::milliseconds kQuiet{100};
constexpr int kMostTurns = 7;

}  // namespace

bool Watchers::has_room(uid_t uid) const {
  const auto own = per_uid_.find(uid);
  return streams_.size() < most_ && (own == per_uid_.end() || own->second < most_per_uid_);
}

void Watchers::add(uid_t uid, EventStream& stream) {
  streams_.insert(&stream);
  ++per_uid_[uid];
}

void Watchers::remove(uid_t uid, EventStream& stream) {
  streams_.erase(&stream);
  const auto own = per_uid_.find(uid);
  if (own != per_uid_.end() && --own->second == 0) per_uid_.erase(own);
}

void Watchers::happened() {
  if (!armed_.load() || !armed_.exchange(false)) return;
  asio::post(io_, [this] {
    for (EventStream* stream : streams_) stream->ring();
  });
}

EventStream::EventStream(Socket& socket, HandlerPool& pool, Watchers& watchers, std::shared_ptr<EventFeed> feed,
                         uid_t uid, std::chrono::milliseconds patience)
    : socket_(socket),
      pool_(pool),
      watchers_(watchers),
      feed_(std::move(feed)),
      uid_(uid),
      patience_(patience),
      deadline_(socket.get_executor()),
      read_(socket.get_executor(), asio::steady_timer::time_point::max()),
      pause_(socket.get_executor()) {}

EventStream::Awaitable<bool> EventStream::run() {
  struct Registered {
    Registered(Watchers& all, uid_t whose, EventStream& own) : watchers(all), uid(whose), stream(own) {
      watchers.add(uid, stream);
    }
    ~Registered() { watchers.remove(uid, stream); }
    Registered(const Registered&) = delete;
    Registered& operator=(const Registered&) = delete;
    Watchers& watchers;
    const uid_t uid;
    EventStream& stream;
  };
  const Registered registered(watchers_, uid_, *this);
  if (feed_->follows()) end_with_client();
  bool taken = co_await write_head();
  while (taken && !over_) {
    rung_ = false;
    watchers_.arm();
    co_await read_feed();
    if (!portion_) break;
    taken = co_await write_lines();
    if (portion_->more) continue;
    if (!feed_->follows()) break;
    if (taken) co_await wait_for_events();
  }
  if (!taken) co_return false;
  expect_taken();
  const auto [error, bytes] = co_await asio::async_write(socket_, http::make_chunk_last(), kAwait);
  deadline_.disarm();
  co_return !error;
}

EventStream::Awaitable<bool> EventStream::write_head() {
  http::response<http::empty_body> head(http::status::ok, 11);
  head.set(http::field::server, "reprieved");
  head.set(http::field::content_type, protocol::kLinesMediaType);
  head.set(protocol::kSinceHeader, std::to_string(feed_->since().number()));
  head.keep_alive(!feed_->follows());
  head.chunked(true);
  http::response_serializer<http::empty_body> serializer(head);
  expect_taken();
  const auto [error, bytes] = co_await http::async_write_header(socket_, serializer, kAwait);
  deadline_.disarm();
  co_return !error;
}

EventStream::Awaitable<bool> EventStream::write_lines() {
  if (portion_->lines.empty()) co_return true;
  expect_taken();
  const auto [error, bytes] =
      co_await asio::async_write(socket_, http::make_chunk(asio::buffer(portion_->lines)), kAwait);
  deadline_.disarm();
  co_return !error;
}

EventStream::Awaitable<void> EventStream::read_feed() {
  portion_.reset();
  pool_.submit(uid_, [self = shared_from_this()]() mutable {
    std::optional<EventFeed::Portion> portion;
    try {
      if (auto next = self->feed_->next()) portion = *std::move(next);
    } catch (const std::exception&) {
      // The answer ends, as where the store fails; whoever asks again is told why.
    }
    // The last reference must not die here: what it owns belongs to the other thread.
    const auto executor = self->read_.get_executor();
    asio::post(executor, [self = std::move(self), portion = std::move(portion)]() mutable {
      self->portion_ = std::move(portion);
      self->read_.cancel();
    });
  });
  co_await read_.async_wait(kAwait);
}

EventStream::Awaitable<void> EventStream::wait_for_events() {
  if (!rung_ && !over_) {
    idle_ = true;
    pause_.expires_at(asio::steady_timer::time_point::max());
    co_await pause_.async_wait(kAwait);
    idle_ = false;
  }
  for (int turn = 0; rung_ && !over_ && turn < kMostTurns; ++turn) {
    rung_ = false;
    watchers_.arm();
    pause_.expires_after(kQuiet);
    co_await pause_.async_wait(kAwait);
  }
}

void EventStream::ring() {
  rung_ = true;
  if (idle_) pause_.cancel();
}

void EventStream::finish() {
  over_ = true;
  pause_.cancel();
}

void EventStream::expect_no_answer() { read_.cancel(); }

void EventStream::expect_taken() {
  deadline_.arm(patience_, [this] {
    error_code ignored;
    socket_.close(ignored);
  });
}

// A client that follows has nothing more to say: what comes from it is its end.
void EventStream::end_with_client() {
  socket_.async_wait(Socket::wait_read, [weak = weak_from_this()](error_code) {
    if (const auto self = weak.lock()) self->finish();
  });
}

}  // namespace reprieve::control
