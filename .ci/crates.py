"""The crates of the default build, as Cargo resolves them: what the other tools here stand on.

Reads `cargo tree` and Cargo.lock, without the network.
"""

from __future__ import annotations

import subprocess
import tomllib
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TARGET = "x86_64-unknown-linux-gnu"
SPELLINGS = {"/": " OR "}  # of choices, before SPDX had a word for it


@dataclass(frozen=True, order=True)
class Crate:
    """One crate at one version."""

    name: str
    version: str
    licence: str
    repository: str
    checksum: str

    @property
    def url(self) -> str:
        """Its package URL."""
        return f"pkg:cargo/{self.name}@{self.version}"


def default_build() -> tuple[list[Crate], dict[str, set[str]]]:
    """Every crate that is linked into the program or builds it, and which of them each depends on (by package URL)."""
    command = ["cargo", "tree", "--locked", "--offline", "--edges", "normal,build", "--target", TARGET, "--prefix", "depth"]
    command += ["--no-dedupe", "--format", "|{p}|{l}|{r}"]
    lines = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.splitlines()
    checksums = locked_checksums()
    crates: dict[str, Crate] = {}
    edges: dict[str, set[str]] = {}
    above: list[str] = []
    for line in filter(None, lines):
        depth, package, licence, repository = line.split("|")[:4]
        name, version = package.split()[:2]
        version = version.removeprefix("v")
        crate = Crate(name, version, spdx(licence), repository, checksums.get((name, version), ""))
        crates[crate.url] = crate
        edges.setdefault(crate.url, set())
        del above[int(depth):]
        if above:
            edges[above[-1]].add(crate.url)
        above.append(crate.url)
    return sorted(crates.values()), edges


def locked_checksums() -> dict[tuple[str, str], str]:
    """SHA-256 of each crate's archive, as the lock file has it."""
    packages = tomllib.loads((ROOT / "Cargo.lock").read_text())["package"]
    return {(package["name"], package["version"]): package.get("checksum", "") for package in packages}


def spdx(licence: str) -> str:
    """The licence as SPDX writes it; older crates say `MIT/Apache-2.0`."""
    return " OR ".join(part.strip() for part in licence.replace(" (*)", "").split("/")).strip()


def rules() -> dict:
    """.deny.toml."""
    return tomllib.loads((ROOT / ".deny.toml").read_text())
