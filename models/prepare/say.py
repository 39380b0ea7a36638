"""How set-up speaks: one plain sentence when it cannot go on, one line or bar while it goes."""

from __future__ import annotations

import hashlib
import os
import sys
import time
from pathlib import Path

BAR = 24  # characters
QUIET = 1.0  # s between lines where no bar can be drawn
CHUNK = 1 << 20  # bytes hashed at a time


class Problem(Exception):
    """Why set-up stops, as one sentence that says what to try."""


class Progress:
    """Counts through the steps of one piece of work: a bar on a terminal, a line now and then elsewhere."""

    def __init__(self, title: str, steps: int) -> None:
        self.title, self.steps, self.done = title, steps, 0
        self.started = self.said = time.monotonic()
        self.live = sys.stderr.isatty() and "CI" not in os.environ

    def step(self, what: str) -> None:
        """Says what begins now."""
        self.done += 1
        if self.live:
            filled = BAR * self.done // max(self.steps, 1)
            bar = "█" * filled + "░" * (BAR - filled)
            print(f"\r\033[K{self.title} {bar} {self.done}/{self.steps} {what}", end="", file=sys.stderr, flush=True)
        elif self.done == 1 or time.monotonic() - self.said > QUIET:
            self.said = time.monotonic()
            note(f"{self.title} {self.done}/{self.steps}: {what}")

    def finish(self, summary: str) -> None:
        """Says how it ended and how long it took."""
        if self.live:
            print("\r\033[K", end="", file=sys.stderr)
        note(f"{self.title}: {summary} ({time.monotonic() - self.started:.1f} s)")


def note(line: str) -> None:
    """One line for people; standard output is left to whatever runs after set-up."""
    print(line, file=sys.stderr, flush=True)


def sha256(path: Path) -> str:
    """The file's SHA-256 in hexadecimal, or an empty text when there is no such file."""
    if not path.is_file():
        return ""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def megabytes(count: int) -> str:
    """A size for people."""
    return f"{count / 1e6:.1f} MB"
