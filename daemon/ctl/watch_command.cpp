// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <algorithm>
#include <boost/json/parse.hpp>
#include <chrono>
#include <csignal>
#include <ostream>

#include "core/base/time_text.h"
#include "daemon/control/protocol/account_messages.h"
#include "daemon/control/protocol/resources.h"
#include "daemon/ctl/commands.h"
#include "daemon/ctl/patience.h"
#include "daemon/ctl/report.h"
#include "daemon/ctl/request_parts.h"
#include "daemon/ctl/table.h"
#include "daemon/ctl/text.h"

namespace reprieve::ctl {
namespace {

// An answer that lasted so long was not cut off at once.
constexpr std::chrono::seconds kLasting{1};

constexpr unsigned kServiceUnavailable = 503;  // the daemon is stopping

// Every line was flushed, so that there is nothing left to do.
void stop_watching(int /*signal*/) { ::_exit(to_status(ExitCode::done)); }

void print(Session& session, const protocol::EventInfo& event) {
  constexpr std::size_t kNumber = 8;
  constexpr std::size_t kUser = 6;
  constexpr std::size_t kWord = 12;
  const auto cell = [](const std::string& text, std::size_t width, Align align) {
    const std::string pad(width - std::min(width, columns(text)), ' ');
    return align == Align::right ? pad + text : text + pad;
  };
  session.screen.out << cell(std::to_string(event.seq), kNumber, Align::right) << "  " << rfc3339(event.at) << "  "
                     << cell(printable(event.account), kWord, Align::left) << "  "
                     << cell(std::to_string(event.uid), kUser, Align::right) << "  "
                     << cell(printable(event.event), kWord, Align::left) << "  " << told(event) << '\n';
}

// The number of the event; 0 where the line is about something else.
std::uint64_t print_line(Session& session, std::string_view line) {
  boost::system::error_code error;
  const auto event = protocol::EventInfo::parse(boost::json::parse(line, error));
  if (session.options.json) {
    session.screen.out << line << '\n';
  } else if (event.seq != 0) {
    print(session, event);
  } else {
    session.screen.complain("events before the next one are not kept any more");
  }
  session.screen.out.flush();
  return event.seq;
}

}  // namespace

Outcome<ExitCode> run_watch(Session& session) {
  std::signal(SIGINT, &stop_watching);
  protocol::EventsRequest request{.since = session.options.since_number, .follow = true};
  Patience patience;
  bool begun = false;
  bool heard = false;
  const LineTaker taker{.begins =
                            [&](std::int64_t since) {
                              // From here on every event is told once, whoever the daemon is that tells it.
                              if (!request.since) request.since = static_cast<std::uint64_t>(since);
                              begun = true;
                            },
                        .line =
                            [&](std::string_view line) {
                              if (const auto seq = print_line(session, line); seq != 0) request.since = seq;
                              heard = true;
                            }};
  for (;;) {
    begun = heard = false;
    const auto asked = std::chrono::steady_clock::now();
    auto query = request.to_query();
    for (auto& parameter : account_query(session.options)) query.push_back(std::move(parameter));
    const auto answer = session.client.follow(protocol::kEventsResource, query, taker);
    if (!session.screen.out) return ExitCode::refused_or_failed;
    if (answer && answer->refused() && answer->status != kServiceUnavailable) return give_up(answer->failure());
    if (!answer && !session.client.has_connected()) return give_up(answer.error());
    if (begun) patience.extend();
    if (heard || std::chrono::steady_clock::now() - asked > kLasting) patience.begin_again();
    if (!patience.wait()) return answer ? give_up(answer->failure()) : give_up(answer.error());
  }
}

}  // namespace reprieve::ctl
