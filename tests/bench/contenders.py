# SPDX-License-Identifier: Apache-2.0
"""What is measured: directories of one disk, plain and through each file system."""

import pathlib
import shutil
import subprocess

from workspace import BenchError

ROOT = pathlib.Path(__file__).resolve().parents[2]


def program(name):
    """A program of this project: the newest build."""
    builds = sorted(ROOT.glob(f"build/*/bin/{name}"), key=lambda path: path.stat().st_mtime)
    if builds:
        return str(builds[-1])
    found = shutil.which(name)
    if not found:
        raise BenchError(f"{name} is neither built below {ROOT / 'build'} nor installed")
    return found


class Contender:
    """A directory to work in. `top` is where new directories may be made."""

    def __init__(self, name, top, process=None):
        self.name = name
        self.top = pathlib.Path(top)
        self.process = process

    def fresh(self, name):
        """A directory that nobody has used."""
        path = self.top / name
        path.mkdir()
        return path


class Reprieve(Contender):
    def __init__(self, name, workspace, options):
        self.mountpoint = workspace.directory(f"{name}-mount")
        self.store = workspace.directory(f"{name}-store")
        self.socket = workspace.path / f"{name}.sock"
        command = [options.reprieved or program("reprieved"), "--store", str(self.store), "--mount",
                   f"bench={self.mountpoint}", "--socket", str(self.socket)]
        if options.passthrough != "auto":
            config = workspace.path / f"{name}.toml"
            config.write_text(f'[fuse]\npassthrough = "{options.passthrough}"\n')
            command += ["--config", str(config)]
        process = workspace.serve(command, self.mountpoint)
        super().__init__(name, self.mountpoint / "runs", process)
        self._ctl = options.reprievectl or program("reprievectl")

    def ctl(self, *arguments):
        """The arguments of a reprievectl command."""
        return [self._ctl, "--socket", str(self.socket), *arguments]

    def blob(self, path):
        """The file that holds the bytes of a regular file."""
        number = path.stat().st_ino
        return self.store / "blobs" / f"{number >> 20:x}" / f"{number >> 10 & 0x3ff:03x}" / f"{number:016x}"


def backing(workspace):
    return Contender("backing", workspace.directory("backing"))


def bindfs(workspace, options):
    source, mountpoint = workspace.directory("bindfs-source"), workspace.directory("bindfs-mount")
    extra = ["-o", options.bindfs_options] if options.bindfs_options else []
    process = workspace.serve(["bindfs", "-f", *extra, str(source), str(mountpoint)], mountpoint)
    return Contender("bindfs", mountpoint, process)


def mergerfs(workspace, options):
    source, mountpoint = workspace.directory("mergerfs-source"), workspace.directory("mergerfs-mount")
    extra = ["-o", options.mergerfs_options] if options.mergerfs_options else []
    process = workspace.serve(["mergerfs", "-f", *extra, str(source), str(mountpoint)], mountpoint)
    return Contender("mergerfs", mountpoint, process)


def add_program_options(parser):
    parser.add_argument("--reprieved", metavar="PROGRAM", help="the daemon (default: the newest build)")
    parser.add_argument("--reprievectl", metavar="PROGRAM", help="its command (default: the newest build)")
    parser.add_argument("--passthrough", choices=("auto", "off", "require"), default="auto")
    parser.add_argument("--directory", metavar="DIR", help="on the disk to measure on (default: $TMPDIR)")
    parser.add_argument("--keep", action="store_true", help="leave the files where they are")


def require(*programs):
    missing = [name for name in programs if not shutil.which(name)]
    if missing:
        raise BenchError("missing: " + ", ".join(missing))


def run(command, **more):
    """Runs a command that must succeed."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **more)
    if done.returncode != 0:
        raise BenchError(f"{' '.join(map(str, command))}: exit {done.returncode}\n{done.stderr.decode(errors='replace')}")
    return done.stdout
