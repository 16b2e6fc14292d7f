// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <array>
#include <string>

#include "core/view/item_kind.h"

namespace reprieve {
namespace {

using enum ItemKind;

constexpr std::array kKinds{file, folder,   project, run,   sample,  analysis,
                            root, projects, runs,    trash, samples, analyses};
constexpr std::array kNames{"a",    "samples", "analyses",    ".trash",  "projects",
                            "runs", ".Trash",  ".Trash-1000", ".Trashes"};

// What semantics.md says under "The tree", written out: the kind that results, or the refusal.
struct Verdict {
  bool allowed = false;
  ItemKind kind = file;
  Errc code = Errc::internal;
};
Verdict yes(ItemKind kind) { return {.allowed = true, .kind = kind}; }
Verdict no(Errc code) { return {.code = code}; }

Verdict expected_among(ItemKind kind, ItemKind member, bool files_too) {
  if (kind == folder || kind == member) return yes(member);
  if (kind == file && files_too) return yes(file);
  return no(Errc::wrong_place);
}

Verdict expected_in_project(ItemKind kind, const std::string& name) {
  const bool is_samples = name == "samples";
  const bool is_analyses = name == "analyses";
  switch (kind) {
    case file: return yes(file);
    case folder: return yes(is_samples ? samples : is_analyses ? analyses : folder);
    case samples: return is_samples ? yes(samples) : no(Errc::wrong_place);
    case analyses: return is_analyses ? yes(analyses) : no(Errc::wrong_place);
    default: return no(Errc::wrong_place);
  }
}

Verdict expected(ItemKind kind, ItemKind parent, const std::string& name) {
  if (kind == root || kind == projects || kind == runs || kind == trash) return no(Errc::skeleton);
  switch (parent) {
    case root: return no(name.starts_with(".Trash") ? Errc::reserved_name : Errc::skeleton);
    case trash: return no(Errc::in_trash);
    case projects: return expected_among(kind, project, false);
    case runs: return expected_among(kind, run, false);
    case samples: return expected_among(kind, sample, true);
    case analyses: return expected_among(kind, analysis, true);
    case project: return expected_in_project(kind, name);
    case folder:
    case run:
    case sample:
    case analysis: return kind == file || kind == folder ? yes(kind) : no(Errc::wrong_place);
    case file: return no(Errc::not_directory);
  }
  return {};
}

TEST(Placement, EveryKindInEveryParentUnderEveryName) {
  for (const ItemKind kind : kKinds) {
    for (const ItemKind parent : kKinds) {
      for (const char* name : kNames) {
        const Verdict verdict = expected(kind, parent, name);
        const auto placed = placement(kind, parent, EntryName::literal(name));
        const std::string where =
            std::to_string(static_cast<int>(kind)) + " in " + std::to_string(static_cast<int>(parent)) + " as " + name;
        ASSERT_EQ(placed.has_value(), verdict.allowed) << where;
        if (placed) {
          EXPECT_EQ(*placed, verdict.kind) << where;
        } else {
          EXPECT_EQ(placed.error().code, verdict.code) << where;
        }
      }
    }
  }
}

TEST(Placement, OnlyTheNamesOfDesktopTrashesAreReserved) {
  for (const char* name : {".Trash", ".Trash-0", ".Trash-", ".Trashes"})
    EXPECT_EQ(placement(folder, root, EntryName::literal(name)).error().code, Errc::reserved_name) << name;
  for (const char* name : {".Trash2", ".trash", "Trash", ".Trashed"})
    EXPECT_EQ(placement(folder, root, EntryName::literal(name)).error().code, Errc::skeleton) << name;
}

TEST(ItemKind, NamesAreReadBack) {
  for (const ItemKind kind : {file, folder, project, run, sample, analysis}) {
    const auto parsed = parse_kind(kind_name(kind));
    ASSERT_TRUE(parsed);
    EXPECT_EQ(*parsed, kind);
  }
  EXPECT_EQ(kind_name(samples), "folder");
  EXPECT_EQ(kind_name(trash), "folder");
  for (const char* name : {"", "Folder", "samples", "folder "}) {
    const auto parsed = parse_kind(name);
    ASSERT_FALSE(parsed) << name;
    EXPECT_EQ(parsed.error().code, Errc::invalid_argument);
    EXPECT_NE(parsed.error().reason.find("analysis"), std::string::npos);
  }
}

}  // namespace
}  // namespace reprieve
