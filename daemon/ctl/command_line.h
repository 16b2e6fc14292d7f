// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/ctl/screen.h"
#include "daemon/exit_codes.h"

namespace reprieve::ctl {

// The program: reads the command line and carries it out.
ExitCode run(int argc, const char* const* argv, Screen& screen);

}  // namespace reprieve::ctl
