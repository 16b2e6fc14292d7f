// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <memory>

#include "core/attribute_service.h"
#include "core/changes.h"
#include "core/content.h"
#include "core/empty_plan.h"
#include "core/flusher.h"
#include "core/history.h"
#include "core/items.h"
#include "core/namespace.h"
#include "core/purger.h"
#include "core/quota_ledger.h"
#include "core/session_ends.h"
#include "core/sessions.h"
#include "core/settings.h"
#include "core/sharing.h"
#include "core/standing.h"
#include "core/store/blob_store.h"
#include "core/store/store.h"
#include "core/trash.h"
#include "core/trash_view.h"
#include "core/undo.h"

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
        purger(*this),
        flusher(*this, settings.store.commit_interval) {}

  // Tells the listener, if there is one and there is something to tell. No lock may be held.
  void announce(const Changes& changes) {
    ChangeListener* to = listener.load();
    if (to != nullptr && !(changes.seen.empty() && changes.aftermath.empty())) to->changed(changes);
  }

  // On return every change so far survives a power cut; of files that were made, that they are there. io.
  Result<void> make_lasting() {
    REPRIEVE_TRY_VOID(blobs->sync_names());
    return store->sync();
  }

  const Settings settings;
  const Clock& clock;
  ProcessTable& processes;
  const std::unique_ptr<BlobStore> blobs;
  const std::unique_ptr<Store> store;  // goes first: while closing it asks the blob store for numbers to give back
  Sessions sessions;
  SessionEnds session_ends;
  Rebirths rebirths;
  TrashView trash_view;
  std::atomic<ChangeListener*> listener{nullptr};
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
  Purger purger;
  Flusher flusher;
};

}  // namespace reprieve
