// SPDX-License-Identifier: Apache-2.0
#include "daemon/control/api_accounts.h"

#include <algorithm>
#include <boost/json/array.hpp>

#include "daemon/control/json.h"
#include "daemon/control/places.h"
#include "daemon/control/protocol/account_messages.h"
#include "daemon/control/protocol/resources.h"
#include "daemon/control/selection.h"

namespace reprieve::control {
namespace {

namespace field = protocol::field;
namespace word = protocol::word;

protocol::AccountInfo to_info(const AccountSummary& summary) {
  return {.name = summary.account.name,
          .uid = summary.account.uid,
          .gid = summary.account.gid,
          .quota = summary.quota,
          .projects = summary.projects,
          .runs = summary.runs,
          .shared = summary.shared,
          .trash_items = summary.trash_items};
}

protocol::ShareInfo to_info(const Share& share) {
  return {.owner = share.owner,
          .with = share.with,
          .role = std::string(role_name(share.role)),
          .state = std::string(share.state == GrantState::active ? word::kActive : word::kLeft),
          .kind = std::string(kind_name(share.kind)),
          .path = share.path,
          .name = share.name};
}

template <typename List>
boost::json::array infos_of(const List& list) {
  boost::json::array items;
  for (const auto& each : list) items.push_back(to_info(each).to_json());
  return items;
}

Result<boost::json::object> account_body(const Call& call, const Account& account) {
  REPRIEVE_TRY(const AccountSummary summary, call.services.files.accounts().summary(account));
  return to_info(summary).to_json();
}

// A mount works with the account as it was when it was mounted.
Result<void> check_unmounted(const Call& call, const std::string& name) {
  const auto mounts = call.services.mounts.mounts();
  const auto mount = std::find_if(mounts.begin(), mounts.end(), [&](const MountInfo& m) { return m.account == name; });
  if (mount == mounts.end()) return {};
  return fail(Errc::in_use, "the account \"" + name + "\" is mounted at " + mount->path);
}

// Whether there is such an account or not.
Result<std::string> meant_name(const Call& call) {
  if (call.named) return *call.named;
  REPRIEVE_TRY(Account account, call.rights.implied());
  return std::move(account.name);
}

// What an undo has made of it.
protocol::ItemResult to_result(const BatchOutcome& outcome) {
  const bool came_back = outcome.effect == EventKind::rejoin || outcome.effect == EventKind::unhide;
  const bool was_item = outcome.effect == EventKind::restore;
  auto result = control::to_result(outcome, came_back || was_item ? Subject::item : Subject::path);
  if (came_back) result.name.reset();  // it was in no trash
  return result;
}

}  // namespace

Result<Response> list_accounts(const Call& call) {
  boost::json::array items;
  for (const Account& account : call.rights.accounts()) {
    if (call.named && account.name != *call.named) continue;
    REPRIEVE_TRY(auto body, account_body(call, account));
    items.push_back(std::move(body));
  }
  return Response{.body = {{field::kItems, std::move(items)}}};
}

Result<Response> add_account(const Call& call) {
  REPRIEVE_TRY(const auto request, protocol::AccountAddRequest::parse(call.body));
  Accounts& accounts = call.services.files.accounts();
  REPRIEVE_TRY(const Account account, accounts.add(request.name, static_cast<uid_t>(request.uid),
                                                   static_cast<gid_t>(request.gid), call.caller()));
  if (request.quota) {
    const AccountChange change{.uid = {}, .gid = {}, .quota = request.quota};
    Caller caller = call.caller();
    ++caller.part.number;
    REPRIEVE_TRY_VOID(accounts.set(account.name, change, caller));
  }
  REPRIEVE_TRY(auto body, account_body(call, account));
  return Response{.status = 201, .body = std::move(body)};
}

Result<Response> show_account(const Call& call) {
  REPRIEVE_TRY(auto body, account_body(call, *call.account));
  REPRIEVE_TRY(const auto shares, call.services.files.sharing().list(*call.account));
  body[field::kShares] = infos_of(shares);
  return Response{.body = std::move(body)};
}

Result<Response> set_account(const Call& call) {
  REPRIEVE_TRY(const auto request, protocol::AccountSetRequest::parse(call.body));
  if (request.uid || request.gid) REPRIEVE_TRY_VOID(check_unmounted(call, call.account->name));
  AccountChange change{.uid = {}, .gid = {}, .quota = request.quota};
  if (request.uid) change.uid = static_cast<uid_t>(*request.uid);
  if (request.gid) change.gid = static_cast<gid_t>(*request.gid);
  REPRIEVE_TRY(const Account account, call.services.files.accounts().set(call.account->name, change, call.caller()));
  REPRIEVE_TRY(auto body, account_body(call, account));
  return Response{.body = std::move(body)};
}

Result<Response> remove_account(const Call& call) {
  REPRIEVE_TRY(const std::string name, meant_name(call));
  REPRIEVE_TRY_VOID(check_unmounted(call, name));
  REPRIEVE_TRY(const Account removed, call.services.files.accounts().remove(name, call.caller()));
  return Response{.body = {{field::kName, removed.name}}};
}

Result<Response> list_shares(const Call& call) {
  REPRIEVE_TRY(const auto shares, call.services.files.sharing().list(*call.account));
  return Response{.body = {{field::kItems, infos_of(shares)}}};
}

Result<Response> share_item(const Call& call) {
  REPRIEVE_TRY(const auto request, protocol::ShareRequest::parse(call.body));
  REPRIEVE_TRY(const Role role, parse_shared_role(request.role.value_or(std::string(role_name(Role::viewer)))));
  REPRIEVE_TRY(const Place place, place_of(call, request.path));
  REPRIEVE_TRY(const Share share,
               call.services.files.sharing().share(place.account, place.path, request.with, role, call.caller()));
  return Response{.body = to_info(share).to_json()};
}

Result<Response> unshare_item(const Call& call) {
  REPRIEVE_TRY(const auto request, protocol::ShareRequest::parse_unshare(call.body));
  REPRIEVE_TRY(const Place place, place_of(call, request.path));
  REPRIEVE_TRY(const Share share,
               call.services.files.sharing().unshare(place.account, place.path, request.with, call.caller()));
  return Response{.body = to_info(share).to_json()};
}

Result<Response> undo_last(const Call& call) {
  REPRIEVE_TRY(const auto request, protocol::UndoRequest::parse(call.body));
  const Guard guard = request.force ? Guard::force : Guard::heed;
  REPRIEVE_TRY(const UndoReport report, call.services.files.undo().last(*call.account, call.caller(), guard));
  protocol::ResultList list;
  for (const BatchOutcome& outcome : report.results) list.results.push_back(to_result(outcome));
  return to_response(list);
}

}  // namespace reprieve::control
