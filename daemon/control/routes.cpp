// SPDX-License-Identifier: Apache-2.0
#include "daemon/control/routes.h"

#include <algorithm>
#include <array>
#include <boost/json/parser.hpp>
#include <boost/json/serialize.hpp>
#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>
#include <charconv>
#include <tl/expected.hpp>
#include <vector>

#include "daemon/control/api_accounts.h"
#include "daemon/control/api_admin.h"
#include "daemon/control/api_check.h"
#include "daemon/control/api_empty.h"
#include "daemon/control/api_events.h"
#include "daemon/control/api_items.h"
#include "daemon/control/api_trash.h"
#include "daemon/control/errors.h"
#include "daemon/control/protocol/bytes.h"
#include "daemon/control/protocol/resources.h"

namespace reprieve::control {
namespace {

// What a peer must be for a request to be looked at.
enum class Right : std::uint8_t {
  anyone,    // whoever can connect
  member,    // has a right to some account
  account,   // has a right to the account that the request is about
  admin,     // may act for all accounts
  admin_of,  // the same, for a request that is about one
  // The same, for one that need not be there any more: a removal may be asked for again.
  admin_of_former,
};

// What the query may have besides `account`.
enum class Parameters : std::uint8_t { none, of_handler };

struct Route {
  std::string_view method;
  std::string_view resource;
  Right right;
  Handler handler;
  Parameters parameters = Parameters::none;
};

constexpr std::string_view kGet = "GET";
constexpr std::string_view kPost = "POST";
constexpr std::string_view kDelete = "DELETE";

constexpr std::array kRoutes{
    Route{kGet, protocol::kTrashResource, Right::account, &list_trash, Parameters::of_handler},
    Route{kPost, protocol::kTrashResource, Right::member, &trash_paths},
    Route{kGet, protocol::kTrashItemResource, Right::account, &show_item},
    Route{kDelete, protocol::kTrashItemResource, Right::account, &purge_item},
    Route{kPost, protocol::kRestoreItemResource, Right::account, &restore_item},
    Route{kPost, protocol::kRestoreResource, Right::account, &restore_items},
    Route{kPost, protocol::kEmptyPlanResource, Right::account, &plan_empty},
    Route{kPost, protocol::kEmptyResource, Right::account, &empty_trash},
    Route{kPost, protocol::kPurgeResource, Right::account, &purge_items},
    Route{kGet, protocol::kOperationResource, Right::member, &show_operation},
    Route{kGet, protocol::kStatusResource, Right::member, &show_status, Parameters::of_handler},
    Route{kPost, protocol::kStatusResource, Right::member, &set_status},
    Route{kPost, protocol::kAssociateResource, Right::member, &associate},
    Route{kPost, protocol::kDissociateResource, Right::member, &dissociate},
    Route{kPost, protocol::kAddToResource, Right::member, &add_to},
    Route{kPost, protocol::kExplainResource, Right::member, &explain},
    Route{kGet, protocol::kAccountsResource, Right::member, &list_accounts},
    Route{kPost, protocol::kAccountsResource, Right::admin, &add_account},
    Route{kGet, protocol::kAccountResource, Right::account, &show_account},
    Route{kPost, protocol::kAccountResource, Right::admin_of, &set_account},
    Route{kDelete, protocol::kAccountResource, Right::admin_of_former, &remove_account},
    Route{kGet, protocol::kSharesResource, Right::account, &list_shares},
    Route{kPost, protocol::kShareResource, Right::member, &share_item},
    Route{kPost, protocol::kUnshareResource, Right::member, &unshare_item},
    Route{kGet, protocol::kHistoryResource, Right::member, &list_history, Parameters::of_handler},
    Route{kGet, protocol::kEventsResource, Right::member, &tell_events, Parameters::of_handler},
    Route{kPost, protocol::kUndoResource, Right::account, &undo_last},
    Route{kGet, protocol::kStatsResource, Right::member, &show_stats},
    Route{kGet, protocol::kMountsResource, Right::member, &list_mounts},
    Route{kPost, protocol::kBackupResource, Right::admin, &make_backup},
    Route{kGet, protocol::kBackupsResource, Right::admin, &list_backups},
    Route{kGet, protocol::kDamagedResource, Right::member, &list_damaged, Parameters::of_handler},
    Route{kPost, protocol::kCheckResource, Right::admin, &check_store},
    Route{kGet, protocol::kCheckResource, Right::admin, &show_check},
    Route{kGet, protocol::kPingResource, Right::anyone, &ping},
    Route{kGet, protocol::kVersionResource, Right::anyone, &show_version},
};

// Of a refused request's target, in the event that tells of it.
constexpr std::size_t kMostNoted = 256;

using Segments = std::vector<std::string>;

Segments split_resource(std::string_view resource) {
  Segments segments;
  for (resource.remove_prefix(1);;) {
    const std::size_t end = resource.find('/');
    segments.emplace_back(resource.substr(0, end));
    if (end == std::string_view::npos) return segments;
    resource.remove_prefix(end + 1);
  }
}

bool matches(const Route& route, const Segments& segments) {
  const Segments pattern = split_resource(route.resource);
  return std::equal(pattern.begin(), pattern.end(), segments.begin(), segments.end(),
                    [](const std::string& expected, const std::string& actual) {
                      return expected == protocol::kIdPlaceholder ? !actual.empty() : expected == actual;
                    });
}

Result<std::int64_t> find_id(const Route& route, const Segments& segments) {
  const Segments pattern = split_resource(route.resource);
  const auto place = std::find(pattern.begin(), pattern.end(), protocol::kIdPlaceholder);
  if (place == pattern.end()) return 0;
  const std::string& text = segments[static_cast<std::size_t>(place - pattern.begin())];
  std::int64_t id = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
  if (error != std::errc() || end != text.data() + text.size() || id <= 0) {
    return fail(Errc::invalid_argument, "\"" + protocol::lossy_utf8(text) + "\" is no id: ids are positive numbers");
  }
  return id;
}

// A request whose target was understood.
struct Match {
  const Route* route;
  std::int64_t id;
  boost::json::object query;
};

Result<boost::json::object> parse_query(const boost::urls::url_view& url) {
  boost::json::object query;
  boost::urls::encoding_opts options;
  options.space_as_plus = true;
  for (const auto& parameter : url.params(options)) {
    // What a lone '?' or '&' leaves.
    if (parameter.key.empty() && !parameter.has_value) continue;
    if (query.contains(parameter.key)) {
      return fail(Errc::invalid_argument,
                  "parameter \"" + protocol::lossy_utf8(parameter.key) + "\" is given more than once");
    }
    query[parameter.key] = parameter.value;
  }
  return query;
}

using MatchOrReply = tl::expected<Match, Reply>;

MatchOrReply refused(Reply reply) { return tl::unexpected<Reply>(std::move(reply)); }

MatchOrReply match(const Request& request) {
  const auto url = boost::urls::parse_origin_form(request.target);
  if (!url) return refused(error_reply(Fault::malformed_http, "the request target is not a valid path and query"));
  Segments segments;
  for (const auto& segment : url->segments()) segments.push_back(segment);

  std::string allow;
  for (const Route& route : kRoutes) {
    if (!matches(route, segments)) continue;
    if (route.method != request.method) {
      allow += (allow.empty() ? "" : ", ") + std::string(route.method);
      continue;
    }
    auto id = find_id(route, segments);
    if (!id) return refused(error_reply(id.error()));
    auto query = parse_query(*url);
    if (!query) return refused(error_reply(query.error()));
    return Match{&route, *id, *std::move(query)};
  }
  const std::string resource = protocol::lossy_utf8(url->path());
  if (allow.empty()) return refused(error_reply(Fault::unknown_resource, "there is no resource " + resource));
  Reply reply = error_reply(Fault::method_not_allowed, resource + " takes only " + allow);
  reply.allow = std::move(allow);
  return refused(std::move(reply));
}

Result<boost::json::object> parse_body(const std::string& text) {
  if (text.empty()) return boost::json::object();
  boost::json::parser parser;
  boost::system::error_code error;
  const std::size_t read = parser.write_some(text, error);
  if (error) {
    return fail(Errc::invalid_argument,
                "the body is not valid JSON: " + error.message() + " at byte " + std::to_string(read));
  }
  if (const std::size_t end = text.find_first_not_of(" \t\r\n", read); end != std::string::npos) {
    return fail(Errc::invalid_argument,
                "the body is not valid JSON: more follows the value at byte " + std::to_string(end));
  }
  boost::json::value value = parser.release();
  if (!value.is_object()) return fail(Errc::invalid_argument, "the body must be a JSON object");
  return std::move(value.as_object());
}

// Takes `account` out of a query or body.
Result<std::optional<std::string>> take_account(boost::json::object& from) {
  const auto* value = from.if_contains(protocol::field::kAccount);
  if (value == nullptr) return std::optional<std::string>();
  if (!value->is_string()) return fail(Errc::invalid_argument, "\"account\" must be a string");
  std::optional<std::string> name(value->get_string());
  from.erase(protocol::field::kAccount);
  return name;
}

Result<std::optional<std::string>> find_account_name(boost::json::object& query, boost::json::object& body) {
  REPRIEVE_TRY(auto in_query, take_account(query));
  REPRIEVE_TRY(auto in_body, take_account(body));
  if (in_query && in_body && *in_query != *in_body) {
    return fail(Errc::invalid_argument, "\"account\" is given twice, with different values");
  }
  return in_query ? in_query : in_body;
}

Result<void> check_query(const Route& route, const boost::json::object& query) {
  if (route.parameters == Parameters::of_handler || query.empty()) return {};
  return fail(Errc::invalid_argument,
              "parameter \"" + protocol::lossy_utf8(query.begin()->key()) + "\" is not known here");
}

bool is_for_admin(Right right) {
  return right == Right::admin || right == Right::admin_of || right == Right::admin_of_former;
}

// What only looks can be asked again without a key.
bool is_keyed(const Route& route, const Request& request) { return request.key && route.method != kGet; }

// All of it, but for the key. No method has a space and no target a line break.
std::string asked(const Request& request) { return request.method + ' ' + request.target + '\n' + request.body; }

// `id` becomes that of a request with a key.
Result<Response> carry_out(Services& services, const Match& match, const Request& request, KeyedRequestId& id) {
  const Route& route = *match.route;
  Call call{.services = services,
            .peer = request.peer,
            .id = match.id,
            .query = match.query,
            .body = {},
            .rights = {},
            .named = {},
            .part = {}};
  if (route.right != Right::anyone) {
    REPRIEVE_TRY(call.rights, AccountRights::of(services, request.peer));
  }
  if (is_for_admin(route.right) && !call.rights.all()) {
    return fail(Errc::not_owner, "only root and the admin group may do that");
  }
  if (route.method != kPost && !request.body.empty()) {
    return fail(Errc::invalid_argument, "a " + std::string(route.method) + " request has no body here");
  }
  REPRIEVE_TRY(call.body, parse_body(request.body));
  if (route.right != Right::anyone) {
    REPRIEVE_TRY(call.named, find_account_name(call.query, call.body));
    if (call.named && route.right != Right::admin_of_former) REPRIEVE_TRY_VOID(call.rights.find(*call.named));
  }
  REPRIEVE_TRY_VOID(check_query(route, call.query));
  if (route.right == Right::account || route.right == Right::admin_of) {
    REPRIEVE_TRY(call.account, call.rights.choose(call.named));
  }
  if (!is_keyed(route, request)) return route.handler(call);
  REPRIEVE_TRY(const Idempotency::Turn turn,
               services.files.idempotency().begin(request.peer.uid, *request.key, asked(request)));
  call.part.request = id = turn.id();
  return route.handler(call);
}

// Whether the peer was refused for want of a right, as a whole or for one thing of several.
bool is_denied(const Result<Response>& response) {
  if (!response) return response.error().code == Errc::not_owner;
  const auto* body = response->body.if_object();
  const auto* results = body != nullptr ? body->if_contains(protocol::field::kResults) : nullptr;
  if (results == nullptr || !results->is_array()) return false;
  const auto denied = [](const boost::json::value& result) {
    const auto* error = result.as_object().if_contains(protocol::field::kError);
    return error != nullptr && error->at(protocol::field::kCode).as_string() == code_name(Errc::not_owner);
  };
  return std::any_of(results->get_array().begin(), results->get_array().end(), denied);
}

// What is asked about whom, as far as it can be told; the rest is in the line of the request.
std::optional<std::string> asked_account(const Match& match, const Request& request) {
  boost::json::object query = match.query;
  auto body = parse_body(request.body);
  boost::json::object fields = body ? *std::move(body) : boost::json::object();
  return find_account_name(query, fields).value_or(std::nullopt);
}

}  // namespace

std::optional<Reply> Router::refuse(const Request& header) const {
  const auto matched = match(header);
  if (!matched) return matched.error();
  return std::nullopt;
}

Reply Router::answer(const Request& request) const {
  auto matched = match(request);
  if (!matched) return std::move(matched).error();
  KeyedRequestId id;
  const auto response = carry_out(services_, *matched, request, id);
  if (is_denied(response)) {
    const Caller caller{.uid = request.peer.uid, .gid = request.peer.gid, .thread = request.peer.pid, .mount = {}};
    services_.files.history().denied(asked_account(*matched, request), caller,
                                     request.method + " " + request.target.substr(0, kMostNoted));
  }
  if (response && response->feed) return {.status = response->status, .body = {}, .allow = {}, .feed = response->feed};
  Reply reply = response
                    ? Reply{.status = response->status, .body = boost::json::serialize(response->body), .allow = {}}
                    : error_reply(response.error());
  reply.keyed = id;
  return reply;
}

void Router::delivered(KeyedRequestId id) const { services_.files.idempotency().answered(id); }

}  // namespace reprieve::control
