// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <iosfwd>
#include <vector>

#include <rapidcheck.h>

namespace reprieve::test {

enum class Action : std::uint8_t {
  create_file,
  churn,
  mkdir,
  symlink,
  fifo,
  link,
  remove,
  rename,
  move_to_trash,
  move_out_of_trash,
  remove_tree,
  chmod,
  write,
  truncate,
  set_xattr,
  remove_xattr,
  trash_path,
  restore,
  restore_session,
  plan,
  execute,
  purge,
  reopen,
};

// One operation. What it works on is chosen by the numbers among what there is at that moment, so that any step makes
// sense after any other and a failing sequence can be shortened anywhere.
struct Step {
  Action action = Action::create_file;
  std::uint16_t a = 0;
  std::uint16_t b = 0;
  std::uint16_t c = 0;
  std::uint16_t d = 0;
  std::uint16_t e = 0;
};

std::ostream& operator<<(std::ostream& out, const Step& step);

rc::Gen<Step> any_step();

}  // namespace reprieve::test
