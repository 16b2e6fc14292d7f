// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <memory>

#include "core/accounts/quota_ledger.h"
#include "core/accounts/sharing.h"
#include "core/background_work.h"
#include "core/changes.h"
#include "core/requests/idempotency.h"
#include "core/settings.h"
#include "core/store/blob_store.h"
#include "core/store/store.h"
#include "core/trash/empty_plan.h"
#include "core/trash/history.h"
#include "core/trash/purger.h"
#include "core/trash/session_ends.h"
#include "core/trash/sessions.h"
#include "core/trash/trash.h"
#include "core/trash/undo.h"
#include "core/tree/attribute_service.h"
#include "core/tree/content.h"
#include "core/tree/items.h"
#include "core/tree/namespace.h"
#include "core/upkeep/backup.h"
#include "core/upkeep/checker.h"
#include "core/upkeep/damage.h"
#include "core/upkeep/flusher.h"
#include "core/upkeep/scrubber.h"
#include "core/view/standing.h"
#include "core/view/trash_view.h"

namespace reprieve {

// What FileSystem is made of. The parts reach each other through it; nobody outside core sees it.
struct CoreParts {
  CoreParts(const Settings& with, const Clock& time, ProcessTable& table, std::unique_ptr<Store> opened,
            std::unique_ptr<BlobStore> blob_store)
      : settings(with),
        clock(time),
        processes(table),
        blobs(std::move(blob_store)),
        store(std::move(opened)),
        sessions(*store, clock, table),
        session_ends(*this, table),
        trash_view(clock),
        accounts(*this),
        sharing(*this),
        history(*this),
        undo(*this),
        names(*this),
        items(*this),
        attributes(*this),
        content(*this),
        quotas(*this),
        trash(*this),
        plans(*this),
        idempotency(*this),
        purger(*this),
        scrubber(*this),
        flusher(*this, settings.store.commit_interval),
        backups(*this),
        checker(*store, *blobs, time, Checker::Beside::everybody) {}

  // Tells the listener, if there is one and there is something to tell. No lock may be held.
  void announce(const Changes& changes) {
    ChangeListener* to = listener.load();
    const bool nothing = changes.seen.empty() && changes.aftermath.empty() && !changes.newly_shared;
    if (to != nullptr && !nothing) to->changed(changes);
  }

  // On return every change so far survives a power cut; of files that were made, that they are there. io.
  Result<void> make_lasting() {
    REPRIEVE_TRY_VOID(blobs->sync_names());
    return store->sync();
  }

  const Settings settings;
  const Clock& clock;
  ProcessTable& processes;
  BackgroundFailures failures;
  const std::unique_ptr<BlobStore> blobs;
  const std::unique_ptr<Store> store;  // goes first: while closing it asks the blob store for numbers to give back
  Sessions sessions;
  SessionEnds session_ends;
  Rebirths rebirths;
  TrashView trash_view;
  std::atomic<ChangeListener*> listener{nullptr};
  std::atomic<IntegrityListener*> integrity_listener{nullptr};
  Accounts accounts;
  Sharing sharing;
  History history;
  Undo undo;
  Namespace names;
  Items items;
  AttributeService attributes;
  Content content;
  QuotaLedger quotas;
  Trash trash;
  EmptyPlans plans;
  Idempotency idempotency;
  Purger purger;
  Scrubber scrubber;
  Flusher flusher;
  Backups backups;
  Checker checker;
};

}  // namespace reprieve
