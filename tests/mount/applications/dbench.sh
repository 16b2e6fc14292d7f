#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# dbench.sh FOLDER SECONDS: the load of a file server's four clients in FOLDER.
set -eu
folder=$1
seconds=$2
cd "$folder"

load() { dbench --directory="$folder" --timelimit="$seconds" 4 > log 2>&1; }
# dbench takes the number 0, which a machine's first semaphore has, for a failure, says so and goes on; and at times
# there is none to be had, because other programs have them.
attempts=0
until load && ! grep -q 'failed to create barrier semaphore' log; do
  attempts=$((attempts + 1))
  if [ "$attempts" = 20 ] || ! grep -q 'failed to create barrier semaphore' log; then
    cat log
    exit 1
  fi
  sleep 0.5
done
# It goes on after some failures; each leaves a line.
if grep -iE 'failed|error|expected' log; then exit 1; fi
grep '^Throughput' log
rm log
