// SPDX-License-Identifier: Apache-2.0
#include "daemon/ctl/client.h"

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/url/encode.hpp>
#include <boost/url/rfc/unreserved_chars.hpp>
#include <charconv>
#include <cstdlib>
#include <utility>

#include "core/base/random_token.h"
#include "daemon/control/protocol/resources.h"
#include "daemon/control/protocol/responses.h"
#include "daemon/ctl/patience.h"
#include "daemon/ctl/report.h"

namespace reprieve::ctl {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using boost::system::error_code;
using Socket = asio::local::stream_protocol::socket;

constexpr std::string_view kSystemSocket = "/run/reprieve/control.sock";

tl::unexpected<Failure> unreachable(std::string message) { return give_up(ExitCode::unreachable, std::move(message)); }

// Connects to the first socket that somebody answers on.
Outcome<Socket> connect(asio::io_context& context, const std::vector<std::string>& paths) {
  std::string tried;
  for (const std::string& path : paths) {
    if (path.size() >= sizeof(sockaddr_un::sun_path)) return unreachable("socket " + path + ": the path is too long");
    Socket socket(context);
    error_code error;
    socket.connect(asio::local::stream_protocol::endpoint(path), error);
    if (!error) return socket;
    tried += (tried.empty() ? "" : "; ") + path + ": " + error.message();
  }
  return unreachable("the daemon cannot be reached: " + tried);
}

// `key` may be empty: the request changes nothing.
http::request<http::string_body> make_request(std::string_view method, const std::string& target,
                                              const std::string& body, const std::string& key) {
  http::request<http::string_body> request;
  request.method_string(method);
  request.target(target);
  request.version(11);
  request.set(http::field::host, "reprieve");
  request.set(http::field::user_agent, "reprievectl/" REPRIEVE_VERSION);
  request.keep_alive(false);
  if (!key.empty()) request.set(protocol::kIdempotencyKeyHeader, key);
  if (!body.empty()) {
    request.set(http::field::content_type, protocol::kMediaType);
    request.body() = body;
  }
  request.prepare_payload();
  return request;
}

std::string target_of(std::string_view resource, const protocol::QueryParameters& query) {
  std::string target(resource);
  char separator = '?';
  for (const auto& [name, value] : query) {
    target += separator + name + '=' + boost::urls::encode(value, boost::urls::unreserved_chars);
    separator = '&';
  }
  return target;
}

// Hands on whole lines; what is behind the last one stays.
void take_lines(std::string& text, const LineTaker& taker) {
  std::size_t begin = 0;
  for (std::size_t end = 0; (end = text.find('\n', begin)) != std::string::npos; begin = end + 1) {
    taker.line(std::string_view(text).substr(begin, end - begin));
  }
  text.erase(0, begin);
}

Outcome<Answer> answer_of(unsigned status, std::string text) {
  Answer answer{.status = status, .text = std::move(text), .body = {}};
  while (answer.text.ends_with('\n')) answer.text.pop_back();
  error_code error;
  answer.body = boost::json::parse(answer.text, error);
  if (error) return unreachable("the answer is not JSON: is this the control socket of reprieved?");
  return answer;
}

}  // namespace

Failure Answer::failure() const {
  const auto* object = body.if_object();
  const auto* error = object != nullptr ? object->if_contains(protocol::field::kError) : nullptr;
  if (error == nullptr) {
    return {.code = ExitCode::refused_or_failed,
            .message = "the daemon answered with status " + std::to_string(status),
            .body = text};
  }
  const auto report = protocol::ErrorReport::parse(*error);
  return {.code = exit_code_of(report),
          .message = report.path ? *report.path + ": " + told(report) : told(report),
          .body = text};
}

Client Client::for_option(const std::optional<std::string>& option) {
  if (option) return Client({*option});
  if (const char* named = std::getenv("REPRIEVE_SOCKET"); named != nullptr && *named != '\0') return Client({named});
  std::vector<std::string> sockets{std::string(kSystemSocket)};
  if (const char* runtime = std::getenv("XDG_RUNTIME_DIR"); runtime != nullptr && *runtime != '\0') {
    sockets.push_back(std::string(runtime) + "/reprieve/control.sock");
  }
  return Client(std::move(sockets));
}

Outcome<Answer> Client::get(std::string_view resource, const protocol::QueryParameters& query) {
  return repeat({"GET", target_of(resource, query), {}, {}});
}

Outcome<Answer> Client::remove(std::string_view resource, const protocol::QueryParameters& query) {
  return change({"DELETE", target_of(resource, query), {}, {}});
}

Outcome<Answer> Client::post(std::string_view resource, const boost::json::object& body) {
  return change({"POST", std::string(resource), boost::json::serialize(body), {}});
}

Outcome<Answer> Client::ask(std::string_view resource, const boost::json::object& body) {
  return repeat({"POST", std::string(resource), boost::json::serialize(body), {}});
}

Outcome<Answer> Client::change(Request request) {
  auto key = random_token();
  if (!key) return give_up(ExitCode::refused_or_failed, std::string(reason_of(key.error())));
  request.key = *std::move(key);
  return repeat(request);
}

Outcome<Answer> Client::repeat(const Request& request) {
  Patience patience;
  for (;;) {
    auto reply = exchange(request);
    if (reply) return answer_of(reply->status, std::move(reply->text));
    if (!has_connected_ || !patience.wait()) return give_up(std::move(reply).error());
  }
}

Outcome<Client::Reply> Client::exchange(const Request& request) {
  asio::io_context context;
  auto socket = connect(context, sockets_);
  if (!socket) return give_up(std::move(socket).error());
  has_connected_ = true;
  error_code write_error;
  http::write(*socket, make_request(request.method, request.target, request.body, request.key), write_error);
  // A server that refused before it read everything has answered all the same.
  http::response_parser<http::string_body> parser;
  parser.body_limit(boost::none);
  boost::beast::flat_buffer buffer;
  error_code error;
  http::read(*socket, buffer, parser, error);
  if (error) return unreachable("the daemon hung up: " + (write_error ? write_error : error).message());

  auto response = parser.release();
  return Reply{.status = response.result_int(), .text = std::move(response.body())};
}

Outcome<Answer> Client::follow(std::string_view resource, const protocol::QueryParameters& query,
                               const LineTaker& taker) {
  asio::io_context context;
  auto socket = connect(context, sockets_);
  if (!socket) return give_up(std::move(socket).error());
  has_connected_ = true;
  error_code error;
  http::write(*socket, make_request("GET", target_of(resource, query), {}, {}), error);
  http::response_parser<http::buffer_body> parser;
  parser.body_limit(boost::none);
  boost::beast::flat_buffer buffer;
  http::read_header(*socket, buffer, parser, error);
  const auto& head = parser.get();
  const bool is_told = !error && head.result() == http::status::ok;
  if (is_told) {
    const std::string_view text(head[protocol::kSinceHeader].data(), head[protocol::kSinceHeader].size());
    std::int64_t since = 0;
    std::from_chars(text.data(), text.data() + text.size(), since);
    taker.begins(since);
  }
  std::string text;
  std::array<char, 65536> bytes{};
  while (!error && !parser.is_done()) {
    parser.get().body().data = bytes.data();
    parser.get().body().size = bytes.size();
    http::read_some(*socket, buffer, parser, error);
    if (error == http::error::need_buffer) error = {};
    text.append(bytes.data(), bytes.size() - parser.get().body().size);
    if (is_told) take_lines(text, taker);
  }
  if (error) return unreachable("the daemon hung up: " + error.message());
  if (is_told) return Answer{.status = head.result_int(), .text = {}, .body = {}};
  return answer_of(head.result_int(), std::move(text));
}

std::string with_id(std::string_view resource, std::int64_t id) {
  std::string named(resource);
  const std::size_t at = named.find(protocol::kIdPlaceholder);
  if (at != std::string::npos) named.replace(at, protocol::kIdPlaceholder.size(), std::to_string(id));
  return named;
}

}  // namespace reprieve::ctl
