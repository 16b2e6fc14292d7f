#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""python_tests.py FOLDER TEST...: runs these tests of Python's own in FOLDER; prints each case and how it ended."""

import os
import pathlib
import subprocess
import sys
from xml.etree import ElementTree

# Loops for ever where the tests are of a later patch level than Python.
LEFT_OUT = ("test_malformed_paths",)


def outcome(case):
    for ending in ("error", "failure", "skipped"):
        if case.find(ending) is not None:
            return ending
    return case.get("result")


def main():
    folder = pathlib.Path(sys.argv[1])
    temporary = folder / "tmp"
    temporary.mkdir()
    results = folder / "results.xml"
    ignored = [word for name in LEFT_OUT for word in ("-i", name)]
    environment = os.environ | {"TMPDIR": str(temporary), "HOME": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
    with open(folder / "log", "wb") as log:
        subprocess.run([sys.executable, "-m", "test", "-v", "--junit-xml", results, *ignored, *sys.argv[2:]],
                       cwd=folder, env=environment, stdout=log, stderr=log, check=False)
    cases = ElementTree.parse(results).iter("testcase")
    print(*sorted(f"{case.get('name')} {outcome(case)}" for case in cases), sep="\n")


main()
