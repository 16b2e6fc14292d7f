// SPDX-License-Identifier: Apache-2.0
#include "daemon/ctl/client.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/url/encode.hpp>
#include <boost/url/rfc/unreserved_chars.hpp>
#include <cstdlib>

#include "daemon/control/protocol/resources.h"
#include "daemon/control/protocol/responses.h"
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

http::request<http::string_body> make_request(std::string_view method, const std::string& target,
                                              const std::string& body) {
  http::request<http::string_body> request;
  request.method_string(method);
  request.target(target);
  request.version(11);
  request.set(http::field::host, "reprieve");
  request.set(http::field::user_agent, "reprievectl/" REPRIEVE_VERSION);
  request.keep_alive(false);
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
  return request("GET", target_of(resource, query), {});
}

Outcome<Answer> Client::remove(std::string_view resource, const protocol::QueryParameters& query) {
  return request("DELETE", target_of(resource, query), {});
}

Outcome<Answer> Client::post(std::string_view resource, const boost::json::object& body) {
  return request("POST", std::string(resource), boost::json::serialize(body));
}

Outcome<Answer> Client::request(std::string_view method, const std::string& target, const std::string& body) {
  asio::io_context context;
  auto socket = connect(context, sockets_);
  if (!socket) return give_up(std::move(socket).error());
  error_code write_error;
  http::write(*socket, make_request(method, target, body), write_error);
  // A server that refused before it read everything has answered all the same.
  http::response_parser<http::string_body> parser;
  parser.body_limit(boost::none);
  boost::beast::flat_buffer buffer;
  error_code error;
  http::read(*socket, buffer, parser, error);
  if (error) return unreachable("the daemon hung up: " + (write_error ? write_error : error).message());

  auto response = parser.release();
  Answer answer{.status = response.result_int(), .text = std::move(response.body()), .body = {}};
  while (answer.text.ends_with('\n')) answer.text.pop_back();
  answer.body = boost::json::parse(answer.text, error);
  if (error) return unreachable("the answer is not JSON: is this the control socket of reprieved?");
  return answer;
}

std::string with_id(std::string_view resource, std::int64_t id) {
  std::string named(resource);
  const std::size_t at = named.find(protocol::kIdPlaceholder);
  if (at != std::string::npos) named.replace(at, protocol::kIdPlaceholder.size(), std::to_string(id));
  return named;
}

}  // namespace reprieve::ctl
