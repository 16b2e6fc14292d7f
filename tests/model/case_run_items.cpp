// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <stdexcept>

#include "tests/model/case_run.h"
#include "tests/support/store_invariants.h"
#include "tests/support/wait.h"

// Changes of single nodes, and what goes through the control socket.
namespace reprieve::test {
namespace {

std::string joined(const TreeModel::Path& path) {
  std::string all;
  for (const std::string& name : path) all += (all.empty() ? "" : "/") + name;
  return all;
}

std::string text(const std::vector<int>& numbers) {
  std::string all;
  for (const int number : numbers) all += " " + std::to_string(number);
  return all;
}

std::string state_text(BatchState state) {
  switch (state) {
    case BatchState::done: return "done";
    case BatchState::skipped: return "skipped";
    case BatchState::failed: return "failed";
  }
  return {};
}

Refusal code_of(const BatchOutcome& outcome) {
  if (outcome.state == BatchState::done) return {};
  for (int code = 0; code <= static_cast<int>(Errc::internal); ++code) {
    if (code_name(static_cast<Errc>(code)) == outcome.code) return static_cast<Errc>(code);
  }
  return Errc::internal;
}

void require(bool condition, const std::string& what) {
  if (!condition) throw std::runtime_error(what);
}

}  // namespace

void CaseRun::change(const Step& step) {
  const Path path = step.b % 32 == 31 ? Path() : entry(step.a);
  switch (step.action) {
    case Action::write: return write(path, step);
    case Action::chmod: {
      const mode_t permissions = step.c % 01000;
      const auto changed = volume_.core().attributes().set(volume_.account(), inode(path), {.mode = permissions}, {});
      return expect_same("chmod " + joined(path), refusal(changed), model_.chmod(node(path), permissions));
    }
    case Action::truncate: {
      const std::uint64_t size = step.c % 100;
      const auto changed = volume_.core().attributes().set(volume_.account(), inode(path), {.size = size}, {});
      return expect_same("truncate " + joined(path), refusal(changed), model_.truncate(node(path), size));
    }
    default: return set_xattr(path, step);
  }
}

void CaseRun::set_xattr(const Path& path, const Step& step) {
  constexpr std::array kNames{"user.a", "user.b", "user.reprieve.kind"};
  const std::string attribute = kNames.at(step.c % kNames.size());
  AttributeService& attributes = volume_.core().attributes();
  if (step.action == Action::remove_xattr) {
    return expect_same("removexattr " + joined(path) + " " + attribute,
                       refusal(attributes.remove_xattr(volume_.account(), inode(path), attribute, process(1))),
                       model_.remove_xattr(node(path), attribute));
  }
  const std::string value(step.d % 20, '\0');
  constexpr std::array kModes{XattrMode::set, XattrMode::create, XattrMode::replace};
  const XattrMode mode = kModes.at(step.e % kModes.size());
  const auto set = attributes.set_xattr(volume_.account(), inode(path), attribute, value, mode, process(1));
  expect_same("setxattr " + joined(path) + " " + attribute, refusal(set),
              model_.set_xattr(node(path), attribute, value, mode == XattrMode::create, mode == XattrMode::replace));
}

void CaseRun::write(const Path& path, const Step& step) {
  const std::string bytes(step.d % 10, 'w');
  const auto file = volume_.core().content().open(volume_.account(), inode(path), O_RDWR);
  const NodePtr written = node(path);
  const auto refused = model_.write(written, bytes);
  expect_same("write " + joined(path), refusal(file), refused);
  if (!file) return;
  // Over the beginning only: truncate makes files longer.
  const std::size_t size = std::min(bytes.size(), written->bytes.size());
  require(::pwrite(file->descriptor(), bytes.data(), size, 0) == static_cast<ssize_t>(size), "pwrite failed");
}

void CaseRun::trash_path(const Step& step) {
  Path path = name_somewhere(step.a, step.b);
  if (step.c % 8 == 7) path.push_back(new_name(step.d));
  const int by = 1 + step.e % 3;
  const auto outcome = volume_.core().trash().trash_paths(volume_.account(), {joined(path)}, process(by)).at(0);
  expect_same("trash " + joined(path) + " by " + std::to_string(by), code_of(outcome), model_.trash_path(path, by));
  if (outcome.state == BatchState::done)
    require(outcome.path == model_.items().back().name, "the name in the trash: " + outcome.path);
}

void CaseRun::restore(const Step& step) {
  if (model_.items().empty()) return;
  std::vector<int> items{item(step.a)};
  if (step.b % 4 == 0) items.push_back(item(step.a + 1U));
  if (step.b % 32 == 0) items.push_back(999'999);
  std::ranges::sort(items);
  items.erase(std::unique(items.begin(), items.end()), items.end());
  RestoreOptions options{.on_collision = static_cast<OnCollision>(step.c % 4), .recreate_parents = step.d % 2 == 1};
  std::optional<Path> to;
  if (step.d % 3 == 2) {
    to = directory(step.e);
    if (step.e % 20 == 0) to = name_somewhere(step.e, step.b);
    options.to = joined(*to);
  }
  restore_items(items, options, to, 1 + step.e % 3);
}

void CaseRun::restore_items(const std::vector<int>& items, const RestoreOptions& options, const std::optional<Path>& to,
                            int by) {
  std::vector<TrashItemId> ids;
  for (const int number : items) ids.push_back(core_item(number));
  const auto outcomes = volume_.core().trash().restore(volume_.account(), ids, options, process(by));
  const auto expected = model_.restore(items, options.on_collision, options.recreate_parents, to, by);
  require(outcomes.size() == expected.size(), "the number of outcomes");
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    const std::string what = "restore " + std::to_string(expected[i].item) + " " + outcomes[i].subject + " to " +
                             options.to.value_or("its place") + " collision " +
                             std::to_string(static_cast<int>(options.on_collision)) + " recreate " +
                             std::to_string(options.recreate_parents) + " by " + std::to_string(by);
    expect_same(what + " (" + state_text(outcomes[i].state) + ")",
                outcomes[i].state == BatchState::failed ? code_of(outcomes[i]) : Refusal(), expected[i].refusal);
    require(outcomes[i].state == expected[i].state, what + ": " + state_text(outcomes[i].state));
    require(outcomes[i].path == expected[i].path, what + ": is now " + outcomes[i].path + ", not " + expected[i].path);
  }
}

void CaseRun::plan() {
  wait_for_purges();
  const auto made = must(volume_.core().empty_plans().plan(volume_.account(), {}, process(1)));
  Plan plan{.token = made.token, .items = {}};
  for (const ModelItem& item : model_.items()) {
    plan.items.push_back(item.number);
    ids_[item.number] = core_item(item.number);
  }
  require(made.items.size() == plan.items.size(), "the number of items in the plan");
  const std::string seen = figures_text(made.total);
  const std::string expected = figures_text(model_.figures(plan.items));
  require(seen == expected, "the plan's total: core has " + seen + ", the model " + expected);
  plans_.push_back(std::move(plan));
  const auto is_unused = [](const Plan& each) { return !each.used; };
  if (std::ranges::count_if(plans_, is_unused) > std::int64_t{PlanRows::kMostPlans})
    std::ranges::find_if(plans_, is_unused)->used = true;  // forgotten
  transcript_ += "plan" + text(plans_.back().items) + "\n";
}

void CaseRun::execute(const Step& step) {
  if (plans_.empty()) return;
  Plan& plan = plans_[step.a % plans_.size()];
  const auto outcome = volume_.core().empty_plans().execute(volume_.account(), plan.token, process(1));
  expect_same("execute" + text(plan.items), refusal(outcome), plan.used ? Refusal(Errc::plan_expired) : Refusal());
  if (outcome) check_purge(*outcome, plan.items, BatchState::skipped);
  plan.used = true;
}

void CaseRun::purge(const Step& step) {
  if (model_.items().empty()) return;
  const std::vector<int> items{item(step.a), item(step.b)};
  std::vector<TrashItemId> ids;
  for (const int number : items) ids.push_back(core_item(number));
  const auto outcome = must(volume_.core().empty_plans().purge(volume_.account(), ids, process(1)));
  transcript_ += "purge" + text(items) + "\n";
  check_purge(outcome, items, BatchState::failed);
}

void CaseRun::check_purge(const PurgeOutcome& outcome, const std::vector<int>& items, BatchState when_gone) {
  const auto purged = model_.purge(items);
  require(outcome.items.size() == items.size(), "the number of outcomes");
  for (std::size_t i = 0; i < items.size(); ++i) {
    const BatchState expected = purged[i] ? BatchState::done : when_gone;
    require(outcome.items[i].state == expected,
            "item " + std::to_string(items[i]) + " is " + state_text(outcome.items[i].state));
  }
}

void CaseRun::reopen() {
  transcript_ += "reopen\n";
  volume_.reopen();
}

void CaseRun::wait_for_purges() {
  require(wait_until([this] { return must(volume_.core().figures()).purge_queue == 0; }), "the purge does not end");
}

void CaseRun::compare() {
  wait_for_purges();
  comparison_.tree();
  comparison_.items();
}

void CaseRun::empty() {
  tick();
  volume_.empty();
  std::vector<int> all;
  for (const ModelItem& item : model_.items()) all.push_back(item.number);
  model_.purge(all);
  compare();
  volume_.close();
  const auto blobs = volume_.blobs();
  require(blobs == comparison_.regular_files(), std::to_string(blobs.size()) + " blobs are left for " +
                                                    std::to_string(comparison_.regular_files().size()) + " files");
  volume_.open();
}

void CaseRun::finish() {
  compare();
  empty();
  // The kinds of what is live show once it is trashed.
  for (const char* top : {"projects", "runs"}) {
    for (const std::string& child : model_.listing(node({top}))) {
      tick();
      volume_.clock().advance(-std::chrono::seconds(1));  // which trashing adds
      volume_.trash(std::string(top) + "/" + child);
      require(!model_.trash_path({top, child}, 1), "the model refuses to trash " + child);
    }
  }
  compare();
  empty();
  volume_.close();
  const std::string broken = broken_invariants(volume_.store());
  require(broken.empty(), broken);
}

}  // namespace reprieve::test
