// SPDX-License-Identifier: Apache-2.0
#include <clocale>
#include <exception>

#include "daemon/ctl/command_line.h"

int main(int argc, char** argv) {
  // Names are UTF-8 whatever the user's locale: wcwidth(3) has to know their characters.
  std::setlocale(LC_CTYPE, "C.UTF-8");
  auto screen = reprieve::ctl::Screen::standard();
  try {
    return reprieve::to_status(reprieve::ctl::run(argc, argv, screen));
  } catch (const std::exception& exception) {
    screen.complain(exception.what());
    return reprieve::to_status(reprieve::ExitCode::refused_or_failed);
  }
}
