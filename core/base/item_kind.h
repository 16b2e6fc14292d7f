// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace reprieve {

// What an inode is to users. core/view/item_kind.h has the rules of where each kind may live. The numbers are stored in
// the database and never change their meaning.
enum class ItemKind : std::uint8_t {
  file = 0,  // anything that is not a directory
  folder = 1,
  project = 2,
  run = 3,
  sample = 4,
  analysis = 5,
  // The fixed folders of an account.
  root = 10,
  projects = 11,
  runs = 12,
  trash = 13,
  // PROJECT/samples and PROJECT/analyses, whose directories are samples and analyses.
  samples = 14,
  analyses = 15,
};

}  // namespace reprieve
