# SPDX-License-Identifier: Apache-2.0
"""A temporary directory, and everything that is started or mounted in it, which goes with it in any case."""

import contextlib
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

PATIENCE = 120  # seconds for a daemon to come up or to go


class BenchError(Exception):
    """What the caller can do something about; told without a stack."""


def _end(number, _frame):
    sys.exit(128 + number)


class Workspace:
    """Use as a context manager. Ctrl-C, SIGTERM and errors end daemons, unmount and delete as a normal end does."""

    def __init__(self, directory=None, keep=False):
        self._parent = directory
        self._keep = keep
        self._stack = contextlib.ExitStack()

    def __enter__(self):
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, _end)
        self.path = pathlib.Path(tempfile.mkdtemp(prefix="reprieve-bench-", dir=self._parent))
        self._stack.callback(self._delete)
        return self

    def __exit__(self, *_):
        # A second Ctrl-C must not stop the clearing up.
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        self._stack.close()
        return False

    def directory(self, name):
        path = self.path / name
        path.mkdir(parents=True, exist_ok=True)
        return path

    def serve(self, command, mountpoint):
        """Runs a file system daemon in the foreground until the end. Returns when `mountpoint` is mounted."""
        log = open(self.path / (pathlib.Path(command[0]).name + ".log"), "ab")
        self._stack.callback(log.close)
        # Its own session: Ctrl-C is for the script, which ends the daemon when nobody uses the mount any more.
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        self._stack.callback(self._stop, process, mountpoint)
        deadline = time.monotonic() + PATIENCE
        while not os.path.ismount(mountpoint):
            if process.poll() is not None or time.monotonic() > deadline:
                raise BenchError(f"{command[0]} did not mount:\n" + pathlib.Path(log.name).read_text(errors="replace"))
            time.sleep(0.02)
        return process

    def _delete(self):
        if self._keep:
            print(f"kept: {self.path}", file=sys.stderr)
        else:
            shutil.rmtree(self.path, ignore_errors=True)

    @staticmethod
    def _stop(process, mountpoint):
        process.terminate()
        try:
            process.wait(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if os.path.ismount(mountpoint) or not os.access(mountpoint, os.F_OK):
            subprocess.run(["umount", "--lazy", mountpoint], stderr=subprocess.DEVNULL, check=False)
