// SPDX-License-Identifier: Apache-2.0
#pragma once

struct sqlite3_file;

namespace reprieve {

class Reserve;

// An SQLite VFS (https://www.sqlite.org/vfs.html) that is the system's own, but for the write-ahead log. SQLite writes
// two pieces for every page of a commit, a header and the page, and each call costs more than what it moves; here they
// are put together and go to the log in one call, which is made before SQLite takes the commit for done. A crash of the
// process in between loses what was never acknowledged, as before. The database keeps the blocks beyond its end.
//
// Returns the VFS's name, for the connections that want it. Callable from any thread.
const char* gathering_vfs();

// Tells `reserve` from now on of every commit to `log`, an open log of this VFS, before it is written. It must outlive
// the log.
void tell_of_commits(sqlite3_file* log, Reserve& reserve);

}  // namespace reprieve
