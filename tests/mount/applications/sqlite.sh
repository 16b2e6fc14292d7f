#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# sqlite.sh FOLDER: a database with a write-ahead log, which needs shared memory mappings and record locks; then two
# writers and a reader at once.
set -eu
cd "$1"
test "$(sqlite3 t.db 'PRAGMA journal_mode=WAL;')" = wal
sqlite3 t.db 'CREATE TABLE t(a INTEGER PRIMARY KEY, b BLOB);'
sqlite3 t.db 'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<3000)
              INSERT INTO t SELECT i, randomblob(300) FROM n;'
sqlite3 t.db 'DELETE FROM t WHERE a % 3 = 0; PRAGMA wal_checkpoint(TRUNCATE); VACUUM;' > /dev/null
test "$(sqlite3 t.db 'PRAGMA integrity_check; SELECT count(*) FROM t;' | tr '\n' ' ')" = "ok 2000 "

for writer in 1 2; do
  for row in $(seq 25); do
    sqlite3 -cmd '.timeout 20000' t.db "INSERT INTO t(b) VALUES('writer $writer row $row')"
  done &
done
for look in $(seq 10); do
  sqlite3 -cmd '.timeout 20000' t.db "SELECT $look, count(*) FROM t" > /dev/null
done
wait
test "$(sqlite3 t.db 'PRAGMA integrity_check; SELECT count(*) FROM t;' | tr '\n' ' ')" = "ok 2050 "
