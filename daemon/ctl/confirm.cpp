// SPDX-License-Identifier: Apache-2.0
#include "daemon/ctl/confirm.h"

#include <iostream>

namespace reprieve::ctl {

bool confirm(Screen& screen, const std::string& question) {
  screen.out.flush();
  screen.err << question << " [y/N] " << std::flush;
  std::string answer;
  if (!std::getline(std::cin, answer)) {
    screen.err << '\n';
    return false;
  }
  return answer == "y" || answer == "Y" || answer == "yes" || answer == "Yes" || answer == "YES";
}

}  // namespace reprieve::ctl
