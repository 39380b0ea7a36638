"""Holds the licences, bans and sources of the default build against .deny.toml, where cargo-deny is not there.

Exit status 1 with one line a crate that may not be in.
"""

from __future__ import annotations

import re
import sys

import tomllib
from crates import ROOT, Crate, default_build, rules

REGISTRY = "registry+"  # the default registry, whatever its address


def is_allowed(expression: str, allowed: set[str]) -> bool:
    """Whether an SPDX expression can be satisfied: any side of an OR, every side of an AND; OR binds least."""
    tokens = re.findall(r"\(|\)|[^\s()]+(?: WITH [^\s()]+)?", expression)

    def choice(at: int) -> tuple[bool, int]:
        fits, at = together(at)
        while at < len(tokens) and tokens[at] == "OR":
            other, at = together(at + 1)
            fits = fits or other
        return fits, at

    def together(at: int) -> tuple[bool, int]:
        fits, at = one(at)
        while at < len(tokens) and tokens[at] == "AND":
            other, at = one(at + 1)
            fits = fits and other
        return fits, at

    def one(at: int) -> tuple[bool, int]:
        if at < len(tokens) and tokens[at] == "(":
            fits, at = choice(at + 1)
            return fits, at + 1
        return at < len(tokens) and tokens[at] in allowed, at + 1

    return choice(0)[0]


def problems(crates: list[Crate]) -> list[str]:
    """One sentence a crate that may not be in."""
    deny = rules()
    allowed = set(deny["licenses"]["allow"])
    more = {entry["crate"]: set(entry["allow"]) for entry in deny["licenses"]["exceptions"]}
    banned = {entry["crate"]: entry["reason"] for entry in deny["bans"]["deny"]}
    sources = {(p["name"], p["version"]): p.get("source") for p in tomllib.loads((ROOT / "Cargo.lock").read_text())["package"]}
    found = []
    for crate in crates:
        if crate.name == "flyball":
            continue
        if not is_allowed(crate.licence, allowed | more.get(crate.name, set())):
            found.append(f"{crate.name} {crate.version}: licence {crate.licence or 'not stated'} is not allowed")
        if crate.name in banned:
            found.append(f"{crate.name} {crate.version}: banned, {banned[crate.name]}")
        if not (sources.get((crate.name, crate.version)) or "").startswith(REGISTRY):
            found.append(f"{crate.name} {crate.version}: does not come from the crate registry")
    return found


def main() -> None:
    crates, _ = default_build()
    found = problems(crates)
    for problem in found:
        print(problem)
    print(f"{len(crates)} crates of the default build: {len(found)} may not be in")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
