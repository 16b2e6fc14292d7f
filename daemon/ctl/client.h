// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/control/protocol/requests.h"
#include "daemon/ctl/failure.h"

namespace reprieve::ctl {

struct Answer {
  unsigned status = 0;
  std::string text;  // the body as it came, without a final newline
  boost::json::value body;

  [[nodiscard]] bool refused() const { return status >= 400; }
  // The refusal as a failure of the command.
  [[nodiscard]] Failure failure() const;
};

// Talks to the daemon, one connection a request: a user may think about a question for longer than the daemon keeps an
// idle connection. Not thread-safe.
class Client {
 public:
  // The sockets to try, in this order.
  explicit Client(std::vector<std::string> sockets) : sockets_(std::move(sockets)) {}
  // `option` (--socket), else $REPRIEVE_SOCKET, else /run/reprieve/control.sock and the one in $XDG_RUNTIME_DIR.
  static Client for_option(const std::optional<std::string>& option);

  // Fail where no daemon answers, or not in this protocol: ExitCode::unreachable. A refusal is an answer.
  Outcome<Answer> get(std::string_view resource, const protocol::QueryParameters& query = {});
  Outcome<Answer> remove(std::string_view resource, const protocol::QueryParameters& query);  // DELETE
  Outcome<Answer> post(std::string_view resource, const boost::json::object& body);

 private:
  Outcome<Answer> request(std::string_view method, const std::string& target, const std::string& body);
  std::vector<std::string> sockets_;
};

// An item's or operation's own resource: `resource` with the id in its place.
[[nodiscard]] std::string with_id(std::string_view resource, std::int64_t id);

}  // namespace reprieve::ctl
