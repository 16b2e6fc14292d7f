// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

// Every way in which an operation can be refused or fail, as a value.
//
// The codes are the vocabulary of semantics that `core` speaks. What the kernel gets for one (an errno) and what
// a control client gets (a name and an HTTP status) are two columns of one table in error.cpp, so that the
// mount and the socket can never disagree about the same refusal.
namespace reprieve {

enum class Errc : std::uint8_t {
  // Answers that any file system gives.
  not_found,         // no entry of that name, no inode or item of that number
  exists,            // the name is taken
  not_directory,     // a directory was needed
  is_directory,      // a directory is not allowed here
  not_empty,         // the directory still has live entries
  invalid_argument,  // malformed: a bad name, range, flag or combination
  name_too_long,     // an entry name of more than 255 bytes, an xattr name of more than 255
  too_large,         // a value over a documented limit (xattr 64 KiB, symlink target 4095 bytes)
  too_many_links,    // more hard links than an inode can carry
  no_attribute,      // the extended attribute is not set
  buffer_too_small,  // the caller's buffer does not hold the value
  access_denied,     // the caller may not do this by mode bits or ownership
  not_supported,     // this file system does not offer it
  stale,             // the inode is gone: its data was purged
  // Answers of Reprieve's own rules.
  skeleton,         // projects/, runs/, .trash/ and the root itself cannot be changed
  wrong_place,      // an item of this kind does not belong there
  in_trash,         // trash content is read-only
  parent_in_trash,  // restore: the original parent is itself in the trash
  parent_purged,    // restore: the original parent no longer exists
  reserved_name,    // user.reprieve.* attributes and .Trash* names belong to the file system
  not_owner,        // the peer has no right to this account
  viewer_only,      // the item is shared for reading
  not_yours,        // a change that only the owner of a shared item may make
  account_needed,   // several accounts may be meant and none is named
  in_use,           // the account is mounted
  held,             // the trash item is held
  running,          // a run or analysis that is running, or something that holds one
  plan_expired,     // the token names no plan, or one that was used or is too old
  key_reused,       // the idempotency key stands for another request
  // The machine below.
  no_space,
  read_only,  // the store lies on a disk that is mounted or has become read-only
  over_quota,
  too_many_open_files,
  out_of_memory,
  interrupted,
  file_too_large,  // beyond what a file of the backing file system can hold
  beyond_end,      // lseek: no data or hole from there on
  bad_descriptor,  // the handle was not opened for this
  store_locked,    // another process holds the store
  store_newer,     // written by a newer version of this program
  store_damaged,   // not a store, or one that fails its integrity check
  data_damaged,    // a file's bytes are not those of its checksum
  io,              // the disk or SQLite failed
  internal,        // a bug: an invariant did not hold
};

struct Error {
  Errc code = Errc::internal;
  // For people: names what was wrong. May be empty where the code says all there is to say.
  std::string reason;
};

// The errno that the kernel is answered with.
[[nodiscard]] int to_errno(Errc code);
// The errno's symbol, "EPERM", as control clients see it.
[[nodiscard]] std::string_view errno_symbol(Errc code);
// The stable snake_case name of the code, "in_trash", as control clients see it.
[[nodiscard]] std::string_view code_name(Errc code);
// One sentence for people, for an error that has no reason of its own.
[[nodiscard]] std::string_view default_reason(Errc code);
// `error.reason`, or the default one.
[[nodiscard]] std::string_view reason_of(const Error& error);

// The error for a failed system call. `what` names the thing that failed ("blob 17", "backing directory").
[[nodiscard]] Error from_errno(int number, std::string_view what);

}  // namespace reprieve
