// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <cstdint>
#include <functional>
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

// Who takes an answer that comes line by line.
struct LineTaker {
  std::function<void(std::int64_t since)> begins;  // the number in its head
  std::function<void(std::string_view line)> line;
};

// Talks to the daemon, one connection a request: a user may think about a question for longer than the daemon keeps an
// idle connection. Where the daemon went before it answered it is asked again, for as long as another one may come;
// what changes something has a key, by which it is carried out once. Not thread-safe.
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
  // POST of what changes nothing; needs no key.
  Outcome<Answer> ask(std::string_view resource, const boost::json::object& body);
  // GET of an answer of lines: returns when it ends, or with the refusal. Fails as the others do.
  Outcome<Answer> follow(std::string_view resource, const protocol::QueryParameters& query, const LineTaker& taker);
  // Whether somebody has answered a connect so far.
  [[nodiscard]] bool has_connected() const { return has_connected_; }

 private:
  struct Reply {
    unsigned status = 0;
    std::string text;
  };
  struct Request {
    std::string_view method;
    std::string target;
    std::string body;
    std::string key;  // may be empty
  };
  Outcome<Reply> exchange(const Request& request);
  Outcome<Answer> change(Request request);
  Outcome<Answer> repeat(const Request& request);
  std::vector<std::string> sockets_;
  bool has_connected_ = false;
};

// An item's or operation's own resource: `resource` with the id in its place.
[[nodiscard]] std::string with_id(std::string_view resource, std::int64_t id);

}  // namespace reprieve::ctl
