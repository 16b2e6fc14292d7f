// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/base/error.h"
#include "core/base/role.h"
#include "core/base/trash_mode.h"

namespace reprieve::test {

enum class Who : std::uint8_t { lab, bob };

// What two accounts see, in the plainest form: projects of "lab" with files and samples directly in them, which it
// shares with "bob" or not. Refusals are the codes that core has to give; none: it is done.
class AccountsModel {
 public:
  using Refused = std::optional<Errc>;

  struct Thing {  // a file or a sample
    int number = 0;
    int place = 0;  // of its names the one in this project
    bool is_sample = false;
    Who creator = Who::lab;
  };
  struct Project {
    int number = 0;
    std::string name;
    bool in_trash = false;
    std::map<std::string, Thing> live;
    // Of the share.
    std::optional<Role> role;
    bool left = false;
    std::string bobs_name;
    std::set<int> hidden;  // places
  };
  // What one account has in its trash: a project, or a thing with the project that it came from.
  struct Item {
    int number = 0;
    Who whose = Who::lab;
    int project = 0;
    std::string name;            // of the thing; empty: the project itself
    std::optional<Thing> thing;  // none: the project itself
  };

  Refused make_project(const std::string& name);
  Refused make(Who who, const std::string& project, const std::string& name, bool is_sample);
  Refused remove(Who who, const std::string& project, const std::string& name);
  Refused trash_project(const std::string& project);
  Refused leave(const std::string& bobs_name);
  Refused share(const std::string& project, Role role);
  Refused unshare(const std::string& project);
  Refused add_to(const std::string& target, const std::string& project, const std::string& sample);
  // `index` counts the items.
  Refused restore(std::size_t index);

  // The project's name as that account sees it, with the names in it.
  [[nodiscard]] std::map<std::string, std::map<std::string, Thing>> view(Who who) const;
  [[nodiscard]] const std::vector<Item>& items() const { return items_; }
  // Of what was made last.
  [[nodiscard]] int last_number() const { return last_; }

 private:
  Project* seen_by(Who who, const std::string& name);
  [[nodiscard]] bool bob_sees(const Project& project) const {
    return project.role && !project.left && !project.in_trash;
  }
  void give_to_bob(Project& project);

  std::vector<Project> projects_;
  std::vector<Item> items_;
  int last_ = 0;
};

}  // namespace reprieve::test
