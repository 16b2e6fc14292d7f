// SPDX-License-Identifier: Apache-2.0
#include "core/tree_figures.h"

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
      return Line{*row, tx.entries.count_places(top)};
    }));
    count(line);
    while (!pending_.empty()) {
      const InodeId directory = pending_.back();
      pending_.pop_back();
      REPRIEVE_TRY_VOID(walk_directory(directory));
    }
    return {};
  }

  // Bytes of a file with several names count once, and as freed only if every name is in what was walked.
  [[nodiscard]] TreeFigures figures() const {
    TreeFigures all = figures_;
    for (const auto& [inode, shared] : shared_) {
      all.bytes += shared.bytes;
      if (shared.names == shared.names_inside) all.exclusive_bytes += shared.bytes;
    }
    return all;
  }
  [[nodiscard]] const std::map<ItemKind, std::uint64_t>& kinds() const { return kinds_; }
  // Whether the figures stay true for as long as the trash stays as it is. A name outside is a way to change the file,
  // and may itself come and go.
  [[nodiscard]] bool settled() const {
    return settled_ &&
           std::ranges::all_of(shared_, [](const auto& file) { return file.second.names == file.second.names_inside; });
  }

 private:
  struct Line {
    InodeRow inode;
    std::uint64_t names = 0;  // in all, trashed ones too
  };
  // A file with several names, of which some may lie outside.
  struct Shared {
    std::uint64_t names = 0;
    std::uint64_t names_inside = 0;
    std::uint64_t bytes = 0;
  };

  Result<void> walk_directory(InodeId directory) {
    for (EntryId after{}; true;) {
      REPRIEVE_TRY(const auto lines, parts_.store->read([&](Transaction& tx) -> Result<std::vector<Line>> {
        std::vector<Line> found;
        for (const auto& [entry, inode] : tx.entries.list(directory, after, kPortion)) {
          found.push_back({inode, S_ISDIR(inode.mode) ? 1 : tx.entries.count_places(inode.id)});
          after = entry.id;
        }
        return found;
      }));
      for (const Line& line : lines) count(line);
      if (lines.size() < kPortion) return {};
    }
  }

  void count(const Line& line) {
    const InodeRow& inode = line.inode;
    ++kinds_[display_kind(inode.kind)];
    if (S_ISDIR(inode.mode)) {
      ++figures_.folders;
      pending_.push_back(inode.id);
      return;
    }
    ++figures_.files;
    std::uint64_t bytes = inode.target_size;
    if (S_ISREG(inode.mode)) {
      settled_ = settled_ && !parts_.content.is_open_for_writing(inode.id);
      const auto blob = parts_.blobs->stat_blob(inode.id);
      bytes = blob ? static_cast<std::uint64_t>(blob->st_size) : 0;
    }
    if (line.names <= 1) {
      figures_.bytes += bytes;
      figures_.exclusive_bytes += bytes;
    } else {
      Shared& shared = shared_[inode.id];
      shared.names = line.names;
      shared.bytes = bytes;
      ++shared.names_inside;
    }
  }

  static ItemKind display_kind(ItemKind kind) {
    return kind == ItemKind::samples || kind == ItemKind::analyses ? ItemKind::folder : kind;
  }

  CoreParts& parts_;
  TreeFigures figures_;
  std::map<ItemKind, std::uint64_t> kinds_;
  std::vector<InodeId> pending_;
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
