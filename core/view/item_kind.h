// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

#include "core/base/entry_name.h"
#include "core/base/item_kind.h"
#include "core/base/result.h"

// What an item is and where it may live (semantics: "The tree"). Every rule about places is in placement().
namespace reprieve {

// "project", "folder"…: what users see. The folders samples/ and analyses/ are plain folders to them.
[[nodiscard]] std::string_view kind_name(ItemKind kind);
// The kind that users name so. Errors: invalid_argument, which lists the names.
Result<ItemKind> parse_kind(std::string_view name);

[[nodiscard]] constexpr bool is_skeleton(ItemKind kind) {
  return kind == ItemKind::root || kind == ItemKind::projects || kind == ItemKind::runs || kind == ItemKind::trash;
}

// The kind that an item of kind `kind` gets in a directory of kind `parent` under `name`: a folder becomes a project
// in projects/, a sample stays a sample in another samples/, and so on. New directories come as ItemKind::folder.
// Errors: skeleton, reserved_name, wrong_place, in_trash; the reason says which rule.
Result<ItemKind> placement(ItemKind kind, ItemKind parent, const EntryName& name);

}  // namespace reprieve
