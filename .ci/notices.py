"""`make notices`: the licence texts of everything in the default build, to hand on with the program.

Takes the texts out of the crates' own sources, as Cargo keeps them; identical texts are printed once. Models and libraries that
are fetched are named with their terms.
"""

from __future__ import annotations

import json
import subprocess
from collections import defaultdict
from pathlib import Path

import tomllib
from crates import ROOT, Crate, default_build

NAMES = ("licen[cs]e*", "LICEN[CS]E*", "COPYING*", "NOTICE*", "UNLICENSE*", "Licen[cs]e*")
OUTPUT = ROOT / "target/reports/THIRD-PARTY-NOTICES.txt"
BESIDE = """Used at run time, not part of this program:
  ONNX Runtime (MIT), loaded from vendor/onnxruntime
  GStreamer and GLib (LGPL-2.1-or-later), linked dynamically; its plugins have terms of their own:
  under gstreamer1.0-libav lies the system's FFmpeg, which Debian builds under GPL-2.0-or-later
"""


def sources() -> dict[tuple[str, str], Path]:
    """Where each crate's source lies."""
    command = ["cargo", "metadata", "--locked", "--offline", "--format-version", "1"]
    packages = json.loads(subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout)["packages"]
    return {(package["name"], package["version"]): Path(package["manifest_path"]).parent for package in packages}


def texts(folder: Path) -> list[str]:
    """The licence files at the top of a crate."""
    files = {file for name in NAMES for file in folder.glob(name) if file.is_file()}
    return [file.read_text(errors="replace").strip() for file in sorted(files)]


def models() -> list[str]:
    lines = []
    for manifest in sorted((ROOT / "models").glob("*/model.toml")):
        model = tomllib.loads(manifest.read_text())
        terms = model.get("licence", {})
        lines.append(f"  {model['name']}: weights {terms.get('weights', 'not stated')}, package {terms.get('code', 'not stated')}")
    return lines


def main() -> None:
    crates = [crate for crate in default_build()[0] if crate.name != "flyball"]
    where = sources()
    by_text: dict[str, list[Crate]] = defaultdict(list)
    silent = []
    for crate in crates:
        found = texts(where[crate.name, crate.version])
        for text in found:
            by_text[text].append(crate)
        if not found:
            silent.append(crate)
    OUTPUT.parent.mkdir(parents=True, exist_ok=True)
    with OUTPUT.open("w") as out:
        out.write("Flyball contains the following works.\n\n")
        out.writelines(f"{crate.name} {crate.version}: {crate.licence}\n" for crate in crates)
        out.write("\n" + BESIDE + "\nModels, where they are fetched:\n" + "\n".join(models()) + "\n")
        for text, users in sorted(by_text.items(), key=lambda pair: pair[1]):
            names = ", ".join(f"{crate.name} {crate.version}" for crate in users)
            out.write(f"\n{'=' * 100}\n{names}\n{'=' * 100}\n{text}\n")
    print(f"{OUTPUT}: {len(crates)} crates, {len(by_text)} texts; {len(silent)} crates bring no text, only its name")


if __name__ == "__main__":
    main()
