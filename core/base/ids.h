// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <compare>
#include <cstdint>
#include <functional>

// Numbers that name things. Each is a type of its own, so that an inode cannot be passed where an entry is meant.
// All are positive, allocated in ascending order and never used twice in the life of a store.
namespace reprieve {

template <typename Tag>
class Id {
 public:
  constexpr Id() = default;
  constexpr explicit Id(std::int64_t number) : number_(number) {}

  [[nodiscard]] constexpr std::int64_t number() const { return number_; }
  // False for a default-constructed id, which names nothing.
  [[nodiscard]] constexpr explicit operator bool() const { return number_ != 0; }

  friend constexpr auto operator<=>(Id, Id) = default;

 private:
  std::int64_t number_ = 0;
};

using InodeId = Id<struct InodeTag>;          // also names the blob of a regular file
using EntryId = Id<struct EntryTag>;          // one name in one directory; the offset of a directory stream
using TrashItemId = Id<struct TrashItemTag>;  // one reprieved deletion
using AccountId = Id<struct AccountTag>;
using SessionId = Id<struct SessionTag>;      // deletions that one process made
using EventId = Id<struct EventTag>;          // something that happened, in the order in which it did
using OperationId = Id<struct OperationTag>;  // long work with progress, as an empty
using FlushId = Id<struct FlushTag>;          // one saving of all changes from a power cut; later ones are greater
using MountId = Id<struct MountTag>;          // one mounted view in this process; not stored
using KeyedRequestId = Id<struct KeyedRequestTag>;  // a request on the socket that can be told when it comes again

}  // namespace reprieve

template <typename Tag>
struct std::hash<reprieve::Id<Tag>> {
  std::size_t operator()(reprieve::Id<Tag> id) const noexcept { return std::hash<std::int64_t>{}(id.number()); }
};
