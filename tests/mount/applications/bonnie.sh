#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# bonnie.sh FOLDER FILES: bonnie++ makes, looks at and removes FILES times 1024 small files in two directories of FOLDER,
# in order and at random.
set -eu
cd "$1"
bonnie++ -d "$1" -u "$(id -un)" -q -s 0 -n "$2:4096:0:2" -z 1 > log 2>&1 || {
  cat log
  exit 1
}
if grep -iE "can't|error|bad|wrong|expected" log; then exit 1; fi
rm log
test -z "$(ls -A)"
