// SPDX-License-Identifier: Apache-2.0
#include "daemon/ctl/request_parts.h"

#include <boost/json/array.hpp>
#include <filesystem>
#include <system_error>
#include <utility>

#include "daemon/control/protocol/resources.h"
#include "daemon/control/protocol/responses.h"
#include "daemon/ctl/paths.h"

namespace reprieve::ctl {
namespace {

namespace field = protocol::field;

Outcome<std::vector<protocol::Mount>> fetch_mounts(Session& session) {
  const auto answer = session.client.get(protocol::kMountsResource, account_query(session.options));
  if (!answer) return give_up(answer.error());
  if (answer->refused()) return give_up(answer->failure());
  std::vector<protocol::Mount> mounts;
  const auto& items = answer->body.at(field::kItems).as_array();
  mounts.reserve(items.size());
  for (const auto& mount : items) mounts.push_back(protocol::Mount::parse(mount));
  return mounts;
}

}  // namespace

protocol::QueryParameters account_query(const Options& options) {
  protocol::QueryParameters query;
  if (options.account) query.emplace_back(field::kAccount, *options.account);
  return query;
}

boost::json::object with_account(boost::json::object body, const Options& options) {
  if (options.account) body[field::kAccount] = *options.account;
  return body;
}

Outcome<std::optional<std::string>> account_here(Session& session) {
  const auto mounts = fetch_mounts(session);
  if (!mounts) return give_up(mounts.error());
  std::error_code error;
  const auto* mount = mount_of(std::filesystem::current_path(error), *mounts);
  return mount == nullptr ? std::nullopt : std::optional(mount->account);
}

Outcome<std::vector<std::string>> daemon_paths(Session& session, const std::vector<std::string>& arguments) {
  const auto mounts = fetch_mounts(session);
  if (!mounts) return give_up(mounts.error());
  std::error_code error;
  const auto here = std::filesystem::current_path(error);
  std::vector<std::string> paths;
  paths.reserve(arguments.size());
  for (const std::string& argument : arguments) {
    auto path = to_daemon_path(argument, here, *mounts);
    if (!path) return give_up(std::move(path).error());
    paths.push_back(*std::move(path));
  }
  return paths;
}

}  // namespace reprieve::ctl
