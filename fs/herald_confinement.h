// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace reprieve::fs {

// Leaves this process no capability, and no system call but those of a herald at work: take an order, write it to a
// device, confirm it, end. Others fail with EPERM. Allocates nothing and takes no lock, for a child that was forked
// from a process with threads. Where the kernel or the architecture has no filters, the rest holds.
void confine_herald();

}  // namespace reprieve::fs
