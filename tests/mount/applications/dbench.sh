#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# dbench.sh FOLDER SECONDS: the load of a file server's four clients in FOLDER.
set -eu
folder=$1
seconds=$2
cd "$folder"

load() { dbench --directory="$folder" --timelimit="$seconds" 4 > log 2>&1; }
# dbench takes the number 0, which a machine's first semaphore has, for a failure. The next one has another number.
load || { grep -q 'failed to create barrier semaphore' log && load; } || {
  cat log
  exit 1
}
# It goes on after some failures; each leaves a line.
if grep -iE 'failed|error|expected' log; then exit 1; fi
grep '^Throughput' log
rm log
