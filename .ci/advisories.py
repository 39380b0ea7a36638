"""Looks the locked crates up in a copy of the RustSec advisory database: `ADVISORY_DB=FOLDER make advisories`.

Exit status 1 with one line an advisory that is neither patched, unaffected nor waived in .deny.toml. Notices
(unmaintained, unsound) are told and do not fail.
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import tomllib
from crates import Crate, default_build, rules


def number(version: str) -> tuple:
    """Comparable: a pre-release comes before its release."""
    core, _, before = version.partition("+")[0].partition("-")
    numbers = [int(part) for part in core.split(".")] + [0, 0]
    parts = tuple((0, int(p), "") if p.isdigit() else (1, 0, p) for p in before.split(".")) if before else ((2, 0, ""),)
    return tuple(numbers[:3]), parts


def fits(version: str, requirement: str) -> bool:
    """Whether a version meets a requirement such as `>= 1.2.3, < 2` or `^0.4.5`."""
    return all(_fits_one(version, part.strip()) for part in requirement.split(",") if part.strip())


def _fits_one(version: str, requirement: str) -> bool:
    sign, wanted = re.fullmatch(r"(>=|<=|>|<|=|\^|~)?\s*(\S+)", requirement).groups()
    found, given = number(version), number(wanted)
    if sign in (">=", "<=", ">", "<", "="):
        return {">=": found >= given, "<=": found <= given, ">": found > given, "<": found < given, "=": found == given}[sign]
    first = [int(part) for part in wanted.partition("-")[0].split(".")]
    fixed = 2 if sign == "~" and len(first) > 1 else 1
    if sign != "~":  # a caret holds the first number that is not zero
        fixed = next((at + 1 for at, part in enumerate(first) if part), len(first))
    return found >= given and found[0][:fixed] == given[0][:fixed]


def advisories(database: Path, crate: Crate) -> list[dict]:
    """Those that reach this version."""
    reach = []
    for file in sorted((database / "crates" / crate.name).glob("RUSTSEC-*.md")):
        text = file.read_text()
        front = tomllib.loads(text.split("```toml", 1)[1].split("```", 1)[0])
        versions = front.get("versions", {})
        safe = versions.get("patched", []) + versions.get("unaffected", [])
        if front["advisory"].get("withdrawn") or any(fits(crate.version, one) for one in safe):
            continue
        title = re.search(r"^# (.+)$", text, re.MULTILINE)
        reach.append({**front["advisory"], "title": title.group(1) if title else ""})
    return reach


def main() -> None:
    database = Path(os.environ.get("ADVISORY_DB", ""))
    if not (database / "crates").is_dir():
        sys.exit("advisories: set ADVISORY_DB to a copy of the RustSec advisory database (the folder with crates/ in it)")
    waived = {entry["id"]: entry["reason"] for entry in rules()["advisories"]["ignore"]}
    crates, _ = default_build()
    open_ones = 0
    for crate in crates:
        for advisory in advisories(database, crate):
            kind = "waived" if advisory["id"] in waived else advisory.get("informational", "vulnerable")
            open_ones += kind == "vulnerable"
            print(f"{kind:12} {crate.name} {crate.version}  {advisory['id']}  {advisory['title']}")
    print(f"{len(crates)} crates of the default build: {open_ones} vulnerable")
    sys.exit(1 if open_ones else 0)


if __name__ == "__main__":
    main()
