// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/account.h"
#include "core/base/result.h"
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

// As the rows are; none where there is no such inode.
std::optional<InodeRecord> read_record(Transaction& tx, InodeId inode);

// Records as one file: a version, the records, and a CRC-64 over all.
std::string encode_records(const std::vector<InodeRecord>& records);
// store_damaged: not what encode_records() wrote. store_newer: written by a newer version of this program.
Result<std::vector<InodeRecord>> decode_records(std::string_view bytes);

}  // namespace reprieve
