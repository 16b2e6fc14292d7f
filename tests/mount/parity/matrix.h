// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "tests/mount/parity/cases.h"

// Cases by multiplication: every call on everything that a path can lead to, by everybody who can ask.
namespace reprieve::test {

// The owner of most of what the matrix makes, somebody else, and one who is in the owner's group and in another.
inline constexpr uid_t kOwner = 12345;
inline constexpr uid_t kStranger = 12346;
inline constexpr uid_t kMember = 12347;
inline constexpr gid_t kOtherGroup = 777;

// What a path leads to, and how it is made. Everything lies in the directory "d".
struct Object {
  std::string name;
  std::string path;
  std::function<void(Transcript&)> make;
  // The path is at fault, whoever asks.
  bool malformed = false;
};

// One call, or a few that belong together, on a path.
struct PathCall {
  std::string name;
  std::function<void(Transcript&, const std::string&)> call;
};

// One call on two paths.
struct PairCall {
  std::string name;
  std::function<void(Transcript&, const std::string&, const std::string&)> call;
};

// Files, directories, special files, links of every kind, what is not there, and paths that are malformed.
const std::vector<Object>& all_objects();
// Of these the ones that two-path calls are made on, each made under `path`.
std::vector<Object> pair_objects(const std::string& path);

// Every call on every object by root, by the owner, by a member of the owner's group and by a stranger; by the owner
// alone where the path is at fault. Afterwards object and directory are looked at, and which of their times changed.
CaseGroup matrix(const std::string& name, const std::vector<PathCall>& calls);
// Every call from each of the one to each of the other, by the owner. What is looked at includes both directories.
CaseGroup pair_matrix(const std::string& name, const std::vector<PairCall>& calls);

}  // namespace reprieve::test
