// SPDX-License-Identifier: Apache-2.0
#include "daemon/control/event_feed.h"

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <utility>

#include "daemon/control/account_rights.h"
#include "daemon/control/json.h"
#include "daemon/control/protocol/account_messages.h"
#include "daemon/control/protocol/resources.h"

namespace reprieve::control {
namespace {

// A millisecond or so of the store's lock, and what a client that does not read makes the daemon keep.
constexpr std::size_t kPortion = 256;

std::string line(const boost::json::object& object) { return boost::json::serialize(object) + '\n'; }

}  // namespace

EventFeed::EventFeed(Services& services, Peer peer, std::optional<std::string> account, EventId since, bool follows)
    : services_(services),
      peer_(std::move(peer)),
      account_(std::move(account)),
      since_(since),
      follows_(follows),
      told_(since) {}

Result<EventFeed::Portion> EventFeed::next() {
  REPRIEVE_TRY(const auto rights, AccountRights::of(services_, peer_));
  std::optional<Account> account;
  if (account_ || !rights.all()) {
    REPRIEVE_TRY(account, rights.choose(account_));
  }
  REPRIEVE_TRY(const EventPage page, services_.files.history().after(account, told_, kPortion));
  Portion portion{.lines = {}, .more = page.events.size() == kPortion};
  if (page.missed && !missed_) portion.lines = line({{protocol::field::kMissed, true}});
  missed_ = page.missed;
  for (const HistoryEvent& event : page.events) portion.lines += line(to_info(event).to_json());
  told_ = page.upto;
  return portion;
}

}  // namespace reprieve::control
