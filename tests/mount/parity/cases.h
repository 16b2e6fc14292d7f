// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <ostream>
#include <string>
#include <vector>

#include "tests/mount/parity/transcript.h"

namespace reprieve::test {

// Calls whose answers must not depend on where they are made.
struct Case {
  std::string name;
  std::function<void(Transcript&)> calls;
  // Of groups that are played in one place: what the calls are made on. The clock ticks before them, once for all
  // cases.
  std::function<void(Transcript&)> prepare{};
};

// Where on the mount each case of a group is played: in a project, in a run and in a folder five levels down, or, where
// there are many, in one of them in turn.
enum class Places : std::uint8_t { all, one };

struct CaseGroup {
  std::string name;  // letters, digits and '_'
  std::vector<Case> cases;
  Places places = Places::all;
};

// How GoogleTest names a group.
// NOLINTNEXTLINE(readability-identifier-naming)
inline void PrintTo(const CaseGroup& group, std::ostream* out) { *out << group.name; }

// Each is one file of the table.
std::vector<CaseGroup> directory_cases();
std::vector<CaseGroup> open_cases();
std::vector<CaseGroup> removal_cases();
std::vector<CaseGroup> rename_cases();
std::vector<CaseGroup> link_cases();
std::vector<CaseGroup> attribute_cases();
std::vector<CaseGroup> xattr_cases();
std::vector<CaseGroup> data_cases();
std::vector<CaseGroup> mapping_cases();
std::vector<CaseGroup> lock_cases();
std::vector<CaseGroup> name_cases();
std::vector<CaseGroup> permission_cases();
std::vector<CaseGroup> time_cases();
std::vector<CaseGroup> acl_cases();
std::vector<CaseGroup> late_cases();
std::vector<CaseGroup> matrix_cases();
std::vector<CaseGroup> kind_cases();
std::vector<CaseGroup> flag_combination_cases();
std::vector<CaseGroup> fault_cases();

}  // namespace reprieve::test
