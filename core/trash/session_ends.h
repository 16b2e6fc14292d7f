// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <thread>

#include "core/background_work.h"
#include "core/base/file_descriptor.h"
#include "core/base/ids.h"
#include "core/base/result.h"
#include "core/base/sync.h"
#include "core/store/store.h"
#include "core/trash/sessions.h"

namespace reprieve {

struct CoreParts;

// Waits for the end of processes that delete what their account does not own. `rm -r` of such a tree hides it piece by
// piece; when the process has ended well that is settled, and when it was interrupted all of it is taken back.
// Thread-safe; the waiting is done by one thread of its own.
class SessionEnds {
 public:
  SessionEnds(CoreParts& parts, ProcessTable& processes);
  ~SessionEnds();

  // Takes up again what a daemon before this one waited for: of processes that are gone nobody can say how they ended,
  // so what they hid shows again. Once, before start().
  Result<void> resume();
  // io: no thread could be started.
  Result<void> start();
  void stop();  // idempotent

  // From now on waits for the session's process. False where it cannot be seen, so that what it does is to be final at
  // once.
  bool watch(Transaction& tx, SessionId session);

 private:
  struct Watched {
    Process process;
    FileDescriptor descriptor;  // empty: it was gone already
  };

  void run();
  void handle(SessionId session);
  Result<void> conclude(SessionId session, ProcessEnd end);
  void conclude_failed();
  void await_hangup(SessionId session, Watched watched);
  Result<void> settle(SessionId session);
  Result<void> take_back(SessionId session);
  void wake();

  CoreParts& parts_;
  ProcessTable& processes_;
  FileDescriptor events_;  // epoll(7); an entry's data is the session, 0 for woken_
  FileDescriptor woken_;
  Mutex mutex_;
  std::map<SessionId, Watched> watched_ REPRIEVE_GUARDED_BY(mutex_);
  bool stopping_ REPRIEVE_GUARDED_BY(mutex_) = false;
  // Of processes that have ended, what could not be written down yet. Only of the thread.
  std::map<SessionId, ProcessEnd> failed_;
  Attempts attempts_;
  int pause_ = -1;  // until the next attempt, as epoll_wait(2) takes it
  std::thread thread_;
};

}  // namespace reprieve
