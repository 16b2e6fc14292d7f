// SPDX-License-Identifier: Apache-2.0
#include "core/trash/session_ends.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>

#include <array>
#include <cerrno>
#include <set>
#include <utility>
#include <vector>

#include "core/base/thread.h"
#include "core/parts.h"
#include "core/trash/history.h"
#include "core/view/ancestry.h"

namespace reprieve {

SessionEnds::SessionEnds(CoreParts& parts, ProcessTable& processes)
    : parts_(parts),
      processes_(processes),
      events_(::epoll_create1(EPOLL_CLOEXEC)),
      woken_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      attempts_(parts.failures, "what a program hid is not settled") {
  epoll_event event{.events = EPOLLIN, .data = {.u64 = 0}};
  ::epoll_ctl(events_.get(), EPOLL_CTL_ADD, woken_.get(), &event);
}

SessionEnds::~SessionEnds() { stop(); }

Result<void> SessionEnds::start() {
  REPRIEVE_TRY(thread_, start_thread([this] { run(); }));
  return {};
}

void SessionEnds::stop() {
  {
    const MutexLock lock(mutex_);
    stopping_ = true;
  }
  wake();
  if (thread_.joinable()) thread_.join();
}

void SessionEnds::wake() { static_cast<void>(::eventfd_write(woken_.get(), 1)); }

Result<void> SessionEnds::resume() {
  return parts_.store->write([&](Transaction& tx) -> Result<void> {
    std::set<SessionId> sessions;
    for (const HiddenRow& row : tx.hidden.unsettled()) sessions.insert(row.session);
    for (const SessionId session : sessions) {
      const auto key = tx.accounts.session_key(session);
      if (key && key->boot == parts_.sessions.boot() && watch(tx, session)) continue;
      for (const HiddenRow& row : tx.hidden.of_session(session)) {
        if (!row.settled) tx.hidden.remove(row);
      }
    }
    return {};
  });
}

bool SessionEnds::watch(Transaction& tx, SessionId session) {
  {
    const MutexLock lock(mutex_);
    if (watched_.contains(session)) return true;
  }
  const auto key = tx.accounts.session_key(session);
  if (!key || key->process == 0) return false;
  Watched watched{.process = {key->process, key->started}, .descriptor = {}};
  watched.descriptor = processes_.watch(watched.process);
  const int descriptor = watched.descriptor.get();
  {
    const MutexLock lock(mutex_);
    if (!watched_.emplace(session, std::move(watched)).second) return true;
  }
  epoll_event event{.events = EPOLLIN | EPOLLONESHOT, .data = {.u64 = static_cast<std::uint64_t>(session.number())}};
  // Gone while its request is served: it was killed.
  if (descriptor < 0 || ::epoll_ctl(events_.get(), EPOLL_CTL_ADD, descriptor, &event) != 0) wake();
  return true;
}

void SessionEnds::run() {
  for (;;) {
    std::array<epoll_event, 16> events{};
    const int count = ::epoll_wait(events_.get(), events.data(), static_cast<int>(events.size()), pause_);
    std::vector<SessionId> ended;
    for (int i = 0; i < count; ++i) {
      const std::uint64_t session = events[static_cast<std::size_t>(i)].data.u64;
      if (session != 0) ended.emplace_back(static_cast<std::int64_t>(session));
    }
    eventfd_t unused = 0;
    static_cast<void>(::eventfd_read(woken_.get(), &unused));
    {
      const MutexLock lock(mutex_);
      if (stopping_) return;
      for (const auto& [session, watched] : watched_) {
        if (!watched.descriptor) ended.push_back(session);
      }
    }
    conclude_failed();
    for (const SessionId session : ended) handle(session);
  }
}

void SessionEnds::handle(SessionId session) {
  Watched watched;
  {
    const MutexLock lock(mutex_);
    auto node = watched_.extract(session);
    if (!node) return;
    watched = std::move(node.mapped());
  }
  const int descriptor = watched.descriptor.get();
  const ProcessEnd end = descriptor >= 0 ? processes_.end_of(watched.process, descriptor) : ProcessEnd::interrupted;
  if (end == ProcessEnd::not_yet_told) return await_hangup(session, std::move(watched));
  if (const auto done = conclude(session, end); !done) {
    failed_.emplace(session, end);
    pause_ = static_cast<int>(attempts_.failed(done.error()).count());
  }
}

Result<void> SessionEnds::conclude(SessionId session, ProcessEnd end) {
  return end == ProcessEnd::interrupted ? take_back(session) : settle(session);
}

void SessionEnds::conclude_failed() {
  while (!failed_.empty()) {
    const auto [session, end] = *failed_.begin();
    if (const auto done = conclude(session, end); !done) {
      pause_ = static_cast<int>(attempts_.failed(done.error()).count());
      return;
    }
    failed_.erase(failed_.begin());
  }
  attempts_.succeeded();
  pause_ = -1;
}

void SessionEnds::await_hangup(SessionId session, Watched watched) {
  const int descriptor = watched.descriptor.get();
  {
    const MutexLock lock(mutex_);
    watched_.emplace(session, std::move(watched));
  }
  // No event is asked for: a hang-up is told of in any case (epoll_ctl(2)), also one that has come meanwhile.
  epoll_event event{.events = EPOLLONESHOT, .data = {.u64 = static_cast<std::uint64_t>(session.number())}};
  ::epoll_ctl(events_.get(), EPOLL_CTL_MOD, descriptor, &event);
}

Result<void> SessionEnds::settle(SessionId session) {
  return parts_.store->write([&](Transaction& tx) -> Result<void> {
    const auto key = tx.accounts.session_key(session);
    const auto account = key ? tx.accounts.find(key->account) : std::nullopt;
    if (!account) return {};
    const Caller caller{.uid = key->uid, .gid = 0, .thread = key->process, .mount = {}};
    const Deletion deletion{*account, session, caller, parts_.clock.now()};
    for (const HiddenRow& row : tx.hidden.of_session(session)) {
      const auto entry = tx.entries.find(row.parent, row.entry);
      if (row.settled || !entry) continue;
      const std::string path = join(locate(tx, *account, row.parent).path, entry->name);
      tx.events.insert(event_of(deletion, EventKind::hide, entry->inode, path));
    }
    tx.hidden.settle(session);
    return {};
  });
}

Result<void> SessionEnds::take_back(SessionId session) {
  Changes changes;
  REPRIEVE_TRY_VOID(parts_.store->write([&](Transaction& tx) -> Result<void> {
    for (const HiddenRow& row : tx.hidden.of_session(session)) {
      if (row.settled) continue;
      tx.hidden.remove(row);
      if (const auto entry = tx.entries.find(row.parent, row.entry)) {
        changes.seen.push_back({row.parent, EntryName::trusted(entry->name)});
      }
    }
    return {};
  }));
  parts_.announce(changes);
  return {};
}

}  // namespace reprieve
