// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <iosfwd>
#include <string>
#include <string_view>

namespace reprieve::ctl {

// Where a command writes, and what may be done there. Answers go to `out`, everything that is said about the work to
// `err`.
struct Screen {
  std::ostream& out;
  std::ostream& err;
  bool can_ask = false;      // a person is at both ends: questions make sense
  bool can_animate = false;  // `err` is a terminal: progress bars make sense
  bool colours_out = false;
  bool colours_err = false;

  // Standard output and error of this process; NO_COLOR (no-color.org) and TERM=dumb turn colours off.
  static Screen standard();

  // "reprievectl: MESSAGE", made printable.
  void complain(std::string_view message);
};

[[nodiscard]] std::string bold(std::string_view text, bool colours);

}  // namespace reprieve::ctl
