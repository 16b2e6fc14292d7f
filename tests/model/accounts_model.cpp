// SPDX-License-Identifier: Apache-2.0
#include "tests/model/accounts_model.h"

#include <algorithm>

namespace reprieve::test {

AccountsModel::Project* AccountsModel::seen_by(Who who, const std::string& name) {
  for (Project& project : projects_) {
    if (who == Who::lab ? !project.in_trash && project.name == name : bob_sees(project) && project.bobs_name == name)
      return &project;
  }
  return nullptr;
}

AccountsModel::Refused AccountsModel::make_project(const std::string& name) {
  if (seen_by(Who::lab, name) != nullptr) return Errc::exists;
  Project made;
  made.number = ++last_;
  made.name = name;
  projects_.push_back(std::move(made));
  return {};
}

AccountsModel::Refused AccountsModel::make(Who who, const std::string& in, const std::string& name, bool is_sample) {
  Project* project = seen_by(who, in);
  if (project == nullptr) return Errc::not_found;
  if (who == Who::bob && project->role == Role::viewer) return Errc::viewer_only;
  if (project->live.contains(name)) return Errc::exists;
  ++last_;
  project->live[name] = {.number = last_, .place = last_, .is_sample = is_sample, .creator = who};
  return {};
}

AccountsModel::Refused AccountsModel::remove(Who who, const std::string& in, const std::string& name) {
  Project* project = seen_by(who, in);
  if (project == nullptr) return Errc::not_found;
  const auto found = project->live.find(name);
  if (found == project->live.end()) return Errc::not_found;
  const Thing thing = found->second;
  if (who == Who::bob) {
    if (project->hidden.contains(thing.place)) return Errc::not_found;
    if (project->role == Role::viewer || thing.creator != Who::bob) {
      project->hidden.insert(thing.place);
      return {};
    }
  }
  project->live.erase(found);
  items_.push_back({.number = ++last_, .whose = who, .project = project->number, .name = name, .thing = thing});
  return {};
}

AccountsModel::Refused AccountsModel::trash_project(const std::string& name) {
  Project* project = seen_by(Who::lab, name);
  if (project == nullptr) return Errc::not_found;
  project->in_trash = true;
  items_.push_back({.number = ++last_, .whose = Who::lab, .project = project->number, .name = {}, .thing = {}});
  return {};
}

AccountsModel::Refused AccountsModel::leave(const std::string& bobs_name) {
  Project* project = seen_by(Who::bob, bobs_name);
  if (project == nullptr) return Errc::not_found;
  project->left = true;
  project->hidden.clear();
  return {};
}

void AccountsModel::give_to_bob(Project& project) {
  const std::string wanted = project.bobs_name;
  const auto is_taken = [&](const std::string& name) {
    return std::ranges::any_of(projects_, [&](const Project& other) {
      return &other != &project && bob_sees(other) && other.bobs_name == name;
    });
  };
  for (int number = 2; is_taken(project.bobs_name); ++number) project.bobs_name = wanted + "~" + std::to_string(number);
}

AccountsModel::Refused AccountsModel::share(const std::string& name, Role role) {
  Project* project = seen_by(Who::lab, name);
  if (project == nullptr) return Errc::not_found;
  const bool has_it = bob_sees(*project);
  if (!project->role) project->bobs_name = project->name;
  project->role = role;
  project->left = false;
  if (!has_it) give_to_bob(*project);
  return {};
}

AccountsModel::Refused AccountsModel::unshare(const std::string& name) {
  Project* project = seen_by(Who::lab, name);
  if (project == nullptr || !project->role) return Errc::not_found;
  project->role.reset();
  project->left = false;
  project->hidden.clear();
  return {};
}

AccountsModel::Refused AccountsModel::add_to(const std::string& target, const std::string& in,
                                             const std::string& sample) {
  Project* project = seen_by(Who::lab, in);
  Project* other = seen_by(Who::lab, target);
  if (project == nullptr || !project->live.contains(sample)) return Errc::not_found;
  if (other == nullptr) return Errc::not_found;
  const Thing thing = project->live.at(sample);
  if (!thing.is_sample) return Errc::wrong_place;
  if (other->live.contains(sample)) return Errc::exists;
  for (const auto& [name, there] : other->live) {
    if (there.number == thing.number) return Errc::exists;
  }
  other->live[sample] = thing;
  other->live[sample].place = ++last_;
  return {};
}

AccountsModel::Refused AccountsModel::restore(std::size_t index) {
  const Item item = items_.at(index);
  Project& project = *std::ranges::find_if(projects_, [&](const Project& each) { return each.number == item.project; });
  if (!item.thing) {
    if (seen_by(Who::lab, project.name) != nullptr) return Errc::exists;
    project.in_trash = false;
    if (project.role && !project.left) give_to_bob(project);
  } else {
    if (item.whose == Who::bob && !bob_sees(project)) return Errc::parent_purged;
    if (project.in_trash) return Errc::parent_in_trash;
    if (item.whose == Who::bob && project.role == Role::viewer) return Errc::viewer_only;
    if (project.live.contains(item.name)) return Errc::exists;
    project.live[item.name] = *item.thing;
  }
  items_.erase(items_.begin() + static_cast<std::ptrdiff_t>(index));
  return {};
}

std::map<std::string, std::map<std::string, AccountsModel::Thing>> AccountsModel::view(Who who) const {
  std::map<std::string, std::map<std::string, Thing>> seen;
  for (const Project& project : projects_) {
    if (who == Who::lab ? project.in_trash : !bob_sees(project)) continue;
    auto& things = seen[who == Who::lab ? project.name : project.bobs_name];
    for (const auto& [name, thing] : project.live) {
      if (who == Who::lab || !project.hidden.contains(thing.place)) things[name] = thing;
    }
  }
  return seen;
}

}  // namespace reprieve::test
