// SPDX-License-Identifier: Apache-2.0
#include "daemon/control/api_admin.h"

#include <algorithm>
#include <boost/json/array.hpp>

#include "core/base/time_text.h"
#include "daemon/control/protocol/bytes.h"
#include "daemon/control/protocol/integrity_messages.h"
#include "daemon/control/protocol/resources.h"
#include "daemon/control/protocol/responses.h"

namespace reprieve::control {
namespace {

namespace field = protocol::field;

// Bumped when an answer changes so that a client that follows reprieve-api(7) would no longer work.
constexpr std::string_view kApiVersion = "v1";

std::int64_t uptime_seconds(const Services& services) {
  const auto up = std::chrono::steady_clock::now() - services.started;
  return std::chrono::duration_cast<std::chrono::seconds>(up).count();
}

boost::json::object to_json(const Holdings& holdings) {
  return {{field::kOwned, holdings.owned}, {field::kShared, holdings.shared}};
}

boost::json::object to_json(const IntegrityFigures& figures) {
  boost::json::object object{{field::kChecksums, figures.checksums},
                             {field::kDamaged, figures.damaged},
                             {field::kCompared, nullptr},
                             {field::kFiles, figures.files},
                             {field::kBytes, figures.bytes}};
  if (figures.compared) object[field::kCompared] = rfc3339(*figures.compared);
  return object;
}

boost::json::object to_json(const Account& account, const AccountFigures& figures) {
  boost::json::object object{{field::kName, account.name}, {field::kQuota, nullptr}};
  if (figures.quota) object[field::kQuota] = *figures.quota;
  object[field::kUsed] = figures.used;
  object[field::kBeingDestroyed] = figures.being_destroyed;
  object[field::kTrash] = {{field::kItems, figures.trash_items}, {field::kBytes, figures.trash_bytes}};
  object[field::kProjects] = to_json(figures.projects);
  object[field::kRuns] = to_json(figures.runs);
  return object;
}

}  // namespace

Result<Response> show_stats(const Call& call) {
  REPRIEVE_TRY(const StorageFigures figures, call.services.files.figures());
  boost::json::object body{
      {field::kAccounts, figures.accounts},      {field::kInodes, figures.inodes},
      {field::kTrashItems, figures.trash_items}, {field::kPurgeQueue, figures.purge_queue},
      {field::kOpenFiles, figures.open_files},   {field::kDiskTotal, figures.disk_total},
      {field::kDiskFree, figures.disk_free},     {field::kMetadataBytes, figures.metadata_bytes},
      {field::kVersion, call.services.version},  {field::kUptimeSeconds, uptime_seconds(call.services)}};
  if (figures.integrity) body[field::kIntegrity] = to_json(*figures.integrity);
  // Of the account that is named, or else meant by itself; a peer that has several is told of the store alone.
  if (const auto account = call.rights.choose(call.named)) {
    REPRIEVE_TRY(const AccountFigures own, call.services.files.figures(*account));
    body[field::kAccount] = to_json(*account, own);
  }
  return Response{.body = std::move(body)};
}

Result<Response> list_mounts(const Call& call) {
  const auto visible = [&call](const std::string& name) {
    if (call.named && name != *call.named) return false;
    const auto& accounts = call.rights.accounts();
    return std::any_of(accounts.begin(), accounts.end(), [&name](const Account& each) { return each.name == name; });
  };
  boost::json::array items;
  for (const MountInfo& mount : call.services.mounts.mounts()) {
    if (!visible(mount.account)) continue;
    const protocol::Mount shown{
        .account = mount.account, .path = mount.path, .data_path = mount.data_path, .allow_other = mount.allow_other};
    items.push_back(shown.to_json());
  }
  boost::json::object body;
  body[field::kItems] = std::move(items);
  return Response{.body = std::move(body)};
}

Result<Response> make_backup(const Call& call) {
  if (!call.body.empty()) return fail(Errc::invalid_argument, "a backup takes no fields");
  REPRIEVE_TRY(const Backup made, call.services.files.backups().make(call.caller()));
  boost::json::object body;
  protocol::put_bytes(body, field::kFile, made.file.native());
  body[field::kBytes] = made.bytes;
  body[field::kInodes] = made.inodes;
  body[field::kSeconds] = std::chrono::duration<double>(made.took).count();
  return Response{.body = std::move(body)};
}

Result<Response> list_backups(const Call& call) {
  boost::json::array items;
  for (const KeptBackup& backup : call.services.files.backups().list()) {
    const protocol::BackupInfo shown{.file = backup.file.native(), .bytes = backup.bytes, .made = backup.made};
    items.push_back(shown.to_json());
  }
  return Response{.body = {{field::kItems, std::move(items)}}};
}

Result<Response> list_damaged(const Call& call) {
  REPRIEVE_TRY(const auto request, protocol::DamagedRequest::parse(call.query));
  std::vector<Account> owners = call.rights.accounts();
  if (call.named) std::erase_if(owners, [&call](const Account& each) { return each.name != *call.named; });
  const InodeId after(static_cast<std::int64_t>(request.after));
  const auto page = call.services.files.damaged(owners, after, request.limit);
  protocol::DamagedList list{.kept = page.has_value(), .items = {}, .more = {}};
  if (!page && page.error().code == Errc::not_supported) return Response{.body = list.to_json()};
  if (!page) return fail(page.error());
  for (const DamagedFile& file : page->files) {
    list.items.push_back({.inode = static_cast<std::uint64_t>(file.inode.number()),
                          .account = file.account,
                          .path = file.path,
                          .compared = file.compared});
  }
  if (page->more) list.more = static_cast<std::uint64_t>(page->more->number());
  return Response{.body = list.to_json()};
}

Result<Response> ping(const Call& call) {
  return Response{
      .body = {{field::kStatus, protocol::word::kOk}, {field::kUptimeSeconds, uptime_seconds(call.services)}}};
}

Result<Response> show_version(const Call& call) {
  return Response{.body = {{field::kVersion, call.services.version}, {field::kApi, kApiVersion}}};
}

}  // namespace reprieve::control
