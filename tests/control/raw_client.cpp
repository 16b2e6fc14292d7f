// SPDX-License-Identifier: Apache-2.0
#include "tests/control/raw_client.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/json/parse.hpp>
#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <system_error>
#include <thread>

namespace reprieve::test {
namespace {

constexpr int kPatience = 10000;  // milliseconds

FileDescriptor connect_to(const std::filesystem::path& path) {
  FileDescriptor descriptor(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
  if (::connect(descriptor.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    throw std::system_error(errno, std::generic_category(), "connect " + path.native());
  }
  return descriptor;
}

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char letter) { return static_cast<char>(std::tolower(letter)); });
  return text;
}

std::string error_field(const std::string& body, std::string_view name) {
  const auto value = boost::json::parse(body);
  const auto* error = value.is_object() ? value.get_object().if_contains("error") : nullptr;
  return error != nullptr ? std::string(error->at(name).as_string()) : std::string();
}

RawResponse parse_head(const std::string& head) {
  RawResponse response;
  response.status = std::stoi(head.substr(head.find(' ') + 1));
  for (std::size_t at = head.find("\r\n"); at != std::string::npos && at + 2 < head.size();) {
    const std::size_t end = std::min(head.find("\r\n", at + 2), head.size());
    const std::string line = head.substr(at + 2, end - at - 2);
    const std::size_t colon = line.find(": ");
    if (colon != std::string::npos) response.headers[lower(line.substr(0, colon))] = line.substr(colon + 2);
    at = end;
  }
  return response;
}

}  // namespace

std::string RawResponse::error_code() const { return error_field(body, "code"); }
std::string RawResponse::error_message() const { return error_field(body, "message"); }

RawClient::RawClient(const std::filesystem::path& socket) : descriptor_(connect_to(socket)) {}

RawClient::RawClient(const std::filesystem::path& socket, uid_t uid, gid_t gid) {
  std::exception_ptr failure;
  // The system calls change the credentials of one thread; glibc's wrappers would change those of all.
  std::thread([&] {
    ::syscall(SYS_setgroups, 0, nullptr);
    ::syscall(SYS_setresgid, gid, gid, gid);
    ::syscall(SYS_setresuid, uid, uid, uid);
    try {
      descriptor_ = connect_to(socket);
    } catch (...) {
      failure = std::current_exception();
    }
  }).join();
  if (failure) std::rethrow_exception(failure);
}

bool RawClient::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(descriptor_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

bool RawClient::request(std::string_view method, std::string_view target, std::string_view body) {
  std::string text = std::string(method) + " " + std::string(target) + " HTTP/1.1\r\nHost: reprieve\r\n";
  if (!body.empty()) {
    text += "Content-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) + "\r\n";
  }
  return send(text + "\r\n" + std::string(body));
}

void RawClient::end_sending() { ::shutdown(descriptor_.get(), SHUT_WR); }

bool RawClient::fill() {
  pollfd waiting{.fd = descriptor_.get(), .events = POLLIN, .revents = 0};
  if (::poll(&waiting, 1, kPatience) != 1) return false;
  std::array<char, 65536> bytes{};
  const ssize_t got = ::recv(descriptor_.get(), bytes.data(), bytes.size(), 0);
  if (got <= 0) return false;
  buffer_.append(bytes.data(), static_cast<std::size_t>(got));
  return true;
}

std::optional<RawResponse> RawClient::read() {
  std::size_t end = 0;
  while ((end = buffer_.find("\r\n\r\n")) == std::string::npos) {
    if (!fill()) return std::nullopt;
  }
  RawResponse response = parse_head(buffer_.substr(0, end));
  buffer_.erase(0, end + 4);
  const auto length = response.headers.find("content-length");
  const std::size_t size = length != response.headers.end() ? std::stoul(length->second) : 0;
  while (buffer_.size() < size) {
    if (!fill()) return std::nullopt;
  }
  response.body = buffer_.substr(0, size);
  buffer_.erase(0, size);
  return response;
}

std::optional<std::string> RawClient::read_chunk() {
  std::size_t end = 0;
  while ((end = buffer_.find("\r\n")) == std::string::npos) {
    if (!fill()) return std::nullopt;
  }
  const std::size_t size = std::stoul(buffer_.substr(0, end), nullptr, 16);
  const std::size_t begin = end + 2;
  while (buffer_.size() < begin + size + 2) {
    if (!fill()) return std::nullopt;
  }
  std::string chunk = buffer_.substr(begin, size);
  buffer_.erase(0, begin + size + 2);
  return chunk;
}

bool RawClient::closed_within(std::chrono::milliseconds limit) {
  const auto end = std::chrono::steady_clock::now() + limit;
  for (;;) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
    pollfd waiting{.fd = descriptor_.get(), .events = POLLIN, .revents = 0};
    if (left.count() <= 0 || ::poll(&waiting, 1, static_cast<int>(left.count())) != 1) return false;
    std::array<char, 4096> bytes{};
    if (::recv(descriptor_.get(), bytes.data(), bytes.size(), 0) <= 0) return true;
  }
}

RawResponse RawClient::ask(std::string_view method, std::string_view target, std::string_view body) {
  request(method, target, body);
  return read().value_or(RawResponse());
}

}  // namespace reprieve::test
