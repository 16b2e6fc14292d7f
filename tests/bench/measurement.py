# SPDX-License-Identifier: Apache-2.0
"""Samples from interleaved rounds, their medians, and tables of them."""

import collections
import os
import pathlib
import statistics
import sys
import time

from workspace import BenchError


class Samples:
    """(row, contender) -> measured values, rows in the order in which they first came."""

    def __init__(self):
        self._values = collections.defaultdict(lambda: collections.defaultdict(list))

    def add(self, row, contender, value):
        self._values[row][contender].append(value)

    def rows(self):
        return list(self._values)

    def has(self, row, contender):
        return contender in self._values[row]

    def median(self, row, contender):
        return statistics.median(self._values[row][contender])

    def ratio(self, row, contender, other):
        """The median over the rounds of the ratio within a round, which what else the machine does disturbs least."""
        return statistics.median(a / b for a, b in zip(self._values[row][contender], self._values[row][other]))


def turns(contenders, round_number):
    """The contenders in an order in which each comes first equally often."""
    shift = round_number % len(contenders)
    return contenders[shift:] + contenders[:shift]


def seconds_of(work):
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def drop_inode_caches():
    """Makes the kernel forget names and inodes (https://docs.kernel.org/admin-guide/sysctl/vm.html, drop_caches)."""
    pathlib.Path("/proc/sys/vm/drop_caches").write_text("2")


def table(head, lines):
    """A Markdown table; the first column is text, the others are numbers."""
    print("| " + " | ".join(head) + " |")
    print("|---|" + "---:|" * (len(head) - 1))
    for line in lines:
        print("| " + " | ".join(line) + " |")
    print(flush=True)


def progress(text):
    print(text, file=sys.stderr, flush=True)


def machine_notes():
    model = next((line.split(":", 1)[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "?")
    load = os.getloadavg()
    print(f"{time.strftime('%Y-%m-%d %H:%M')}, Linux {os.uname().release}, {os.cpu_count()} processors ({model}), "
          f"load {load[0]:.1f} {load[1]:.1f} {load[2]:.1f}\n")


def main(body):
    """Runs a script's body and turns what it can complain about into exit code 1."""
    try:
        body()
    except BenchError as failure:
        sys.exit(str(failure))
    except KeyboardInterrupt:
        sys.exit(130)
