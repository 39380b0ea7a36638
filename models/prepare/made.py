"""Remembers what each made file was made from, so that only a changed recipe or a missing file costs time again.

A made file need not have its recorded hash: another ffmpeg or another processor may give other bytes for the same
recipe. That is said once, when it is made, and tests allow for it.
"""

from __future__ import annotations

import json
from pathlib import Path

from .say import note, sha256


class Made:
    """The memory of one folder, kept in its `.made.json`."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.memory = folder, folder / ".made.json"
        self.known = json.loads(self.memory.read_text()) if self.memory.exists() else {}

    def is_current(self, file: str, recipe: list) -> bool:
        """Whether `file` is there as it was made, from this very recipe."""
        return self.known.get(file) == {"recipe": recipe, "sha256": sha256(self.folder / file)}

    def remember(self, file: str, recipe: list, recorded: str) -> None:
        """After making `file`; says so when it is not what was recorded."""
        actual = sha256(self.folder / file)
        self.known[file] = {"recipe": recipe, "sha256": actual}
        self.memory.write_text(json.dumps(self.known, indent=1))
        if actual != recorded:
            note(f"{self.folder / file}: not byte for byte the recorded one (another ffmpeg or processor); the tests allow for that")
