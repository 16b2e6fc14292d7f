// SPDX-License-Identifier: Apache-2.0
#include "fs/convert.h"

#include <sys/sysmacros.h>

#include "core/base/clock.h"

namespace reprieve::fs {
namespace {

constexpr std::uint32_t kPreferredBlockSize = 4096;

// FATTR_KILL_SUIDGID of the kernel's protocol, which libfuse 3.14 hands through under another name.
constexpr int kKillSetIdBits = FUSE_SET_ATTR_KILL_SUID;
void put_time(Timestamp time, std::uint64_t& seconds, std::uint32_t& nanoseconds) {
  const timespec parts = to_timespec(time);
  // The kernel reads the field as a signed number, so that times before 1970 come through.
  seconds = static_cast<std::uint64_t>(parts.tv_sec);
  nanoseconds = static_cast<std::uint32_t>(parts.tv_nsec);
}

}  // namespace

Lifetime attributes_lifetime(Stability stability) {
  switch (stability) {
    case Stability::stable: return kForever;
    case Stability::being_written: return kOneTick;
    case Stability::view: return kNever;
  }
  return kNever;
}

fuse_attr to_wire(const Attributes& attributes) {
  fuse_attr wire{};
  wire.ino = static_cast<std::uint64_t>(attributes.inode.number());
  wire.size = attributes.size;
  wire.blocks = attributes.blocks;
  put_time(attributes.accessed, wire.atime, wire.atimensec);
  put_time(attributes.modified, wire.mtime, wire.mtimensec);
  put_time(attributes.changed, wire.ctime, wire.ctimensec);
  wire.mode = attributes.mode;
  wire.nlink = attributes.links;
  wire.uid = attributes.uid;
  wire.gid = attributes.gid;
  wire.rdev = static_cast<std::uint32_t>(attributes.device);
  wire.blksize = kPreferredBlockSize;
  return wire;
}

kernel::StatxOut statx_answer(const Attributes& attributes) {
  const auto time = [](Timestamp at) {
    const timespec parts = to_timespec(at);
    return kernel::StatxTime{
        .seconds = parts.tv_sec, .nanoseconds = static_cast<std::uint32_t>(parts.tv_nsec), .reserved = 0};
  };
  const Lifetime lifetime = attributes_lifetime(attributes.stability);
  kernel::StatxOut answer{};
  answer.attr_valid = lifetime.seconds;
  answer.attr_valid_nsec = lifetime.nanoseconds;
  answer.mask = STATX_BASIC_STATS | STATX_BTIME;
  answer.block_size = kPreferredBlockSize;
  answer.links = attributes.links;
  answer.uid = attributes.uid;
  answer.gid = attributes.gid;
  answer.mode = static_cast<std::uint16_t>(attributes.mode);
  answer.inode = static_cast<std::uint64_t>(attributes.inode.number());
  answer.size = attributes.size;
  answer.blocks = attributes.blocks;
  answer.accessed = time(attributes.accessed);
  answer.born = time(attributes.born);
  answer.changed = time(attributes.changed);
  answer.modified = time(attributes.modified);
  answer.device_major = major(attributes.device);
  answer.device_minor = minor(attributes.device);
  return answer;
}

fuse_attr_out attributes_answer(const Attributes& attributes) {
  const Lifetime lifetime = attributes_lifetime(attributes.stability);
  fuse_attr_out answer{};
  answer.attr_valid = lifetime.seconds;
  answer.attr_valid_nsec = lifetime.nanoseconds;
  answer.attr = to_wire(attributes);
  return answer;
}

fuse_entry_out entry_answer(fuse_ino_t node, const Attributes& attributes, Lifetime name) {
  const Lifetime lifetime = attributes_lifetime(attributes.stability);
  fuse_entry_out answer{};
  answer.nodeid = node;
  answer.generation = attributes.generation;
  answer.entry_valid = name.seconds;
  answer.entry_valid_nsec = name.nanoseconds;
  answer.attr_valid = lifetime.seconds;
  answer.attr_valid_nsec = lifetime.nanoseconds;
  answer.attr = to_wire(attributes);
  return answer;
}

fuse_entry_out no_entry_answer() {
  fuse_entry_out answer{};
  answer.entry_valid = kForever.seconds;
  return answer;
}

AttributeChanges to_changes(const struct stat& values, int which) {
  const auto asked = [which](int bits) { return (which & bits) != 0; };
  AttributeChanges changes;
  if (asked(FUSE_SET_ATTR_MODE)) changes.mode = values.st_mode & mode_t{07777};
  if (asked(FUSE_SET_ATTR_UID)) changes.uid = values.st_uid;
  if (asked(FUSE_SET_ATTR_GID)) changes.gid = values.st_gid;
  if (asked(FUSE_SET_ATTR_SIZE)) changes.size = static_cast<std::uint64_t>(values.st_size);
  if (asked(FUSE_SET_ATTR_ATIME | FUSE_SET_ATTR_ATIME_NOW)) {
    changes.accessed = {.now = asked(FUSE_SET_ATTR_ATIME_NOW), .at = to_timestamp(values.st_atim)};
  }
  if (asked(FUSE_SET_ATTR_MTIME | FUSE_SET_ATTR_MTIME_NOW)) {
    changes.modified = {.now = asked(FUSE_SET_ATTR_MTIME_NOW), .at = to_timestamp(values.st_mtim)};
  }
  changes.drop_set_id_bits = asked(kKillSetIdBits);
  return changes;
}

}  // namespace reprieve::fs
