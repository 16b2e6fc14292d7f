// SPDX-License-Identifier: Apache-2.0
#include "core/view/inode_view.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>

#include "core/parts.h"

namespace reprieve {
namespace {

constexpr std::uint64_t kDirectorySize = 4096;

void add_blob(Attributes& attributes, const struct stat& blob) {
  attributes.size = static_cast<std::uint64_t>(blob.st_size);
  attributes.blocks = static_cast<std::uint64_t>(blob.st_blocks);
  attributes.accessed = to_timestamp(blob.st_atim);
  attributes.modified = to_timestamp(blob.st_mtim);
  // Of the two ctimes the later one counts: the row's moves with mode, owner and links, the blob's with data and times.
  attributes.changed = std::max(attributes.changed, to_timestamp(blob.st_ctim));
}

// All but what a blob tells.
Attributes view_row(CoreParts& parts, const InodeRow& row) {
  Attributes attributes{.inode = row.id,
                        .generation = row.generation,
                        .mode = row.mode,
                        .links = row.links,
                        .uid = row.uid,
                        .gid = row.gid,
                        .device = row.device,
                        .size = row.target_size,
                        .accessed = row.accessed,
                        .modified = row.modified,
                        .changed = row.changed,
                        .born = row.born};
  if (S_ISDIR(row.mode)) attributes.size = kDirectorySize;
  if (row.kind == ItemKind::trash) {
    attributes.modified = attributes.changed = parts.trash_view.modified();
    attributes.stability = Stability::view;
  }
  // A file in the trash has no live name, but it is there under .trash/: only who holds it open since before sees 0.
  if (row.links == 0 && !parts.content.is_open(row.id)) attributes.links = 1;
  return attributes;
}

Attributes view_file(CoreParts& parts, const InodeRow& row, const struct stat& blob) {
  Attributes attributes = view_row(parts, row);
  add_blob(attributes, blob);
  if (parts.content.is_open_for_writing(row.id)) attributes.stability = Stability::being_written;
  return attributes;
}

}  // namespace

Result<Attributes> view_inode(CoreParts& parts, const InodeRow& row) {
  if (!S_ISREG(row.mode)) return view_row(parts, row);
  const auto blob = parts.blobs->stat_blob(row.id);
  if (!blob) return fail(blob_failure(parts, row.id, blob.error()));
  return view_file(parts, row, *blob);
}

Error blob_failure(CoreParts& parts, InodeId file, const Error& failure) {
  if (failure.code != Errc::stale) return failure;
  const auto is_there =
      parts.store->read([&](Transaction& tx) -> Result<bool> { return tx.inodes.find(file).has_value(); });
  if (!is_there || !*is_there) return failure;
  return {Errc::io, "the bytes of the file are missing in the store; reprievectl check tells of all such"};
}

Result<Attributes> view_open_file(CoreParts& parts, const InodeRow& row, int blob) {
  struct stat attributes {};
  if (::fstat(blob, &attributes) != 0) return fail(from_errno(errno, "a blob"));
  return view_file(parts, row, attributes);
}

}  // namespace reprieve
