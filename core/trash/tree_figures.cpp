// SPDX-License-Identifier: Apache-2.0
#include "core/trash/tree_figures.h"

#include <sys/stat.h>

#include <algorithm>
#include <unordered_map>
#include <vector>

#include "core/parts.h"

namespace reprieve {
namespace {

constexpr std::size_t kPortion = 512;

// A walk over trees, depth first.
class TreeCount {
 public:
  explicit TreeCount(CoreParts& parts) : parts_(parts) {}

  // Adds the tree. stale: there is none.
  Result<void> walk(InodeId top) {
    REPRIEVE_TRY(const Line line, parts_.store->read([&](Transaction& tx) -> Result<Line> {
      const auto row = tx.inodes.find(top);
      if (!row) return fail(Errc::stale);
      return Line{*row, names_of(tx, *row)};
    }));
    count(line, InodeId{});
    while (!pending_.empty()) {
      const Pending next = pending_.back();
      pending_.pop_back();
      REPRIEVE_TRY_VOID(walk_directory(next));
    }
    return {};
  }

  // Bytes of a file with several names, or in a sample with several places, count once, and as freed only if every name
  // and place is in what was walked.
  [[nodiscard]] TreeFigures figures() const {
    TreeFigures all = figures_;
    for (const auto& [inode, shared] : shared_) {
      all.bytes += shared.bytes;
      if (is_whole(shared)) all.exclusive_bytes += shared.bytes;
    }
    return all;
  }
  [[nodiscard]] const std::map<ItemKind, std::uint64_t>& kinds() const { return kinds_; }
  // Whether the figures stay true for as long as the trash stays as it is. A name outside is a way to change the file,
  // and may itself come and go.
  [[nodiscard]] bool settled() const {
    return settled_ && std::ranges::all_of(shared_, [this](const auto& each) { return is_whole(each.second); });
  }

 private:
  struct Line {
    InodeRow inode;
    std::uint64_t names = 0;  // in all, trashed ones too
  };
  // A file or sample with several names, of which some may lie outside. Of a sample the bytes are those of the files in
  // it that have no other name.
  struct Shared {
    std::uint64_t names = 0;
    std::uint64_t names_inside = 0;
    std::uint64_t bytes = 0;
    InodeId within;  // the sample with several places that it lies in; none
  };
  // A directory that is still to be walked, and the sample with several places that it is or lies in.
  struct Pending {
    InodeId directory;
    InodeId within;
  };

  [[nodiscard]] bool is_whole(const Shared& shared) const {
    if (shared.names != shared.names_inside) return false;
    return !shared.within || is_whole(shared_.at(shared.within));
  }

  // Of directories only samples have several places that keep what is in them.
  static std::uint64_t names_of(Transaction& tx, const InodeRow& inode) {
    const bool one_only = S_ISDIR(inode.mode) && inode.kind != ItemKind::sample;
    return one_only ? 1 : tx.entries.count_places(inode.id);
  }

  Result<void> walk_directory(const Pending& at) {
    for (EntryId after{}; true;) {
      REPRIEVE_TRY(const auto lines, parts_.store->read([&](Transaction& tx) -> Result<std::vector<Line>> {
        std::vector<Line> found;
        for (const auto& [entry, inode] : tx.entries.list(at.directory, after, kPortion)) {
          found.push_back({inode, names_of(tx, inode)});
          after = entry.id;
        }
        return found;
      }));
      for (const Line& line : lines) count(line, at.within);
      if (lines.size() < kPortion) return {};
    }
  }

  void count(const Line& line, InodeId within) {
    const InodeRow& inode = line.inode;
    if (S_ISDIR(inode.mode)) return count_directory(line, within);
    ++kinds_[display_kind(inode.kind)];
    ++figures_.files;
    std::uint64_t bytes = inode.target_size;
    if (S_ISREG(inode.mode)) {
      settled_ = settled_ && !parts_.content.is_open_for_writing(inode.id);
      const auto blob = parts_.blobs->stat_blob(inode.id);
      bytes = blob ? static_cast<std::uint64_t>(blob->st_size) : 0;
    }
    if (line.names > 1) {
      Shared& shared = note(line, within);
      shared.bytes = bytes;
    } else if (within) {
      shared_[within].bytes += bytes;
    } else {
      figures_.bytes += bytes;
      figures_.exclusive_bytes += bytes;
    }
  }

  void count_directory(const Line& line, InodeId within) {
    const InodeRow& inode = line.inode;
    if (line.names > 1) {
      // Met a second time it was counted already.
      if (note(line, within).names_inside > 1) return;
      within = inode.id;
    }
    ++kinds_[display_kind(inode.kind)];
    ++figures_.folders;
    pending_.push_back({inode.id, within});
  }

  Shared& note(const Line& line, InodeId within) {
    Shared& shared = shared_[line.inode.id];
    shared.names = line.names;
    shared.within = within;
    ++shared.names_inside;
    return shared;
  }

  static ItemKind display_kind(ItemKind kind) {
    return kind == ItemKind::samples || kind == ItemKind::analyses ? ItemKind::folder : kind;
  }

  CoreParts& parts_;
  TreeFigures figures_;
  std::map<ItemKind, std::uint64_t> kinds_;
  std::vector<Pending> pending_;
  std::unordered_map<InodeId, Shared> shared_;
  bool settled_ = true;
};

}  // namespace

Result<TreeFigures> count_together(CoreParts& parts, const std::vector<InodeId>& tops) {
  TreeCount count(parts);
  for (const InodeId top : tops) {
    auto walked = count.walk(top);
    if (!walked && walked.error().code != Errc::stale) return fail(std::move(walked).error());
  }
  return count.figures();
}

Result<TrashItemDetail> count_tree(CoreParts& parts, const TrashRow& item) {
  const Timestamp trash_before = parts.trash_view.modified();
  TreeCount count(parts);
  REPRIEVE_TRY_VOID(count.walk(item.inode));
  TrashItemDetail detail;
  detail.item.figures = count.figures();
  detail.counts = count.kinds();
  // What changed while it was counted must be counted again.
  if (count.settled() && parts.trash_view.modified() == trash_before) {
    REPRIEVE_TRY_VOID(parts.store->write([&](Transaction& tx) -> Result<void> {
      tx.trash.set_figures(item.id, count.figures());
      return {};
    }));
  }
  return detail;
}

Result<TreeFigures> figures_of(CoreParts& parts, const TrashRow& item) {
  if (item.figures) return *item.figures;
  REPRIEVE_TRY(const TrashItemDetail detail, count_tree(parts, item));
  return *detail.item.figures;
}

}  // namespace reprieve
