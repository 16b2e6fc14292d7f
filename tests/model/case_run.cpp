// SPDX-License-Identifier: Apache-2.0
#include "tests/model/case_run.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <stdexcept>

#include "tests/support/wait.h"

namespace reprieve::test {
namespace {

std::string text(const TreeModel::Path& path) {
  std::string all;
  for (const std::string& name : path) all += "/" + name;
  return all.empty() ? "/" : all;
}

std::string joined(const TreeModel::Path& path) { return path.empty() ? std::string() : text(path).substr(1); }

std::string text(const Refusal& refusal) { return refusal ? std::string(code_name(*refusal)) : std::string("done"); }

int process_number(unsigned choice) { return 1 + static_cast<int>(choice % 3); }

}  // namespace

CaseRun::CaseRun(bool keep_replaced)
    : volume_({.trash = {.keep_replaced = keep_replaced}}),
      model_(keep_replaced, volume_.clock().now()),
      comparison_(volume_, model_) {
  // Something to begin with, so that short sequences reach every rule.
  for (const Path& path : {Path{"projects", "p"}, Path{"projects", "p", "d"}, Path{"runs", "r"}}) {
    volume_.mkdir(joined(path));
    model_.set_now(volume_.clock().now());
    const Path parent(path.begin(), path.end() - 1);
    model_.create(node(parent), path.back(), S_IFDIR | 0755);
  }
}

void CaseRun::tick() {
  volume_.clock().advance(std::chrono::milliseconds(10));
  model_.set_now(volume_.clock().now());
}

void CaseRun::expect_same(const std::string& what, const std::optional<Errc>& core, const Refusal& model) {
  transcript_ += what + ": " + text(core) + "\n";
  if (core != model) throw std::runtime_error(what + ": core says " + text(core) + ", the model " + text(model));
}

CaseRun::Path CaseRun::directory(unsigned choice) const {
  auto all = model_.directories();
  if (choice % 4 != 3) std::erase_if(all, [](const Path& path) { return path.size() < 2 || path[0] == ".trash"; });
  if (all.empty()) return {"projects"};
  return all[choice / 4 % all.size()];
}

CaseRun::Path CaseRun::entry(unsigned choice) const {
  std::vector<Path> all;
  for (const Path& path : model_.directories()) {
    for (const std::string& name : model_.listing(node(path))) {
      all.push_back(path);
      all.back().push_back(name);
    }
  }
  return all[choice % all.size()];
}

CaseRun::Path CaseRun::name_somewhere(unsigned choice, unsigned name_choice) const {
  if (name_choice % 8 != 7) return entry(choice);
  Path path = directory(choice);
  path.push_back(new_name(name_choice / 8));
  return path;
}

std::string CaseRun::new_name(unsigned choice) {
  constexpr std::array kNames{"a", "b", "samples", "c", "a", "samples", "analyses", "b", ".nfs1", "a~2", ".Trash-1"};
  return kNames.at(choice % kNames.size());
}

int CaseRun::item(unsigned choice) const {
  const auto& items = model_.items();
  return items.empty() ? 0 : items[choice % items.size()].number;
}

TrashItemId CaseRun::core_item(int number) {
  if (const ModelItem* found = model_.item(number)) ids_[number] = volume_.item(found->name).id;
  const auto known = ids_.find(number);
  return known == ids_.end() ? TrashItemId(number) : known->second;
}

InodeId CaseRun::inode(const Path& path) {
  InodeId at = volume_.account().root;
  for (const std::string& name : path)
    at = must(volume_.names().lookup(volume_.account(), at, EntryName::literal(name))).inode;
  return at;
}

void CaseRun::run(const Step& step) {
  tick();
  const int by = process_number(step.e);
  switch (step.action) {
    case Action::create_file:
    case Action::mkdir:
    case Action::symlink:
    case Action::fifo: return make(step);
    case Action::churn: return churn(step);
    case Action::link: return link(step);
    case Action::remove: return remove(step);
    case Action::rename: return rename(step);
    case Action::move_to_trash: {
      const Path from = name_somewhere(step.a, step.b);
      return rename(from, {".trash", step.d % 4 == 0 ? new_name(step.c) : from.back()}, RenameMode::replace, by);
    }
    case Action::move_out_of_trash: {
      if (model_.items().empty()) return;
      const std::string& old_name = model_.items()[step.a % model_.items().size()].name;
      Path to = name_somewhere(step.c, step.b);
      if (step.d % 2 == 0) to.back() = old_name;
      // Also over the very directory that it came from.
      const NodePtr origin = model_.items()[step.a % model_.items().size()].parent;
      for (const Path& path : model_.directories()) {
        if (step.d % 8 == 7 && node(path) == origin) to = path;
      }
      return rename({".trash", old_name}, to, RenameMode::replace, by);
    }
    case Action::remove_tree: return remove_tree(step);
    case Action::chmod:
    case Action::write:
    case Action::truncate:
    case Action::set_xattr:
    case Action::remove_xattr: return change(step);
    case Action::trash_path: return trash_path(step);
    case Action::restore: return restore(step);
    case Action::restore_session: {
      const int session = process_number(step.a);
      std::vector<int> items;
      for (const ModelItem& item : model_.items()) {
        if (item.session == session) items.push_back(item.number);
      }
      return restore_items(items, {}, std::nullopt, by);
    }
    case Action::plan: return plan();
    case Action::execute: return execute(step);
    case Action::purge: return purge(step);
    case Action::reopen: return reopen();
  }
}

void CaseRun::make(const Step& step) {
  const Path parent = directory(step.a);
  const std::string made = new_name(step.b);
  const EntryName entry = EntryName::literal(made);
  const InodeId at = inode(parent);
  constexpr std::array<mode_t, 4> kPermissions{0755, 0644, 0700, 0};
  const mode_t permissions = kPermissions.at(step.c % 4);
  const std::string bytes(step.d % 50, static_cast<char>('a' + step.d % 26));
  const std::string what = " " + text(parent) + " " + made;
  Namespace& names = volume_.names();
  const Account& account = volume_.account();
  const Caller caller = process(process_number(step.e));
  if (step.action == Action::create_file) {
    const auto file = volume_.core().content().create(account, at, entry, permissions, O_WRONLY, caller);
    if (file && ::pwrite(file->file.descriptor(), bytes.data(), bytes.size(), 0) < 0)
      throw std::runtime_error("pwrite failed");
    expect_same("create" + what, refusal(file), model_.create(node(parent), made, S_IFREG | permissions, bytes));
  } else if (step.action == Action::symlink) {
    const NewNode link{.mode = S_IFLNK | 0777, .symlink_target = "to/" + bytes};
    expect_same("symlink" + what, refusal(names.create(account, at, entry, link, caller)),
                model_.create(node(parent), made, link.mode, link.symlink_target));
  } else {
    const mode_t mode = (step.action == Action::mkdir ? S_IFDIR : S_IFIFO) | permissions;
    expect_same((S_ISDIR(mode) ? "mkdir" : "mkfifo") + what,
                refusal(names.create(account, at, entry, {.mode = mode}, caller)),
                model_.create(node(parent), made, mode));
  }
}

void CaseRun::churn(const Step& step) {
  const Path parent = directory(step.a);
  for (int round = 0; round < 2 + step.c % 3; ++round) {
    tick();
    make({.action = Action::create_file, .a = step.a, .b = step.b, .c = step.c, .d = step.d, .e = step.e});
    tick();
    remove_one(parent, new_name(step.b), false, process_number(step.e));
  }
}

void CaseRun::link(const Step& step) {
  // Directories, which cannot be linked, are tried less often than files.
  Path source = entry(step.a);
  if (step.b % 8 != 7 && node(source)->is_directory()) source = entry(step.b);
  const Path parent = directory(step.c);
  const std::string made = new_name(step.d);
  const auto linked =
      volume_.names().link(volume_.account(), inode(source), inode(parent), EntryName::literal(made), process(1));
  expect_same("link " + text(source) + " " + text(parent) + " " + made, refusal(linked),
              model_.link(node(source), node(parent), made));
}

void CaseRun::remove(const Step& step) {
  const Path path = name_somewhere(step.a, step.b);
  const NodePtr gone = node(path);
  const bool is_directory = gone != nullptr && gone->is_directory();
  // Sometimes with the wrong call.
  remove_one(Path(path.begin(), path.end() - 1), path.back(), is_directory != (step.c % 16 == 15),
             process_number(step.e));
}

void CaseRun::remove_one(const Path& parent, const std::string& gone, bool is_directory, int by) {
  const EntryName entry = EntryName::literal(gone);
  const std::string what = " " + text(parent) + " " + gone + " by " + std::to_string(by);
  if (is_directory) {
    expect_same("rmdir" + what, refusal(volume_.names().rmdir(volume_.account(), inode(parent), entry, process(by))),
                model_.rmdir(node(parent), gone, by));
  } else {
    expect_same("unlink" + what, refusal(volume_.names().unlink(volume_.account(), inode(parent), entry, process(by))),
                model_.unlink(node(parent), gone, by));
  }
}

void CaseRun::remove_tree(const Step& step) {
  const Path path = entry(step.a);
  // Sometimes interrupted half-way.
  int budget = step.d % 3 == 0 ? step.c % 10 : 1000;
  remove_tree_below(Path(path.begin(), path.end() - 1), path.back(), process_number(step.e), budget);
}

bool CaseRun::remove_tree_below(const Path& parent, const std::string& gone, int by, int& budget) {
  Path path = parent;
  path.push_back(gone);
  const bool is_directory = node(path)->is_directory();
  if (is_directory) {
    for (const std::string& child : model_.listing(node(path))) {
      if (!remove_tree_below(path, child, by, budget)) return false;
    }
  }
  if (budget-- <= 0) return false;
  tick();
  remove_one(parent, gone, is_directory, by);
  return true;
}

void CaseRun::rename(const Step& step) {
  Path to = name_somewhere(step.c, step.d);
  if (step.d % 2 == 1) {
    to = directory(step.c);
    to.push_back(new_name(step.d / 2));
  }
  // Where kinds are made of folders.
  if (step.d % 8 == 6) to = {step.c % 4 == 0 ? "runs" : "projects", new_name(step.d / 8)};
  constexpr std::array kModes{RenameMode::replace, RenameMode::replace, RenameMode::no_replace, RenameMode::exchange};
  rename(name_somewhere(step.a, step.b), to, kModes.at(step.e % 4), process_number(step.e / 4));
}

void CaseRun::rename(const Path& old_path, const Path& new_path, RenameMode mode, int by) {
  const Path from(old_path.begin(), old_path.end() - 1);
  const Path to(new_path.begin(), new_path.end() - 1);
  const auto renamed = volume_.names().rename(volume_.account(), inode(from), EntryName::literal(old_path.back()),
                                              inode(to), EntryName::literal(new_path.back()), mode, process(by));
  expect_same("rename(" + std::to_string(static_cast<int>(mode)) + ") " + text(old_path) + " to " + text(new_path) +
                  " by " + std::to_string(by),
              refusal(renamed), model_.rename(node(from), old_path.back(), node(to), new_path.back(), mode, by));
}

}  // namespace reprieve::test
