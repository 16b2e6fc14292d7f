// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <ostream>
#include <set>

#include "daemon/control/protocol/resources.h"
#include "daemon/ctl/commands.h"
#include "daemon/ctl/confirm.h"
#include "daemon/ctl/progress.h"
#include "daemon/ctl/report.h"
#include "daemon/ctl/request_parts.h"
#include "daemon/ctl/table.h"
#include "daemon/ctl/text.h"

namespace reprieve::ctl {
namespace {

namespace field = protocol::field;

constexpr std::string_view kNobodyToAsk = "this destroys data for ever and there is no terminal to ask on: say --yes";
constexpr std::string_view kNotConfirmed = "not confirmed: nothing was destroyed";

// With --json standard output is for the answer alone.
std::ostream& remarks(Session& session) { return session.options.json ? session.screen.err : session.screen.out; }

Outcome<Answer> post(Session& session, std::string_view resource, boost::json::object body) {
  if (session.options.account) body[field::kAccount] = *session.options.account;
  return session.client.post(resource, body);
}

std::string amount(std::size_t items, const protocol::Figures& figures) {
  return counted(items, "item") + ", " + counted(figures.files, "file") + ", " + human_bytes(figures.bytes);
}

void print_plan_items(const std::vector<protocol::Item>& items, std::ostream& out, bool colours) {
  Table table({{"ID", Align::right},
               {"KIND"},
               {"SIZE", Align::right},
               {"FILES", Align::right},
               {"FREED", Align::right},
               {"NAME"},
               {"ORIGIN"}});
  for (const auto& item : items) {
    const auto figures = item.figures.value_or(protocol::Figures());
    table.add({std::to_string(item.id), printable(item.kind), human_bytes(figures.bytes), std::to_string(figures.files),
               human_bytes(figures.exclusive_bytes), printable(item.name), printable(item.origin)});
  }
  table.print(out, colours);
}

void print_kept(const protocol::Plan& plan, std::ostream& out) {
  for (const auto& item : plan.kept)
    out << "kept, because it is held: " << item.id << ' ' << printable(item.name) << '\n';
}

void print_plan(const protocol::Plan& plan, std::ostream& out, bool colours) {
  if (plan.items.empty()) {
    out << "nothing to empty\n";
  } else {
    print_plan_items(plan.items, out, colours);
    out << "\nTo be destroyed: " << amount(plan.items.size(), plan.total) << "; "
        << human_bytes(plan.total.exclusive_bytes) << " given back to the disk\n";
  }
  print_kept(plan, out);
}

bool is_done(const protocol::ItemResult& result) { return result.state == protocol::word::kDone; }

// What of the plan was destroyed, in figures.
std::string gone(const protocol::Plan& plan, const protocol::ResultList& list) {
  std::set<std::int64_t> done;
  for (const auto& result : list.results) {
    if (is_done(result)) done.insert(result.id.value_or(0));
  }
  protocol::Figures sum;
  for (const auto& item : plan.items) {
    if (!done.contains(item.id) || !item.figures) continue;
    sum.files += item.figures->files;
    sum.bytes += item.figures->bytes;
  }
  return amount(done.size(), sum);
}

// Tells what was destroyed and what was not, then waits for the space where that is wanted. A purge names its items one
// by one; an empty, which has shown them, sums them up.
Outcome<ExitCode> conclude(Session& session, const Answer& answer, const protocol::Plan* plan) {
  const auto list = results_of(answer);
  if (!list) return give_up(list.error());
  Screen& screen = session.screen;
  ExitCode code = ExitCode::done;
  if (session.options.json) {
    screen.out << answer.text << '\n';
    code = report_results(screen, *list);
  } else if (plan != nullptr) {
    code = report_results(screen, *list);
    screen.out << "gone for ever: " << gone(*plan, *list) << '\n';
  } else {
    code = report_results(screen, *list, [](const auto& result) { return "destroyed " + subject_of(result); });
  }
  const bool destroyed_any = std::any_of(list->results.begin(), list->results.end(), is_done);
  if (list->operation && destroyed_any && (screen.can_animate || session.options.wait)) {
    screen.out.flush();
    if (auto followed = follow(session.client, *list->operation, screen); !followed) {
      return give_up(std::move(followed).error());
    }
  }
  return code;
}

// Shows the items that are about to be purged, and says which ids name none.
Outcome<std::vector<std::int64_t>> print_doomed(Session& session) {
  std::vector<protocol::Item> items;
  std::vector<std::int64_t> found;
  for (const std::int64_t id : session.options.ids) {
    protocol::QueryParameters query;
    if (session.options.account) query.emplace_back(field::kAccount, *session.options.account);
    const auto answer = session.client.get(with_id(protocol::kTrashItemResource, id), query);
    if (!answer) return give_up(answer.error());
    if (answer->refused()) {
      session.screen.complain(std::to_string(id) + ": " + answer->failure().message);
    } else {
      items.push_back(protocol::Item::parse(answer->body));
      found.push_back(id);
    }
  }
  if (!items.empty()) print_plan_items(items, remarks(session), session.screen.colours_out && !session.options.json);
  return found;
}

}  // namespace

Outcome<ExitCode> run_empty(Session& session) {
  const Options& options = session.options;
  Screen& screen = session.screen;
  if (!options.dry_run && !options.yes && !screen.can_ask) return give_up(ExitCode::usage, std::string(kNobodyToAsk));
  const protocol::EmptyPlanRequest request{.filter = options.filter};
  const auto shown = session.client.ask(protocol::kEmptyPlanResource, with_account(request.to_json(), options));
  if (!shown) return give_up(shown.error());
  if (shown->refused()) return give_up(shown->failure());
  const auto plan = protocol::Plan::parse(shown->body);
  if (options.dry_run && options.json) {
    screen.out << shown->text << '\n';
    return ExitCode::done;
  }
  if (options.dry_run || !options.yes || plan.items.empty()) {
    print_plan(plan, remarks(session), screen.colours_out && !options.json);
  }
  if (options.dry_run || (plan.items.empty() && !options.json)) return ExitCode::done;
  const std::string question = "Destroy " + counted(plan.items.size(), "item") + " for ever?";
  if (!options.yes && !plan.items.empty() && !confirm(screen, question)) {
    return give_up(ExitCode::usage, std::string(kNotConfirmed));
  }
  const auto answer = post(session, protocol::kEmptyResource, protocol::EmptyRequest{plan.token}.to_json());
  if (!answer) return give_up(answer.error());
  if (options.yes && !options.json) print_kept(plan, screen.out);
  return conclude(session, *answer, &plan);
}

Outcome<ExitCode> run_purge(Session& session) {
  const Options& options = session.options;
  if (!options.yes && !session.screen.can_ask) return give_up(ExitCode::usage, std::string(kNobodyToAsk));
  std::vector<std::int64_t> ids = options.ids;
  if (!options.yes) {
    auto found = print_doomed(session);
    if (!found) return give_up(std::move(found).error());
    if (found->empty()) return ExitCode::refused_or_failed;
    ids = *std::move(found);
    if (!confirm(session.screen, "Destroy " + counted(ids.size(), "item") + " for ever?")) {
      return give_up(ExitCode::usage, std::string(kNotConfirmed));
    }
  }
  const auto answer = post(session, protocol::kPurgeResource, protocol::PurgeRequest{ids}.to_json());
  if (!answer) return give_up(answer.error());
  const auto code = conclude(session, *answer, nullptr);
  const bool all_of_them = ids.size() == options.ids.size();
  return code && *code == ExitCode::done && !all_of_them ? ExitCode::partly_failed : code;
}

}  // namespace reprieve::ctl
