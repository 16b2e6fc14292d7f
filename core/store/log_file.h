// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace reprieve {

// An SQLite VFS (https://www.sqlite.org/vfs.html) that is the system's own, but for the write-ahead log. SQLite writes
// two pieces for every page of a commit, a header and the page, and each call costs more than what it moves; here they
// are put together and go to the log in one call, which is made before SQLite takes the commit for done. A crash of the
// process in between loses what was never acknowledged, as before.
//
// Returns the VFS's name, for the connections that want it. Callable from any thread.
const char* gathering_vfs();

}  // namespace reprieve
