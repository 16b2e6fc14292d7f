// SPDX-License-Identifier: Apache-2.0
#include "daemon/ctl/screen.h"

#include <unistd.h>

#include <cstdlib>
#include <iostream>

#include "daemon/ctl/text.h"

namespace reprieve::ctl {
namespace {

bool wants_colours() {
  const char* off = std::getenv("NO_COLOR");
  const char* terminal = std::getenv("TERM");
  return (off == nullptr || *off == '\0') && terminal != nullptr && std::string_view(terminal) != "dumb";
}

}  // namespace

Screen Screen::standard() {
  const bool out_terminal = ::isatty(STDOUT_FILENO) == 1;
  const bool err_terminal = ::isatty(STDERR_FILENO) == 1;
  const bool colours = wants_colours();
  return {.out = std::cout,
          .err = std::cerr,
          .can_ask = ::isatty(STDIN_FILENO) == 1 && err_terminal,
          .can_animate = err_terminal,
          .colours_out = colours && out_terminal,
          .colours_err = colours && err_terminal};
}

void Screen::complain(std::string_view message) {
  out.flush();
  err << bold("reprievectl:", colours_err) << ' ' << printable(message) << '\n';
}

std::string bold(std::string_view text, bool colours) {
  return colours ? "\033[1m" + std::string(text) + "\033[0m" : std::string(text);
}

}  // namespace reprieve::ctl
