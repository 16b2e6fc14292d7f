// SPDX-License-Identifier: Apache-2.0
#include "daemon/control/api_events.h"

#include <boost/json/array.hpp>
#include <memory>
#include <optional>

#include "daemon/control/event_feed.h"
#include "daemon/control/json.h"
#include "daemon/control/protocol/account_messages.h"
#include "daemon/control/protocol/resources.h"
#include "daemon/control/selection.h"

namespace reprieve::control {
namespace {

// Whose events are told; none: of all accounts, and what belongs to none.
Result<std::optional<Account>> account_of(const Call& call) {
  if (!call.named && call.rights.all()) return std::optional<Account>();
  REPRIEVE_TRY(Account account, call.rights.choose(call.named));
  return std::optional(std::move(account));
}

}  // namespace

Result<Response> list_history(const Call& call) {
  REPRIEVE_TRY(const auto request, protocol::HistoryRequest::parse(call.query));
  HistoryQuery query{.kind = {}, .since = {}, .limit = request.limit};
  if (request.event) {
    REPRIEVE_TRY(query.kind, to_event_kind(*request.event));
  }
  REPRIEVE_TRY(query.since, to_since(request.since, call.services.clock.now()));
  REPRIEVE_TRY(const auto account, account_of(call));
  REPRIEVE_TRY(const auto events, call.services.files.history().list(account, query));
  boost::json::array items;
  for (const HistoryEvent& event : events) items.push_back(to_info(event).to_json());
  return Response{.body = {{protocol::field::kItems, std::move(items)}}};
}

Result<Response> tell_events(const Call& call) {
  REPRIEVE_TRY(const auto request, protocol::EventsRequest::parse(call.query));
  REPRIEVE_TRY(const auto account, account_of(call));
  History& history = call.services.files.history();
  EventId since;
  if (request.since) {
    since = EventId(static_cast<std::int64_t>(*request.since));
    // That the number is one.
    REPRIEVE_TRY_VOID(history.after(account, since, 1));
  } else if (request.follow) {
    REPRIEVE_TRY(since, history.newest());
  }
  const auto name = account ? std::optional(account->name) : std::nullopt;
  return Response{.body = {},
                  .feed = std::make_shared<EventFeed>(call.services, call.peer, name, since, request.follow)};
}

}  // namespace reprieve::control
