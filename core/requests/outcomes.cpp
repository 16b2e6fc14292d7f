// SPDX-License-Identifier: Apache-2.0
#include "core/requests/outcomes.h"

#include <optional>
#include <type_traits>
#include <vector>

#include "core/accounts/accounts.h"
#include "core/accounts/sharing.h"
#include "core/store/entry_row.h"
#include "core/store/packed.h"
#include "core/trash/empty_plan.h"
#include "core/trash/trash_item.h"
#include "core/trash/undo.h"
#include "core/tree/items.h"
#include "core/upkeep/backup.h"

namespace reprieve {
namespace {

// One list of fields for both directions: `io` is a PackedWriter with const values, or a PackedReader.
template <typename Value, typename Of>
concept Is = std::is_same_v<std::remove_const_t<Value>, Of>;

template <typename Io, Is<std::string> Value>
void fields(Io& io, Value& text) {
  io(text);
}

template <typename Io, typename Tag>
void fields(Io& io, Id<Tag>& id) {
  io(id);
}
template <typename Io, typename Tag>
void fields(Io& io, const Id<Tag>& id) {
  io(id);
}

template <typename Io, Is<Timestamp> Value>
void fields(Io& io, Value& time) {
  io(time);
}

template <typename Io, Is<Done> Value>
void fields(Io& /*io*/, Value& /*done*/) {}

template <typename Io, Is<Account> Value>
void fields(Io& io, Value& account) {
  io(account.id), io(account.name), io(account.uid), io(account.gid);
  io(account.root), io(account.projects), io(account.runs), io(account.trash);
}

template <typename Io, Is<Share> Value>
void fields(Io& io, Value& share) {
  io(share.owner), io(share.with), io(share.role), io(share.state), io(share.kind), io(share.path), io(share.name);
}

template <typename Io, Is<EntryRow> Value>
void fields(Io& io, Value& entry) {
  io(entry.parent), io(entry.id), io(entry.name), io(entry.inode), io(entry.item), io(entry.role);
}

template <typename Io, Is<EventRow> Value>
void fields(Io& io, Value& event) {
  io(event.id), io(event.at), io(event.kind), io(event.account), io(event.uid), io(event.process), io(event.session);
  io(event.inode), io(event.item), io(event.path), io(event.detail), io(event.undone);
}

template <typename Io, Is<UndoStep> Value>
void fields(Io& io, Value& step) {
  io(step.at), io(step.item), fields(io, step.event), io(step.is_trash);
}

void effect_of(PackedWriter& out, const std::optional<EventKind>& effect) {
  out(effect.has_value());
  if (effect) out(*effect);
}
void effect_of(PackedReader& in, std::optional<EventKind>& effect) {
  bool is_set = false;
  in(is_set);
  if (is_set) in(effect.emplace());
}

template <typename Io, Is<BatchOutcome> Value>
void fields(Io& io, Value& outcome) {
  io(outcome.state), io(outcome.id), io(outcome.subject), io(outcome.path), effect_of(io, outcome.effect);
  io(outcome.code), io(outcome.errno_symbol), io(outcome.reason);
}

template <typename Value>
void list(PackedWriter& out, const std::vector<Value>& values) {
  out(values.size());
  for (const Value& value : values) fields(out, value);
}
template <typename Value>
void list(PackedReader& in, std::vector<Value>& values) {
  read_list(in, [&] { fields(in, values.emplace_back()); });
}

template <typename Io, Is<PurgeOutcome> Value>
void fields(Io& io, Value& outcome) {
  io(outcome.operation), list(io, outcome.items);
}

void fields(PackedWriter& out, const Backup& backup) {
  out(backup.file.native()), out(backup.bytes), out(backup.inodes), out(backup.took.count());
}
void fields(PackedReader& in, Backup& backup) {
  std::string file;
  std::int64_t took = 0;
  in(file), in(backup.bytes), in(backup.inodes), in(took);
  backup.file = file;
  backup.took = std::chrono::milliseconds(took);
}

template <typename Io, Is<UndoPlan> Value>
void fields(Io& io, Value& plan) {
  io(plan.session), list(io, plan.steps);
}

template <typename Io, Is<ItemDescription> Value>
void fields(Io& io, Value& item) {
  io(item.kind), io(item.owner), io(item.role), io(item.status), io(item.files_deleted);
  list(io, item.places), list(io, item.derived_from), list(io, item.made_from_it);
}

template <typename Io, typename Element>
void fields(Io& io, std::vector<Element>& values) {
  list(io, values);
}
template <typename Io, typename Element>
void fields(Io& io, const std::vector<Element>& values) {
  list(io, values);
}

}  // namespace

template <typename Outcome>
std::string pack_outcome(const Outcome& outcome) {
  PackedWriter out;
  fields(out, outcome);
  return out.take();
}

template <typename Outcome>
Result<Outcome> unpack_outcome(std::string_view bytes) {
  PackedReader in(bytes);
  Outcome outcome;
  fields(in, outcome);
  if (in.broken() || !in.at_end()) return fail(Errc::store_damaged, "metadata.db: an outcome cannot be read");
  return outcome;
}

#define REPRIEVE_OUTCOME(Type)                    \
  template std::string pack_outcome(const Type&); \
  template Result<Type> unpack_outcome(std::string_view)

REPRIEVE_OUTCOME(Done);
REPRIEVE_OUTCOME(Timestamp);
REPRIEVE_OUTCOME(Account);
REPRIEVE_OUTCOME(Share);
REPRIEVE_OUTCOME(ItemDescription);
REPRIEVE_OUTCOME(BatchOutcome);
REPRIEVE_OUTCOME(std::vector<BatchOutcome>);
REPRIEVE_OUTCOME(std::vector<TrashItemId>);
REPRIEVE_OUTCOME(std::vector<EntryRow>);
REPRIEVE_OUTCOME(PurgeOutcome);
REPRIEVE_OUTCOME(Backup);
REPRIEVE_OUTCOME(UndoPlan);

#undef REPRIEVE_OUTCOME

}  // namespace reprieve
