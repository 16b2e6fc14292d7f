#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# postgres.sh FOLDER SECONDS: a PostgreSQL cluster in FOLDER, which the user who runs this owns: pgbench, an immediate
# stop in the middle of it, recovery, and a check of every table and index.
set -eu
folder=$1
seconds=$2
PATH=$(find /usr/lib/postgresql -maxdepth 2 -name bin | sort -V | tail -1):$PATH
export PATH PGHOST="$folder" PGPORT=5432 PGDATABASE=postgres PGDATA="$folder/data" LC_ALL=C
cd "$folder"

complain() {
  echo "$1"
  cat log
  exit 1
}
start() { pg_ctl start -w -t 60 -l log > /dev/null || complain 'does not start'; }
trap 'pg_ctl stop -m immediate > /dev/null 2>&1 || true' EXIT

initdb -E UTF8 --data-checksums > log 2>&1 || complain 'initdb'
cat >> data/postgresql.conf <<'SETTINGS'
listen_addresses = ''
unix_socket_directories = '.'
shared_buffers = 16MB
max_wal_size = 64MB
min_wal_size = 32MB
SETTINGS
sed -i "s|^unix_socket_directories.*|unix_socket_directories = '$folder'|" data/postgresql.conf
start
pgbench -i -q -s 2 > log.pgbench 2>&1 || complain pgbench
pgbench -n -c 4 -T "$seconds" > log.pgbench 2>&1 || complain pgbench

pgbench -n -c 4 -T 600 > /dev/null 2>&1 &
bench=$!
until test "$(psql -Atc 'SELECT count(*) > 100 FROM pgbench_history')" = t; do :; done
pg_ctl stop -m immediate > /dev/null
wait $bench || true
start
psql -qc 'CREATE EXTENSION amcheck'
pg_amcheck --heapallindexed --parent-check || complain pg_amcheck
# What a transaction changes in three tables is in all of them or in none.
test "$(psql -Atc 'SELECT (SELECT sum(abalance) FROM pgbench_accounts) = (SELECT sum(bbalance) FROM pgbench_branches)
                      AND (SELECT sum(tbalance) FROM pgbench_tellers) = (SELECT sum(delta) FROM pgbench_history)')" = t
psql -qc 'CREATE DATABASE copied TEMPLATE postgres' -c 'VACUUM FULL' -c 'DROP DATABASE copied'
pg_ctl stop -w -m fast > /dev/null
pg_checksums --check > /dev/null
