// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

// Names that the server and its clients share: resources, and fields of requests and responses (reprieve-api(7)).
namespace reprieve::protocol {

inline constexpr std::string_view kTrashResource = "/v1/trash";
inline constexpr std::string_view kTrashItemResource = "/v1/trash/{id}";
inline constexpr std::string_view kRestoreItemResource = "/v1/trash/{id}/restore";
inline constexpr std::string_view kRestoreResource = "/v1/restore";
inline constexpr std::string_view kEmptyPlanResource = "/v1/empty/plan";
inline constexpr std::string_view kEmptyResource = "/v1/empty";
inline constexpr std::string_view kPurgeResource = "/v1/purge";
inline constexpr std::string_view kOperationResource = "/v1/operations/{id}";
inline constexpr std::string_view kStatusResource = "/v1/status";
inline constexpr std::string_view kAssociateResource = "/v1/associate";
inline constexpr std::string_view kDissociateResource = "/v1/dissociate";
inline constexpr std::string_view kAddToResource = "/v1/add-to";
inline constexpr std::string_view kExplainResource = "/v1/explain";
inline constexpr std::string_view kAccountsResource = "/v1/accounts";
inline constexpr std::string_view kAccountResource = "/v1/account";
inline constexpr std::string_view kSharesResource = "/v1/shares";
inline constexpr std::string_view kShareResource = "/v1/share";
inline constexpr std::string_view kUnshareResource = "/v1/unshare";
inline constexpr std::string_view kHistoryResource = "/v1/history";
inline constexpr std::string_view kEventsResource = "/v1/events";
inline constexpr std::string_view kUndoResource = "/v1/undo";
inline constexpr std::string_view kStatsResource = "/v1/stats";
inline constexpr std::string_view kMountsResource = "/v1/mounts";
inline constexpr std::string_view kBackupResource = "/v1/backup";
inline constexpr std::string_view kBackupsResource = "/v1/backups";
inline constexpr std::string_view kDamagedResource = "/v1/damaged";
inline constexpr std::string_view kCheckResource = "/v1/check";
inline constexpr std::string_view kPingResource = "/v1/ping";
inline constexpr std::string_view kVersionResource = "/v1/version";

// Where a resource's number stands.
inline constexpr std::string_view kIdPlaceholder = "{id}";

inline constexpr std::string_view kMediaType = "application/json";
inline constexpr std::string_view kLinesMediaType = "application/jsonl";

// Of an answer that tells events: the number behind which it begins.
inline constexpr std::string_view kSinceHeader = "Reprieve-Since";
// Of a request that changes something: the same for each time that it is sent.
inline constexpr std::string_view kIdempotencyKeyHeader = "Idempotency-Key";

namespace field {
// Envelopes.
inline constexpr std::string_view kItems = "items";
inline constexpr std::string_view kPaging = "paging";
inline constexpr std::string_view kResults = "results";
inline constexpr std::string_view kError = "error";
inline constexpr std::string_view kAccount = "account";
inline constexpr std::string_view kOperation = "operation";
inline constexpr std::string_view kCounts = "counts";
// Items.
inline constexpr std::string_view kId = "id";
inline constexpr std::string_view kName = "name";
inline constexpr std::string_view kKind = "kind";
inline constexpr std::string_view kOrigin = "origin";
inline constexpr std::string_view kDeletedBy = "deletedBy";
inline constexpr std::string_view kUid = "uid";
inline constexpr std::string_view kDateDeleted = "dateDeleted";
inline constexpr std::string_view kFiles = "files";
inline constexpr std::string_view kFolders = "folders";
inline constexpr std::string_view kBytes = "bytes";
inline constexpr std::string_view kExclusiveBytes = "exclusiveBytes";
inline constexpr std::string_view kSession = "session";
inline constexpr std::string_view kHeld = "held";
inline constexpr std::string_view kExpiresAt = "expiresAt";
inline constexpr std::string_view kIncludes = "includes";
inline constexpr std::string_view kTogether = "together";
inline constexpr std::string_view kOwner = "owner";
inline constexpr std::string_view kRole = "role";
inline constexpr std::string_view kFilesDeleted = "filesDeleted";
inline constexpr std::string_view kPlaces = "places";
inline constexpr std::string_view kDerivedFrom = "derivedFrom";
inline constexpr std::string_view kMadeFromIt = "madeFromIt";
inline constexpr std::string_view kAction = "action";
inline constexpr std::string_view kGroup = "group";
// Paging and filters.
inline constexpr std::string_view kDisplayedCount = "displayedCount";
inline constexpr std::string_view kTotalCount = "totalCount";
inline constexpr std::string_view kOffset = "offset";
inline constexpr std::string_view kLimit = "limit";
inline constexpr std::string_view kSortBy = "sortBy";
inline constexpr std::string_view kSortDir = "sortDir";
inline constexpr std::string_view kSince = "since";
inline constexpr std::string_view kUntil = "until";
inline constexpr std::string_view kMinBytes = "minBytes";
inline constexpr std::string_view kFilter = "filter";
// Requests that change something.
inline constexpr std::string_view kPaths = "paths";
inline constexpr std::string_view kMode = "mode";
inline constexpr std::string_view kForce = "force";
inline constexpr std::string_view kProject = "project";
inline constexpr std::string_view kSources = "sources";
inline constexpr std::string_view kIds = "ids";
inline constexpr std::string_view kAll = "all";
inline constexpr std::string_view kOnCollision = "onCollision";
inline constexpr std::string_view kRecreateParents = "recreateParents";
inline constexpr std::string_view kTo = "to";
inline constexpr std::string_view kDryRun = "dryRun";
inline constexpr std::string_view kToken = "token";
// Results, errors, plans, progress.
inline constexpr std::string_view kState = "state";
inline constexpr std::string_view kPath = "path";
inline constexpr std::string_view kCode = "code";
inline constexpr std::string_view kErrno = "errno";
inline constexpr std::string_view kMessage = "message";
inline constexpr std::string_view kExpires = "expires";
inline constexpr std::string_view kTotal = "total";
inline constexpr std::string_view kKept = "kept";
inline constexpr std::string_view kDone = "done";
inline constexpr std::string_view kBytesTotal = "bytesTotal";
inline constexpr std::string_view kRate = "rate";
inline constexpr std::string_view kSeconds = "seconds";
inline constexpr std::string_view kHeldUp = "heldUp";
inline constexpr std::string_view kEffect = "effect";
// Accounts, sharing, history.
inline constexpr std::string_view kGid = "gid";
inline constexpr std::string_view kQuota = "quota";
inline constexpr std::string_view kProjects = "projects";
inline constexpr std::string_view kRuns = "runs";
inline constexpr std::string_view kShared = "shared";
inline constexpr std::string_view kShares = "shares";
inline constexpr std::string_view kWith = "with";
inline constexpr std::string_view kSeq = "seq";
inline constexpr std::string_view kFollow = "follow";
inline constexpr std::string_view kMissed = "missed";
inline constexpr std::string_view kAt = "at";
inline constexpr std::string_view kEvent = "event";
inline constexpr std::string_view kPid = "pid";
inline constexpr std::string_view kItem = "item";
inline constexpr std::string_view kDetail = "detail";
inline constexpr std::string_view kUndone = "undone";
// Figures of the store, mounts, the daemon itself.
inline constexpr std::string_view kAccounts = "accounts";
inline constexpr std::string_view kInodes = "inodes";
inline constexpr std::string_view kTrashItems = "trashItems";
inline constexpr std::string_view kPurgeQueue = "purgeQueue";
inline constexpr std::string_view kOpenFiles = "openFiles";
inline constexpr std::string_view kDiskTotal = "diskTotal";
inline constexpr std::string_view kDiskFree = "diskFree";
inline constexpr std::string_view kMetadataBytes = "metadataBytes";
inline constexpr std::string_view kIntegrity = "integrity";
inline constexpr std::string_view kChecksums = "checksums";
inline constexpr std::string_view kDamaged = "damaged";
inline constexpr std::string_view kCompared = "compared";
inline constexpr std::string_view kUsed = "used";
inline constexpr std::string_view kTrash = "trash";
inline constexpr std::string_view kOwned = "owned";
inline constexpr std::string_view kDataPath = "dataPath";
inline constexpr std::string_view kAllowOther = "allowOther";
inline constexpr std::string_view kStatus = "status";
inline constexpr std::string_view kVersion = "version";
inline constexpr std::string_view kApi = "api";
inline constexpr std::string_view kUptimeSeconds = "uptimeSeconds";
inline constexpr std::string_view kFile = "file";
inline constexpr std::string_view kMade = "made";
inline constexpr std::string_view kBeingDestroyed = "beingDestroyed";
// What is damaged.
inline constexpr std::string_view kAfter = "after";
inline constexpr std::string_view kMore = "more";
// A check.
inline constexpr std::string_view kFindings = "findings";
inline constexpr std::string_view kFound = "found";
inline constexpr std::string_view kRule = "rule";
inline constexpr std::string_view kRepair = "repair";
inline constexpr std::string_view kRepaired = "repaired";
inline constexpr std::string_view kInode = "inode";
inline constexpr std::string_view kParent = "parent";
inline constexpr std::string_view kEntry = "entry";
inline constexpr std::string_view kChecked = "checked";
inline constexpr std::string_view kEntries = "entries";
inline constexpr std::string_view kBlobs = "blobs";
inline constexpr std::string_view kLongestPause = "longestPause";
}  // namespace field

// Words that some fields hold.
namespace word {
inline constexpr std::string_view kOk = "ok";
inline constexpr std::string_view kTrue = "true";
inline constexpr std::string_view kFalse = "false";
inline constexpr std::string_view kItemMode = "item";
inline constexpr std::string_view kAssociatedMode = "with-associated";
inline constexpr std::string_view kFilesMode = "files-only";
inline constexpr std::string_view kFileData = "FILEDATA";
inline constexpr std::string_view kMetadata = "METADATA";
inline constexpr std::string_view kTrash = "trash";
inline constexpr std::string_view kRefuse = "refuse";
inline constexpr std::string_view kRunning = "running";
inline constexpr std::string_view kIdle = "idle";
inline constexpr std::string_view kDone = "done";
inline constexpr std::string_view kSkipped = "skipped";
inline constexpr std::string_view kFailed = "failed";
inline constexpr std::string_view kLeave = "leave";
inline constexpr std::string_view kHide = "hide";
inline constexpr std::string_view kActive = "active";
inline constexpr std::string_view kLeft = "left";
}  // namespace word

}  // namespace reprieve::protocol
