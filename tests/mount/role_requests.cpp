// SPDX-License-Identifier: Apache-2.0
// The rows of the table that are requests on the control socket.
#include <fcntl.h>
#include <unistd.h>

#include <boost/json/array.hpp>

#include "core/base/error.h"
#include "daemon/control/errors.h"
#include "tests/mount/role_test.h"
#include "tests/support/wait.h"

namespace reprieve::test {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

using T = RoleTest&;
using S = const Scene&;

constexpr std::string_view kOwner = "ada";

json::object paths_of(const fs::path& path) { return {{"paths", json::array{path.native()}}}; }

std::string of_owner(std::string_view target) { return std::string(target) + "?account=" + std::string(kOwner); }

// What became of `subject`, or the status of the refusal.
std::string trash(T t, S s, const std::string& subject, json::object how = {}) {
  const fs::path path = subject.empty() ? s.item : s.item / subject;
  json::object body = paths_of(path);
  for (auto& field : how) body[field.key()] = field.value();
  return t.fate(s, subject, [&] {
    const std::string status = t.status_of(s.actor.user, "POST", "/v1/trash", body);
    return status == "yes" ? std::string() : status;
  });
}

std::string trash_by_path_of_owner(T t, S s) {
  return t.fate(s, "d", [&] {
    const std::string status = t.status_of(s.actor.user, "POST", "/v1/trash", paths_of(s.home / "d"));
    return status == "yes" ? std::string() : status;
  });
}

// The owner, who may.
void prepare(T t, std::string_view target, const json::object& body) {
  EXPECT_EQ(t.status_of(kAda, "POST", target, body), "yes") << target;
}

json::object running(S s) { return {{"path", (s.home / "analyses/a").native()}, {"status", "running"}}; }

std::string trash_running(T t, S s, bool force) {
  prepare(t, "/v1/status", running(s));
  return trash(t, s, "analyses/a", {{"force", force}});
}

std::string trash_files_only(T t, S s) {
  json::object body = paths_of(s.item / "analyses/a");
  body["mode"] = "files-only";
  const std::string status = t.status_of(s.actor.user, "POST", "/v1/trash", body);
  EXPECT_TRUE(sees(kAda, s.home / "analyses/a"));
  EXPECT_EQ(sees(kAda, s.home / "analyses/a/x"), status != "yes");
  return status;
}

std::string explain(T t, S s, const std::string& subject) {
  const fs::path path = subject.empty() ? s.item : s.item / subject;
  const RawResponse answer = t.ask(s.actor.user, "POST", "/v1/explain", paths_of(path));
  EXPECT_EQ(answer.status, 200) << answer.body;
  const auto result = answer.json().at("results").at(0).as_object();
  const auto* error = result.if_contains("error");
  if (error == nullptr) return std::string(result.at("action").as_string());
  return std::to_string(control::http_status(control::code_named(error->at("code").as_string())));
}

// What the owner has deleted is there again for the owner, or not.
std::string restore(T t, S s, const std::string& target, const json::object& body) {
  const std::string status = t.status_of(s.actor.user, "POST", target, body);
  EXPECT_EQ(sees(kAda, s.home / "f"), status == "yes");
  return status;
}

std::string restore_item(T t, S s) {
  return restore(t, s, "/v1/trash/" + std::to_string(t.trash_for_owner(s)) + "/restore", {});
}

std::string restore_session(T t, S s) {
  t.trash_for_owner(s);
  return restore(t, s, "/v1/restore",
                 {{"session", std::stoll(std::string(t.newest_item(kAda).at("session").as_string()))}});
}

std::string restore_for_owner(T t, S s) {
  return restore(t, s, "/v1/restore", {{"ids", json::array{t.trash_for_owner(s)}}, {"account", kOwner}});
}

std::string undo_own(T t, S s) {
  // In a process of its own: a session is what one process has deleted.
  const int gone = errno_as(s.actor.user, [&] { return failure_of(::unlink((s.item / "f").c_str())); });
  // What is hidden is so for good, and can be undone, when the end of the process was noticed.
  const auto is_hidden = [&] {
    const auto hidden = t.ask(s.actor.user, "GET", "/v1/history?event=hide&limit=1").json().at("items").as_array();
    return !hidden.empty() && hidden[0].at("path").as_string() == "projects/" + s.name + "/f";
  };
  EXPECT_TRUE(gone != 0 || s.actor.user == kAda || wait_until(is_hidden));
  const std::string status = t.status_of(s.actor.user, "POST", "/v1/undo");
  EXPECT_EQ(status == "yes", gone == 0);
  EXPECT_EQ(sees(s.actor.user, s.item / "f"), status == "yes");
  return status;
}

std::string undo_of_owner(T t, S s) {
  t.trash_for_owner(s);
  return restore(t, s, "/v1/undo", {{"account", kOwner}});
}

// What the owner has deleted is purged, or still there.
std::string purge(T t, S s, std::string_view method, const std::string& target, std::int64_t item,
                  const json::object& body) {
  const std::string status = t.status_of(s.actor.user, method, target, body);
  EXPECT_EQ(t.status_of(kAda, "GET", "/v1/trash/" + std::to_string(item)) == "404", status == "yes");
  return status;
}

std::string purge_several(T t, S s) {
  const std::int64_t item = t.trash_for_owner(s);
  return purge(t, s, "POST", "/v1/purge", item, {{"ids", json::array{item}}});
}

std::string purge_one(T t, S s) {
  const std::int64_t item = t.trash_for_owner(s);
  return purge(t, s, "DELETE", "/v1/trash/" + std::to_string(item), item, {});
}

json::object plan_of(T t, uid_t user) {
  const RawResponse plan = t.ask(user, "POST", "/v1/empty/plan");
  EXPECT_EQ(plan.status, 200) << plan.body;
  return {{"token", plan.json().at("token")}};
}

std::string empty_own(T t, S s) {
  EXPECT_EQ(errno_as(s.actor.user, [&] { return failure_of(::unlink((s.own / "mine").c_str())); }), 0);
  const std::string status = t.status_of(s.actor.user, "POST", "/v1/empty", plan_of(t, s.actor.user));
  EXPECT_EQ(t.ask(s.actor.user, "GET", "/v1/trash").json().at("items").as_array().empty(), status == "yes");
  return status;
}

std::string empty_shown_to_owner(T t, S s, bool for_owner) {
  const std::int64_t item = t.trash_for_owner(s);
  json::object body = plan_of(t, kAda);
  if (for_owner) body["account"] = kOwner;
  return purge(t, s, "POST", "/v1/empty", item, body);
}

std::string follow_purge(T t, S s) {
  const RawResponse purged = t.ask(kAda, "POST", "/v1/purge", {{"ids", json::array{t.trash_for_owner(s)}}});
  const auto operation = purged.json().at("operation").to_number<std::int64_t>();
  return t.status_of(s.actor.user, "GET", "/v1/operations/" + std::to_string(operation));
}

std::string show_item(T t, S s) {
  return t.status_of(s.actor.user, "GET", "/v1/trash/" + std::to_string(t.trash_for_owner(s)));
}

std::string show_status(T t, S s) {
  return t.status_of(s.actor.user, "GET", "/v1/status?path=" + (s.item / "analyses/a").native());
}

json::object item_of(T t, S s, const std::string& path) {
  return t.ask(kAda, "GET", "/v1/status?path=" + (s.home / path).native()).json().as_object();
}

std::string set_status(T t, S s) {
  const json::object body{{"path", (s.item / "analyses/a").native()}, {"status", "failed"}};
  const std::string status = t.status_of(s.actor.user, "POST", "/v1/status", body);
  EXPECT_EQ(item_of(t, s, "analyses/a").at("status") == json::value("failed"), status == "yes");
  return status;
}

json::object association(const fs::path& project) {
  return {{"path", (project / "analyses/a").native()}, {"sources", json::array{(project / "samples/s").native()}}};
}

std::string associate(T t, S s) {
  const std::string status = t.status_of(s.actor.user, "POST", "/v1/associate", association(s.item));
  EXPECT_EQ(item_of(t, s, "analyses/a").at("derivedFrom").as_array().size(), status == "yes" ? 1U : 0U);
  return status;
}

std::string dissociate(T t, S s) {
  prepare(t, "/v1/associate", association(s.home));
  const std::string status = t.status_of(s.actor.user, "POST", "/v1/dissociate", association(s.item));
  EXPECT_EQ(item_of(t, s, "analyses/a").at("derivedFrom").as_array().size(), status == "yes" ? 0U : 1U);
  return status;
}

std::string add_to(T t, S s, const fs::path& project, const fs::path& sample) {
  const json::object body{{"project", project.native()}, {"path", sample.native()}};
  const std::string status = t.status_of(s.actor.user, "POST", "/v1/add-to", body);
  EXPECT_EQ(sees(s.actor.user, project / "samples" / sample.filename()), status == "yes");
  return status;
}

std::string share(T t, S s, std::string_view with) {
  const json::object body{{"path", s.item.native()}, {"with", with}, {"role", "editor"}};
  return t.status_of(s.actor.user, "POST", "/v1/share", body);
}

std::string unshare(T t, S s) {
  const std::string status =
      t.status_of(s.actor.user, "POST", "/v1/unshare", {{"path", s.item.native()}, {"with", "bob"}});
  EXPECT_EQ(sees(kBob, t.projects(kBob) / s.name), status != "yes");
  return status;
}

std::string get(T t, S s, const std::string& target) { return t.status_of(s.actor.user, "GET", target); }

std::string set_quota(T t, S s, const std::string& account) {
  return t.status_of(s.actor.user, "POST", "/v1/account", {{"account", account}, {"quota", 0}});
}

using Attempts = std::map<std::string_view, Attempt>;

const Attempts kDeleting{
    {"trash a directory", [](T t, S s) { return trash(t, s, "d"); }},
    {"trash a file that it made", [](T t, S s) { return trash(t, s, "made"); }},
    {"trash the project", [](T t, S s) { return trash(t, s, ""); }},
    {"trash by a path in the owner's mount", trash_by_path_of_owner},
    {"trash a running analysis", [](T t, S s) { return trash_running(t, s, false); }},
    {"trash --force a running analysis", [](T t, S s) { return trash_running(t, s, true); }},
    {"trash --mode with-associated",
     [](T t, S s) {
       return trash(t, s, "samples/s", {{"mode", "with-associated"}});
     }},
    {"trash --mode files-only", trash_files_only},
    {"explain a directory", [](T t, S s) { return explain(t, s, "d"); }},
    {"explain a file that it made", [](T t, S s) { return explain(t, s, "made"); }},
    {"explain the project", [](T t, S s) { return explain(t, s, ""); }},
};

const Attempts kTrash{
    {"list its own trash", [](T t, S s) { return get(t, s, "/v1/trash"); }},
    {"list the owner's trash", [](T t, S s) { return get(t, s, of_owner("/v1/trash")); }},
    {"show what the owner deleted", show_item},
    {"restore what the owner deleted", restore_item},
    {"restore the owner's session", restore_session},
    {"restore for the owner", restore_for_owner},
    {"undo its own deletion", undo_own},
    {"undo the owner's deletion", undo_of_owner},
    {"plan to empty its own trash", [](T t, S s) { return t.status_of(s.actor.user, "POST", "/v1/empty/plan"); }},
    {"empty its own trash", empty_own},
    {"plan to empty the owner's trash",
     [](T t, S s) {
       return t.status_of(s.actor.user, "POST", "/v1/empty/plan", {{"account", kOwner}});
     }},
    {"empty the owner's trash", [](T t, S s) { return empty_shown_to_owner(t, s, true); }},
    {"empty what the owner was shown", [](T t, S s) { return empty_shown_to_owner(t, s, false); }},
    {"purge what the owner deleted", purge_several},
    {"purge one item of the owner", purge_one},
    {"ask how far a purge is", follow_purge},
};

const Attempts kItems{
    {"show a status", show_status},
    {"set a status", set_status},
    {"associate", associate},
    {"dissociate", dissociate},
    {"add-to an own project", [](T t, S s) { return add_to(t, s, s.own, s.item / "samples/s"); }},
    {"add-to the project an own sample", [](T t, S s) { return add_to(t, s, s.item, s.own / "samples/mine"); }},
    {"share", [](T t, S s) { return share(t, s, "lab"); }},
    {"share in another role", [](T t, S s) { return share(t, s, "bob"); }},
    {"unshare", unshare},
    {"list its own shares", [](T t, S s) { return get(t, s, "/v1/shares"); }},
    {"list the owner's shares", [](T t, S s) { return get(t, s, of_owner("/v1/shares")); }},
};

const Attempts kAccounts{
    {"account list", [](T t, S s) { return get(t, s, "/v1/accounts"); }},
    {"account show its own", [](T t, S s) { return get(t, s, "/v1/account"); }},
    {"account show the owner's", [](T t, S s) { return get(t, s, of_owner("/v1/account")); }},
    {"account add",
     [](T t, S s) {
       return t.status_of(s.actor.user, "POST", "/v1/accounts", {{"name", s.name}, {"uid", 30009}, {"gid", 30009}});
     }},
    {"account set its own quota", [](T t, S s) { return set_quota(t, s, RoleTest::name_of(s.actor.user)); }},
    {"account set the owner's quota", [](T t, S s) { return set_quota(t, s, std::string(kOwner)); }},
    {"account remove",
     [](T t, S s) {
       return t.status_of(s.actor.user, "DELETE", "/v1/account?account=" + RoleTest::name_of(s.actor.user));
     }},
    {"history of its own", [](T t, S s) { return get(t, s, "/v1/history"); }},
    {"history of the owner", [](T t, S s) { return get(t, s, of_owner("/v1/history")); }},
    {"events of its own", [](T t, S s) { return get(t, s, "/v1/events"); }},
    {"events of the owner", [](T t, S s) { return get(t, s, of_owner("/v1/events")); }},
    {"stats of its own", [](T t, S s) { return get(t, s, "/v1/stats"); }},
    {"stats of the owner", [](T t, S s) { return get(t, s, of_owner("/v1/stats")); }},
    {"mounts of its own", [](T t, S s) { return get(t, s, "/v1/mounts"); }},
    {"mounts of the owner", [](T t, S s) { return get(t, s, of_owner("/v1/mounts")); }},
    {"backup", [](T t, S s) { return t.status_of(s.actor.user, "POST", "/v1/backup"); }},
    {"list backups", [](T t, S s) { return get(t, s, "/v1/backups"); }},
    {"what is damaged of its own", [](T t, S s) { return get(t, s, "/v1/damaged"); }},
    {"what is damaged of the owner", [](T t, S s) { return get(t, s, of_owner("/v1/damaged")); }},
    {"check", [](T t, S s) { return t.status_of(s.actor.user, "POST", "/v1/check"); }},
    {"ask how far a check is", [](T t, S s) { return get(t, s, "/v1/check"); }},
    {"ping", [](T t, S s) { return get(t, s, "/v1/ping"); }},
    {"version", [](T t, S s) { return get(t, s, "/v1/version"); }},
};

}  // namespace

const std::map<std::string_view, Attempt>& socket_attempts() {
  static const auto all = [] {
    Attempts attempts;
    for (const auto* part : {&kDeleting, &kTrash, &kItems, &kAccounts}) attempts.insert(part->begin(), part->end());
    return attempts;
  }();
  return all;
}

}  // namespace reprieve::test
