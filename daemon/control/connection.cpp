// SPDX-License-Identifier: Apache-2.0
#include "daemon/control/connection.h"

#include <spdlog/logger.h>
#include <sys/socket.h>

#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/string.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <exception>
#include <iterator>
#include <sstream>
#include <tuple>
#include <utility>

#include "daemon/control/errors.h"
#include "daemon/control/protocol/resources.h"

namespace reprieve::control {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using boost::system::error_code;

constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);

// How long, and how much, is read and thrown away so that a client that is still sending gets to read the refusal.
constexpr std::chrono::seconds kDrainTime{1};
constexpr std::size_t kDrainBytes = 8 << 20;

http::response<http::string_body> to_http(Reply reply, unsigned version, bool keep_alive) {
  http::response<http::string_body> response;
  response.version(version);
  response.result(reply.status);
  response.set(http::field::server, "reprieved");
  response.set(http::field::content_type, protocol::kMediaType);
  if (!reply.allow.empty()) response.set(http::field::allow, reply.allow);
  response.body() = std::move(reply.body);
  response.body() += '\n';
  response.keep_alive(keep_alive);
  response.prepare_payload();
  return response;
}

Reply refusal_of(error_code error, const Limits& limits) {
  if (error == http::error::header_limit || error == http::error::buffer_overflow) {
    return error_reply(Fault::header_too_large,
                       "request line and headers are over " + std::to_string(limits.max_header) + " bytes");
  }
  if (error == http::error::body_limit) {
    return error_reply(Fault::body_too_large, "the body is over " + std::to_string(limits.max_body) + " bytes");
  }
  return error_reply(Fault::malformed_http, "this is not HTTP/1.1: " + error.message());
}

}  // namespace

// One request while it is read. What is read of a refused one decides how it is answered.
struct Connection::Incoming {
  explicit Incoming(const Limits& limits) {
    parser.header_limit(static_cast<std::uint32_t>(limits.max_header));
    parser.body_limit(limits.max_body);
  }
  http::request_parser<http::string_body> parser;
  bool hung_up = false;  // nobody waits for an answer

  [[nodiscard]] unsigned version() const { return parser.is_header_done() ? parser.get().version() : 11; }
  [[nodiscard]] bool is_head() const { return parser.is_header_done() && parser.get().method() == http::verb::head; }
  [[nodiscard]] Request header(const Peer& peer) const {
    const auto& message = parser.get();
    return {.method = std::string(message.method_string()),
            .target = std::string(message.target()),
            .body = {},
            .peer = peer,
            .key = key()};
  }
  // Several make one that is not valid.
  [[nodiscard]] std::optional<std::string> key() const {
    std::optional<std::string> key;
    const auto [begin, end] = parser.get().equal_range(protocol::kIdempotencyKeyHeader);
    for (auto field = begin; field != end; ++field)
      key = (key ? *key + ", " : std::string()).append(field->value().data(), field->value().size());
    return key;
  }
};

Connection::Connection(StreamSocket socket, Peer peer, ConnectionContext& context)
    : socket_(std::move(socket)),
      peer_(std::move(peer)),
      context_(context),
      deadline_(socket_.get_executor()),
      answered_(socket_.get_executor(), asio::steady_timer::time_point::max()) {}

void Connection::start() {
  asio::co_spawn(socket_.get_executor(), serve(), [self = shared_from_this()](const std::exception_ptr& failure) {
    self->abort();
    self->context_.closed(*self);
    if (failure) std::rethrow_exception(failure);
  });
}

void Connection::finish() {
  finishing_ = true;
  if (stream_) stream_->finish();
  if (!busy_) abort();
}

void Connection::expect_no_answer() {
  answered_.cancel();
  if (stream_) stream_->expect_no_answer();
}

void Connection::abort() {
  disarm();
  if (stream_) stream_->finish();
  expect_no_answer();
  error_code ignored;
  socket_.close(ignored);
}

void Connection::turn_away(StreamSocket& socket, const Reply& reply) {
  std::ostringstream text;
  text << to_http(reply, 11, false);
  const std::string bytes = text.str();
  // A few hundred bytes fit into the buffer of a new socket; a client that cannot take them gets none.
  (void)::send(socket.native_handle(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
}

Connection::Awaitable<void> Connection::serve() {
  // No co_await inside a condition: g++ 12 evaluates it even where && should have stopped before it.
  Next next = Next::request;
  while (next == Next::request && !finishing_) {
    const bool comes = co_await wait_for_request();
    next = Next::close;
    if (comes) next = co_await serve_request();
  }
  if (next == Next::close_unread) co_await drain();
}

Connection::Awaitable<bool> Connection::wait_for_request() {
  if (buffer_.size() > 0) co_return true;
  arm(context_.limits.idle_timeout, Waiting::to_read);
  const auto [error] = co_await socket_.async_wait(StreamSocket::wait_read, kAwait);
  disarm();
  co_return !error && !expired_;
}

Connection::Awaitable<Connection::Next> Connection::serve_request() {
  Incoming incoming(context_.limits);
  arm(context_.limits.request_timeout, Waiting::to_read);
  std::optional<Reply> refusal = co_await read_request(incoming);
  disarm();
  if (incoming.hung_up) co_return Next::close;
  if (refusal) {
    const bool written = co_await write(incoming, *std::move(refusal), false);
    co_return written ? Next::close_unread : Next::close;
  }
  busy_ = true;
  auto request = std::make_shared<Request>(incoming.header(peer_));
  request->body = std::move(incoming.parser.get().body());
  Reply reply = co_await handle(std::move(request));
  bool keep_alive = incoming.parser.get().keep_alive() && !finishing_;
  if (reply.feed) keep_alive = keep_alive && !reply.feed->follows();
  bool written = false;
  if (reply.feed) {
    written = co_await tell(incoming, std::move(reply.feed), keep_alive);
  } else {
    const KeyedRequestId keyed = reply.keyed;
    written = co_await write(incoming, std::move(reply), keep_alive);
    if (written && keyed) context_.router.delivered(keyed);
  }
  busy_ = false;
  co_return written&& keep_alive ? Next::request : Next::close;
}

Connection::Awaitable<std::optional<Reply>> Connection::read_request(Incoming& incoming) {
  auto& parser = incoming.parser;
  error_code error;
  std::tie(error, std::ignore) = co_await http::async_read_header(socket_, buffer_, parser, kAwait);
  if (!error) {
    const auto& message = parser.get();
    const auto fields = static_cast<std::size_t>(std::distance(message.begin(), message.end()));
    if (fields > context_.limits.max_header_fields) {
      co_return error_reply(Fault::header_too_large,
                            "more than " + std::to_string(context_.limits.max_header_fields) + " headers");
    }
    if (auto refusal = context_.router.refuse(incoming.header(peer_))) co_return refusal;
    if (boost::beast::iequals(message[http::field::expect], "100-continue")) co_await write_continue();
    std::tie(error, std::ignore) = co_await http::async_read(socket_, buffer_, parser, kAwait);
  }
  if (!error) co_return std::nullopt;
  if (expired_) co_return error_reply(Fault::request_timeout, "the request did not arrive in time");
  // The end of the stream before or inside a request, or a reset.
  incoming.hung_up = error == http::error::end_of_stream || error.category() == asio::error::get_system_category();
  co_return refusal_of(error, context_.limits);
}

Connection::Awaitable<void> Connection::write_continue() {
  constexpr std::string_view kText = "HTTP/1.1 100 Continue\r\n\r\n";
  co_await asio::async_write(socket_, asio::buffer(kText), kAwait);
}

Connection::Awaitable<Reply> Connection::handle(std::shared_ptr<const Request> request) {
  answer_.reset();
  context_.pool.submit(peer_.uid, [self = shared_from_this(), request = std::move(request)]() mutable {
    Reply reply;
    try {
      reply = self->context_.router.answer(*request);
    } catch (const std::exception& exception) {
      self->context_.logger.error("control: {} {} by uid {}: {}", request->method, request->target, self->peer_.uid,
                                  exception.what());
      reply = error_reply(Error{Errc::internal, {}});
    }
    // The last reference must not die here: what it owns belongs to the other thread.
    const auto executor = self->socket_.get_executor();
    asio::post(executor, [self = std::move(self), reply = std::move(reply)]() mutable {
      self->answer_ = std::move(reply);
      self->answered_.cancel();
    });
  });
  // Woken by the answer, or where there will be none by expect_no_answer() or abort().
  co_await answered_.async_wait(kAwait);
  co_return answer_ ? *std::move(answer_) : error_reply(Error{Errc::interrupted, "the daemon is stopping"});
}

Connection::Awaitable<bool> Connection::write(const Incoming& incoming, Reply reply, bool keep_alive) {
  if (reply.status >= 500)
    context_.logger.error("control: status {} to uid {}: {}", reply.status, peer_.uid, reply.body);
  auto response = to_http(std::move(reply), incoming.version(), keep_alive);
  if (incoming.is_head()) response.body().clear();
  arm(context_.limits.request_timeout, Waiting::to_write);
  const auto [error, bytes] = co_await http::async_write(socket_, response, kAwait);
  disarm();
  co_return !error;
}

Connection::Awaitable<bool> Connection::tell(const Incoming& incoming, std::shared_ptr<EventFeed> feed,
                                             bool keep_alive) {
  constexpr unsigned kChunked = 11;  // the first HTTP that has chunks
  std::optional<Reply> refusal;
  if (incoming.version() < kChunked)
    refusal = error_reply(Fault::malformed_http, "events are told over HTTP/1.1 and newer only");
  if (!context_.watchers.has_room(peer_.uid)) refusal = error_reply(Fault::too_many_connections, "too many watchers");
  bool written = false;
  if (refusal) {
    written = co_await write(incoming, *std::move(refusal), keep_alive);
    co_return written;
  }
  stream_ = std::make_shared<EventStream>(socket_, context_.pool, context_.watchers, std::move(feed), peer_.uid,
                                          context_.limits.watcher_timeout);
  if (finishing_) stream_->finish();
  written = co_await stream_->run();
  stream_.reset();
  co_return written;
}

Connection::Awaitable<void> Connection::drain() {
  error_code error;
  socket_.shutdown(StreamSocket::shutdown_send, error);
  arm(kDrainTime, Waiting::to_read);
  std::array<char, 16384> scrap{};
  for (std::size_t total = 0; !error && total < kDrainBytes;) {
    std::size_t read = 0;
    std::tie(error, read) = co_await socket_.async_read_some(asio::buffer(scrap), kAwait);
    total += read;
  }
  disarm();
}

void Connection::arm(std::chrono::steady_clock::duration time, Waiting waiting) {
  expired_ = false;
  deadline_.arm(time, [this, waiting] { expire(waiting); });
}

void Connection::disarm() { deadline_.disarm(); }

// Cancelling the pending operation would not do: it may have completed already, and the composed operation around it
// would start the next one. A shut down socket fails that too, and can still be written to.
void Connection::expire(Waiting waiting) {
  expired_ = true;
  error_code ignored;
  if (waiting == Waiting::to_read) {
    socket_.shutdown(StreamSocket::shutdown_receive, ignored);
  } else {
    socket_.close(ignored);
  }
}

}  // namespace reprieve::control
