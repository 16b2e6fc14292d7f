// SPDX-License-Identifier: Apache-2.0
#include "core/view/item_kind.h"

namespace reprieve {
namespace {

Result<ItemKind> refuse(ItemKind kind, std::string_view place) {
  return fail(Errc::wrong_place, "a " + std::string(kind_name(kind)) + " does not belong " + std::string(place));
}

// In a folder of items: directories become items of the folder's kind.
Result<ItemKind> among(ItemKind kind, ItemKind kind_here, std::string_view place) {
  if (kind == ItemKind::folder || kind == kind_here) return kind_here;
  return refuse(kind, place);
}

Result<ItemKind> in_root(const EntryName& name) {
  const std::string& bytes = name.bytes();
  // Where the freedesktop.org trash specification and macOS put theirs.
  if (bytes == ".Trash" || bytes.starts_with(".Trash-") || bytes == ".Trashes") {
    return fail(Errc::reserved_name, "the trash of this file system is .trash; a second one is not made");
  }
  return fail(Errc::skeleton, "only projects, runs and .trash live at the top");
}

Result<ItemKind> in_project(ItemKind kind, const EntryName& name) {
  const auto container = [&name](ItemKind candidate) {
    return name.bytes() == (candidate == ItemKind::samples ? "samples" : "analyses");
  };
  if (kind == ItemKind::folder) {
    if (container(ItemKind::samples)) return ItemKind::samples;
    if (container(ItemKind::analyses)) return ItemKind::analyses;
    return kind;
  }
  if (kind == ItemKind::file) return kind;
  if ((kind == ItemKind::samples || kind == ItemKind::analyses) && container(kind)) return kind;
  return refuse(kind, "directly in a project");
}

}  // namespace

std::string_view kind_name(ItemKind kind) {
  switch (kind) {
    case ItemKind::file: return "file";
    case ItemKind::project: return "project";
    case ItemKind::run: return "run";
    case ItemKind::sample: return "sample";
    case ItemKind::analysis: return "analysis";
    case ItemKind::folder:
    case ItemKind::root:
    case ItemKind::projects:
    case ItemKind::runs:
    case ItemKind::trash:
    case ItemKind::samples:
    case ItemKind::analyses: return "folder";
  }
  return "folder";
}

Result<ItemKind> parse_kind(std::string_view name) {
  for (const ItemKind kind :
       {ItemKind::file, ItemKind::folder, ItemKind::project, ItemKind::run, ItemKind::sample, ItemKind::analysis}) {
    if (name == kind_name(kind)) return kind;
  }
  return fail(Errc::invalid_argument,
              "\"" + std::string(name) + "\" is no kind; there are file, folder, project, run, sample and analysis");
}

Result<ItemKind> placement(ItemKind kind, ItemKind parent, const EntryName& name) {
  if (is_skeleton(kind)) return fail(Errc::skeleton);
  switch (parent) {
    case ItemKind::root: return in_root(name);
    case ItemKind::trash: return fail(Errc::in_trash);
    case ItemKind::projects: return among(kind, ItemKind::project, "in projects/, which holds projects");
    case ItemKind::runs: return among(kind, ItemKind::run, "in runs/, which holds runs");
    case ItemKind::samples:
      return kind == ItemKind::file ? kind : among(kind, ItemKind::sample, "in samples/, which holds samples");
    case ItemKind::analyses:
      return kind == ItemKind::file ? kind : among(kind, ItemKind::analysis, "in analyses/, which holds analyses");
    case ItemKind::project: return in_project(kind, name);
    case ItemKind::folder:
    case ItemKind::run:
    case ItemKind::sample:
    case ItemKind::analysis:
      if (kind == ItemKind::file || kind == ItemKind::folder) return kind;
      return refuse(kind, "inside a run, sample, analysis or folder");
    case ItemKind::file: return fail(Errc::not_directory);
  }
  return fail(Errc::internal);
}

}  // namespace reprieve
