// SPDX-License-Identifier: Apache-2.0
#include "core/trash/history.h"

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
  return {.seq = row.id,
          .at = row.at,
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

std::vector<HistoryEvent> to_events(Transaction& tx, const std::optional<Account>& account,
                                    const std::vector<EventRow>& rows) {
  Names names;
  for (const Account& each : account ? std::vector<Account>{*account} : tx.accounts.all()) names[each.id] = each.name;
  std::vector<HistoryEvent> events;
  events.reserve(rows.size());
  for (const EventRow& row : rows) events.push_back(to_event(row, names));
  return events;
}

AccountId id_of(const std::optional<Account>& account) { return account ? account->id : AccountId(); }

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
    auto rows = tx.events.list(id_of(account), query.since.value_or(Timestamp::min()), query.kind, query.limit);
    std::ranges::reverse(rows);
    return to_events(tx, account, rows);
  });
}

Result<EventPage> History::after(const std::optional<Account>& account, EventId seq, std::size_t limit) {
  return parts_.store->read([&](Transaction& tx) -> Result<EventPage> {
    const EventId newest = tx.sequences.newest_event();
    if (seq > newest)
      return fail(Errc::invalid_argument, "no event has the number " + std::to_string(seq.number()) + " yet");
    EventPage page{.events = to_events(tx, account, tx.events.after(id_of(account), seq, limit)),
                   .upto = newest,
                   .missed = seq < tx.events.trimmed(id_of(account))};
    if (page.events.size() == limit) page.upto = page.events.back().seq;
    return page;
  });
}

Result<EventId> History::newest() {
  return parts_.store->read([](Transaction& tx) -> Result<EventId> { return tx.sequences.newest_event(); });
}

void History::on_event(std::function<void()> wake) { parts_.store->on_event(std::move(wake)); }

void History::note(EventKind kind, const Caller& caller, const std::string& detail) {
  // What it tells of goes on, noted or not.
  static_cast<void>(parts_.store->write([&](Transaction& tx) -> Result<void> {
    EventRow row{.id = {}, .at = parts_.clock.now(), .kind = kind};
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
