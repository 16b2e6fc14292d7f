#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""sqlite_killed.py FOLDER ROUNDS: writers of a database in FOLDER are killed in the middle, with every kind of journal.

What a writer was told is committed is there afterwards, and the database is whole."""

import os
import pathlib
import random
import signal
import sqlite3
import subprocess
import sys

JOURNALS = ("WAL", "DELETE", "TRUNCATE", "PERSIST")


def connect(path, journal):
    database = sqlite3.connect(path, timeout=20, isolation_level=None)
    database.execute(f"PRAGMA journal_mode={journal}")
    database.execute("PRAGMA synchronous=NORMAL")
    database.execute("PRAGMA cache_size=20")  # pages go to the file before the commit
    return database


def write_for_ever(path, journal):
    database = connect(path, journal)
    database.execute("CREATE TABLE IF NOT EXISTS t(number INTEGER, part INTEGER, content BLOB)")
    number = database.execute("SELECT coalesce(max(number), 0) FROM t").fetchone()[0]
    while True:
        number += 1
        database.execute("BEGIN IMMEDIATE")
        for part in range(30):
            database.execute("INSERT INTO t VALUES(?, ?, randomblob(1500))", (number, part))
        database.execute("DELETE FROM t WHERE number = ? AND part < 29", (number - 5,))
        database.execute("COMMIT")
        print(number, flush=True)


def kill_one(path, journal):
    with subprocess.Popen([sys.executable, __file__, "--write", path, journal], stdout=subprocess.PIPE) as writer:
        told = 0
        for _ in range(random.randint(3, 25)):
            told = int(writer.stdout.readline())
        writer.send_signal(signal.SIGKILL)
        told = max([told, *map(int, writer.stdout.read().split())])
    return told


def check(path, journal, told):
    database = connect(path, journal)
    answer = database.execute("PRAGMA integrity_check").fetchall()
    assert answer == [("ok",)], answer
    last = database.execute("SELECT max(number) FROM t").fetchone()[0]
    assert last in (told, told + 1), (journal, last, told)
    whole = database.execute("SELECT count(*) FROM t WHERE number = ?", (last,)).fetchone()[0]
    assert whole == 30, (journal, whole)
    database.close()


def main():
    if sys.argv[1] == "--write":
        write_for_ever(*sys.argv[2:])
    folder = pathlib.Path(sys.argv[1])
    for journal in JOURNALS:
        path = str(folder / f"{journal}.db")
        for _ in range(int(sys.argv[2])):
            check(path, journal, kill_one(path, journal))
        left = [name for name in os.listdir(folder) if name.startswith(".fuse_hidden")]
        assert not left, left


main()
