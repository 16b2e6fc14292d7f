// SPDX-License-Identifier: Apache-2.0
#pragma once

// The one place that says which libfuse API this code is written for. C++ needs the C headers in this order: the
// kernel's structures first, libfuse's after.
#include <linux/fuse.h>

#define FUSE_USE_VERSION 312
#include <fuse3/fuse_lowlevel.h>
