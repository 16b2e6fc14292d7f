// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/account.h"
#include "core/base/file_descriptor.h"
#include "core/base/result.h"
#include "core/store/crc64.h"
#include "core/store/entry_rows.h"
#include "core/store/grant_rows.h"
#include "core/store/inode_rows.h"
#include "core/store/trash_rows.h"

// What the rows say of one inode, as it lies beside the blobs for the day on which there are no rows.
namespace reprieve {

class Transaction;

// One name, and the trash item whose top it is.
struct PlaceRecord {
  EntryRow entry;
  std::optional<TrashRow> item;
};

// An account, in the record of its root folder.
struct AccountRecord {
  Account account;
  std::optional<std::uint64_t> quota;
};

struct InodeRecord {
  InodeRow row;
  std::string target;  // of a symbolic link
  std::map<std::string, std::string> xattrs;
  std::vector<PlaceRecord> places;
  std::vector<GrantRow> grants;
  std::optional<AccountRecord> account;
};

// What it takes in memory, but for what every one does.
std::size_t size_of(const InodeRecord& record);

// As the rows are; none where there is no such inode.
std::optional<InodeRecord> read_record(Transaction& tx, InodeId inode);

// Makes an empty file one of records, a few at a time: a version, the records, and a CRC-64 over all. The file outlives
// this.
class RecordWriter {
 public:
  explicit RecordWriter(const FileDescriptor& file) : file_(file) {}
  // no_space, io.
  Result<void> add(const std::vector<InodeRecord>& records);
  // Once, behind the last ones; there was one. no_space, io.
  Result<void> finish();

 private:
  Result<void> append(std::string_view bytes);

  const FileDescriptor& file_;
  off_t end_ = 0;
  Crc64 crc_;
};

// store_damaged: not what a RecordWriter wrote. store_newer: written by a newer version of this program.
Result<std::vector<InodeRecord>> decode_records(std::string_view bytes);

}  // namespace reprieve
