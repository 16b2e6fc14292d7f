// SPDX-License-Identifier: Apache-2.0
#include "core/history.h"

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "core/parts.h"

namespace reprieve {
namespace {

// Users whose last refusal is remembered.
constexpr std::size_t kMostUsers = 1024;

using Names = std::unordered_map<AccountId, std::string>;

HistoryEvent to_event(const EventRow& row, const Names& names) {
  const auto name = names.find(row.account);
  return {.at = row.at,
          .kind = row.kind,
          .account = name == names.end() ? std::string() : name->second,
          .uid = row.uid,
          .process = row.process,
          .session = row.session,
          .item = row.item,
          .path = row.path,
          .detail = row.detail,
          .undone = row.undone};
}

HistoryEvent to_event(const TrashRow& row, const std::string& account) {
  return {.at = row.deleted,
          .kind = EventKind::trash,
          .account = account,
          .uid = row.uid,
          .session = row.session,
          .item = row.id,
          .path = row.origin};
}

}  // namespace

EventRow event_of(const Deletion& who, EventKind kind, InodeId inode, std::string path, std::string detail) {
  return {.id = {},
          .at = who.now,
          .kind = kind,
          .account = who.account.id,
          .uid = who.caller.uid,
          .process = who.caller.thread,
          .session = who.session,
          .inode = inode,
          .item = {},
          .path = std::move(path),
          .detail = std::move(detail)};
}

void record_change(Transaction& tx, const Account& account, const Caller& caller, Timestamp now, EventKind kind,
                   InodeId inode, std::string path, std::string detail) {
  tx.inodes.set_changed(inode, now);
  tx.events.insert(event_of({account, {}, caller, now}, kind, inode, std::move(path), std::move(detail)));
}

Result<std::vector<HistoryEvent>> History::list(const std::optional<Account>& account, const HistoryQuery& query) {
  return parts_.store->read([&](Transaction& tx) -> Result<std::vector<HistoryEvent>> {
    const std::vector<Account> accounts = account ? std::vector<Account>{*account} : tx.accounts.all();
    const Timestamp since = query.since.value_or(Timestamp::min());
    Names names;
    for (const Account& each : accounts) names[each.id] = each.name;
    std::vector<HistoryEvent> events;
    // With a filter by kind the newest of that kind may lie behind many others.
    const std::size_t most = query.kind ? static_cast<std::size_t>(EventRows::kKept) : query.limit;
    const auto wanted = account ? std::optional(account->id) : std::nullopt;
    for (const EventRow& row : tx.events.list(wanted, since, most)) events.push_back(to_event(row, names));
    for (const Account& each : accounts) {
      for (const TrashRow& row : tx.trash.all(each.id)) {
        if (row.deleted >= since) events.push_back(to_event(row, each.name));
      }
    }
    std::erase_if(events, [&query](const HistoryEvent& event) { return query.kind && event.kind != *query.kind; });
    std::ranges::stable_sort(events, {}, &HistoryEvent::at);
    if (events.size() > query.limit)
      events.erase(events.begin(), events.end() - static_cast<std::ptrdiff_t>(query.limit));
    return events;
  });
}

void History::configured(const Caller& caller, const std::string& detail) {
  // That it is not noted is no reason to go on without the configuration.
  static_cast<void>(parts_.store->write([&](Transaction& tx) -> Result<void> {
    EventRow row{.id = {}, .at = parts_.clock.now(), .kind = EventKind::configuration};
    row.uid = caller.uid;
    row.process = caller.thread;
    row.detail = detail;
    tx.events.insert(row);
    return {};
  }));
}

void History::denied(const std::optional<std::string>& account, const Caller& caller, const std::string& request) {
  const Timestamp now = parts_.clock.now();
  {
    const MutexLock lock(mutex_);
    if (last_denied_.size() >= kMostUsers) last_denied_.clear();
    Timestamp& last = last_denied_[caller.uid];
    if (last != Timestamp() && now - last < std::chrono::seconds(1)) return;
    last = now;
  }
  // The request was refused already; that it was noted is worth trying, no more.
  static_cast<void>(parts_.store->write([&](Transaction& tx) -> Result<void> {
    EventRow row{.id = {}, .at = now, .kind = EventKind::denied};
    const auto asked = account ? tx.accounts.find(*account) : std::nullopt;
    if (asked) row.account = asked->id;
    row.uid = caller.uid;
    row.process = caller.thread;
    row.detail = request;
    tx.events.insert(row);
    return {};
  }));
}

}  // namespace reprieve
