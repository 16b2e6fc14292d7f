// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <chrono>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/file_descriptor.h"

namespace reprieve::test {

struct RawResponse {
  int status = 0;
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;

  [[nodiscard]] boost::json::value json() const { return boost::json::parse(body); }
  // error.code of the body; empty where there is none.
  [[nodiscard]] std::string error_code() const;
  [[nodiscard]] std::string error_message() const;
};

// A connection that sends whatever bytes it is told to.
class RawClient {
 public:
  explicit RawClient(const std::filesystem::path& socket);
  // As this user and group, with no other groups.
  RawClient(const std::filesystem::path& socket, uid_t uid, gid_t gid);

  // False when the server hung up.
  bool send(std::string_view bytes);
  // A whole request; the body, if any, as JSON.
  bool request(std::string_view method, std::string_view target, std::string_view body = {});
  void end_sending();
  // The next response; nothing when the server hangs up first or says nothing for ten seconds.
  std::optional<RawResponse> read();
  // The next chunk of a response in chunks, whose head was read; empty: the last one. Nothing when the server hangs up
  // or says nothing for ten seconds.
  std::optional<std::string> read_chunk();
  // Whether the server closes within the limit.
  bool closed_within(std::chrono::milliseconds limit);
  // request() and read(); a response of status 0 when there is none.
  RawResponse ask(std::string_view method, std::string_view target, std::string_view body = {});

 private:
  bool fill();
  FileDescriptor descriptor_;
  std::string buffer_;
};

}  // namespace reprieve::test
