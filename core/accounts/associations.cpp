// SPDX-License-Identifier: Apache-2.0
#include "core/accounts/associations.h"

#include <algorithm>

#include "core/view/ancestry.h"

namespace reprieve {

Result<void> check_association(const InodeRow& derived, const InodeRow& source) {
  if (derived.kind == ItemKind::sample && source.kind == ItemKind::run) return {};
  if (derived.kind == ItemKind::analysis && source.kind == ItemKind::sample) return {};
  return fail(Errc::invalid_argument,
              "a sample comes from runs, and an analysis uses samples; nothing else is associated");
}

std::vector<InodeId> made_from(Transaction& tx, InodeId item) {
  std::vector<InodeId> found;
  std::vector<InodeId> sources{item};
  while (!sources.empty()) {
    const InodeId source = sources.back();
    sources.pop_back();
    for (const InodeId derived : tx.derivations.derived_from(source)) {
      if (std::ranges::find(found, derived) != found.end()) continue;
      found.push_back(derived);
      sources.push_back(derived);
    }
  }
  std::ranges::sort(found);
  return found;
}

std::vector<EntryRow> live_places(Transaction& tx, const Account& account, InodeId inode) {
  std::vector<EntryRow> places = tx.entries.places(inode);
  std::erase_if(places, [&](const EntryRow& place) {
    return place.item || locate(tx, account, place.parent).life != Life::live;
  });
  return places;
}

}  // namespace reprieve
