// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>

#include "core/base/file_descriptor.h"
#include "core/base/result.h"

namespace reprieve {

// Keeps SQLite, and so every daemon, out of a database that this process does not open with SQLite: it may be damaged.
// Locks the bytes that SQLite locks (PENDING_BYTE, RESERVED_BYTE and SHARED_FIRST in os.h), by an open file description
// (fcntl(2)), which conflicts with SQLite's locks in this process too.
class DatabaseLock {
 public:
  // Held until it is destroyed; holds nothing where there is no such file. store_locked, io.
  static Result<DatabaseLock> take(const std::filesystem::path& database);
  // store_locked: another process has it open.
  static Result<void> check(const FileDescriptor& database);

 private:
  FileDescriptor file_;
};

}  // namespace reprieve
