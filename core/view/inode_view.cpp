// SPDX-License-Identifier: Apache-2.0
#include "core/view/inode_view.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>

#include "core/parts.h"

namespace reprieve {
namespace {

constexpr std::uint64_t kDirectorySize = 4096;
// Not 0, which tar(1) takes for empty without trying to read: what cannot be read is not to be saved as nothing.
constexpr std::uint64_t kUnknownSize = 1;

// Why a blob is not there.
enum class Absence : std::uint8_t { none, file_gone, unexplained, marked_as_lost };

// By the failure to reach it. Where it cannot be found out, the file counts as gone.
Absence absence_of(CoreParts& parts, InodeId file, const Error& failure) {
  if (failure.code != Errc::stale) return Absence::none;
  const auto absence = parts.store->read([&](Transaction& tx) -> Result<Absence> {
    if (!tx.inodes.find(file)) return Absence::file_gone;
    return tx.inodes.xattr(file, kLostAttribute) ? Absence::marked_as_lost : Absence::unexplained;
  });
  return absence.value_or(Absence::file_gone);
}

Error explained(Absence absence, const Error& failure) {
  switch (absence) {
    case Absence::none:
    case Absence::file_gone: break;
    case Absence::unexplained:
      return {Errc::io, "the bytes of the file are missing in the store; reprievectl check tells of all such"};
    case Absence::marked_as_lost:
      return {Errc::io, "the bytes of the file are lost; move a copy to its place, or remove it"};
  }
  return failure;
}

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
  if (blob) return view_file(parts, row, *blob);
  const Absence absence = absence_of(parts, row.id, blob.error());
  if (absence != Absence::marked_as_lost) return fail(explained(absence, blob.error()));
  Attributes attributes = view_row(parts, row);
  attributes.size = kUnknownSize;
  attributes.accessed = attributes.modified = row.changed;
  return attributes;
}

Error blob_failure(CoreParts& parts, InodeId file, const Error& failure) {
  return explained(absence_of(parts, file, failure), failure);
}

Result<Attributes> view_open_file(CoreParts& parts, const InodeRow& row, int blob) {
  struct stat attributes {};
  if (::fstat(blob, &attributes) != 0) return fail(from_errno(errno, "a blob"));
  return view_file(parts, row, attributes);
}

}  // namespace reprieve
