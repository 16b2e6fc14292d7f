// SPDX-License-Identifier: Apache-2.0
#include "core/base/error.h"

#include <cerrno>
#include <cstring>

namespace reprieve {
namespace {

struct Row {
  int number;
  std::string_view symbol;
  std::string_view name;
  std::string_view reason;
};

#define REPRIEVE_ERRNO(symbol) symbol, #symbol

// The one table from codes to what the outside sees. No default: the compiler names a forgotten code (-Wswitch).
constexpr Row row(Errc code) {
  switch (code) {
    case Errc::not_found: return {REPRIEVE_ERRNO(ENOENT), "not_found", "there is no such entry"};
    case Errc::exists: return {REPRIEVE_ERRNO(EEXIST), "exists", "the name is taken"};
    case Errc::not_directory: return {REPRIEVE_ERRNO(ENOTDIR), "not_directory", "this is not a directory"};
    case Errc::is_directory: return {REPRIEVE_ERRNO(EISDIR), "is_directory", "this is a directory"};
    case Errc::not_empty: return {REPRIEVE_ERRNO(ENOTEMPTY), "not_empty", "the directory is not empty"};
    case Errc::invalid_argument: return {REPRIEVE_ERRNO(EINVAL), "invalid_argument", "the request is malformed"};
    case Errc::name_too_long: return {REPRIEVE_ERRNO(ENAMETOOLONG), "name_too_long", "the name is over 255 bytes long"};
    case Errc::too_large: return {REPRIEVE_ERRNO(E2BIG), "too_large", "the value is over the limit"};
    case Errc::too_many_links: return {REPRIEVE_ERRNO(EMLINK), "too_many_links", "the inode has too many links"};
    case Errc::no_attribute: return {REPRIEVE_ERRNO(ENODATA), "no_attribute", "the attribute is not set"};
    case Errc::buffer_too_small: return {REPRIEVE_ERRNO(ERANGE), "buffer_too_small", "the buffer is too small"};
    case Errc::access_denied: return {REPRIEVE_ERRNO(EACCES), "access_denied", "permission denied"};
    case Errc::not_supported: return {REPRIEVE_ERRNO(EOPNOTSUPP), "not_supported", "the operation is not supported"};
    case Errc::stale: return {REPRIEVE_ERRNO(ESTALE), "stale", "the data was purged"};
    case Errc::skeleton:
      return {REPRIEVE_ERRNO(EPERM), "skeleton", "the folders projects, runs and .trash and the root are fixed"};
    case Errc::wrong_place: return {REPRIEVE_ERRNO(EPERM), "wrong_place", "an item of this kind does not belong there"};
    case Errc::in_trash:
      return {REPRIEVE_ERRNO(EPERM), "in_trash", "what is in the trash can only be read or restored"};
    case Errc::parent_in_trash:
      return {REPRIEVE_ERRNO(EBUSY), "parent_in_trash", "the folder that it came from is in the trash itself"};
    case Errc::parent_purged:
      return {REPRIEVE_ERRNO(ENOENT), "parent_purged", "the folder that it came from no longer exists"};
    case Errc::reserved_name:
      return {REPRIEVE_ERRNO(EPERM), "reserved_name", "the name is reserved for the file system"};
    case Errc::not_owner: return {REPRIEVE_ERRNO(EPERM), "not_owner", "the account belongs to another user"};
    case Errc::viewer_only: return {REPRIEVE_ERRNO(EACCES), "viewer_only", "the item is shared with you for reading"};
    case Errc::not_yours: return {REPRIEVE_ERRNO(EPERM), "not_yours", "only the owner of the shared item may do that"};
    case Errc::account_needed: return {REPRIEVE_ERRNO(EINVAL), "account_needed", "the account must be named"};
    case Errc::in_use: return {REPRIEVE_ERRNO(EBUSY), "in_use", "the account is mounted"};
    case Errc::held: return {REPRIEVE_ERRNO(EBUSY), "held", "the item is held"};
    case Errc::running:
      return {REPRIEVE_ERRNO(EBUSY), "running", "a run or an analysis in it is running; only --force deletes it"};
    case Errc::plan_expired:
      return {REPRIEVE_ERRNO(EINVAL), "plan_expired", "the token names no plan that is still valid"};
    case Errc::key_reused:
      return {REPRIEVE_ERRNO(EINVAL), "key_reused", "the idempotency key stands for another request"};
    case Errc::no_space: return {REPRIEVE_ERRNO(ENOSPC), "no_space", "no space is left on the store's disk"};
    case Errc::read_only: return {REPRIEVE_ERRNO(EROFS), "read_only", "the store's disk is read-only"};
    case Errc::over_quota: return {REPRIEVE_ERRNO(EDQUOT), "over_quota", "the quota is used up"};
    // It is the daemon that has too many; of the caller's own limit the kernel tells before it asks.
    case Errc::too_many_open_files: return {REPRIEVE_ERRNO(ENFILE), "too_many_open_files", "too many files are open"};
    case Errc::out_of_memory: return {REPRIEVE_ERRNO(ENOMEM), "out_of_memory", "out of memory"};
    case Errc::interrupted: return {REPRIEVE_ERRNO(EINTR), "interrupted", "the call was interrupted"};
    case Errc::file_too_large: return {REPRIEVE_ERRNO(EFBIG), "file_too_large", "the file would be too large"};
    case Errc::beyond_end: return {REPRIEVE_ERRNO(ENXIO), "beyond_end", "nothing follows from that offset on"};
    case Errc::bad_descriptor: return {REPRIEVE_ERRNO(EBADF), "bad_descriptor", "the file was not opened for this"};
    case Errc::store_locked: return {REPRIEVE_ERRNO(EBUSY), "store_locked", "another process holds the store"};
    case Errc::store_newer: return {REPRIEVE_ERRNO(EPROTO), "store_newer", "the store was written by a newer version"};
    case Errc::store_damaged: return {REPRIEVE_ERRNO(EUCLEAN), "store_damaged", "the store is damaged"};
    case Errc::data_damaged: return {REPRIEVE_ERRNO(EIO), "data_damaged", "the file's bytes are not what they were"};
    case Errc::io: return {REPRIEVE_ERRNO(EIO), "io", "input/output error"};
    case Errc::internal: return {REPRIEVE_ERRNO(EIO), "internal", "an internal invariant did not hold"};
  }
  return {REPRIEVE_ERRNO(EIO), "internal", "an unknown error"};
}

#undef REPRIEVE_ERRNO

constexpr Errc code_of(int number) {
  switch (number) {
    case ENOENT: return Errc::not_found;
    case EEXIST: return Errc::exists;
    case ENOTDIR: return Errc::not_directory;
    case EISDIR: return Errc::is_directory;
    case ENOTEMPTY: return Errc::not_empty;
    case EINVAL: return Errc::invalid_argument;
    case ENAMETOOLONG: return Errc::name_too_long;
    case E2BIG: return Errc::too_large;
    case EMLINK: return Errc::too_many_links;
    case EACCES:
    case EPERM: return Errc::access_denied;
    case EOPNOTSUPP: return Errc::not_supported;
    case ENOSPC: return Errc::no_space;
    case EROFS: return Errc::read_only;
    case EDQUOT: return Errc::over_quota;
    case EMFILE:
    case ENFILE: return Errc::too_many_open_files;
    case ENOMEM: return Errc::out_of_memory;
    case EINTR: return Errc::interrupted;
    case EFBIG: return Errc::file_too_large;
    case ENXIO: return Errc::beyond_end;
    case EBADF: return Errc::bad_descriptor;
    default: return Errc::io;
  }
}

}  // namespace

int to_errno(Errc code) { return row(code).number; }
std::string_view errno_symbol(Errc code) { return row(code).symbol; }
std::string_view code_name(Errc code) { return row(code).name; }
std::string_view default_reason(Errc code) { return row(code).reason; }

std::string_view reason_of(const Error& error) {
  return error.reason.empty() ? default_reason(error.code) : std::string_view(error.reason);
}

Error from_errno(int number, std::string_view what) {
  // strerrordesc_np (glibc 2.32) is thread-safe, as strerror is not.
  const char* text = ::strerrordesc_np(number);
  return {code_of(number), std::string(what) + ": " + (text != nullptr ? text : "unknown error")};
}

}  // namespace reprieve
