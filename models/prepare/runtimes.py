"""ONNX Runtime in vendor/, as runtimes.toml pins it: the CPU build, one of the GPU builds with NVIDIA's libraries, or OpenVINO's.

One at a time: `flyball` takes the newest file there, so whatever belongs to another set-up is removed.
"""

from __future__ import annotations

import fnmatch
import shutil
import tomllib
import zipfile
from pathlib import Path

from .archives import Archives
from .say import Problem, note, sha256

SETUPS = ["cpu", "gpu12", "gpu13", "openvino"]
PLACE = "vendor/onnxruntime"
STAMP = "set-up"  # names the set-up whose files are here; the CPU's needs none
ROOM = 6 << 30  # bytes: the archives of a GPU set-up and what comes out of them


def install(root: Path, name: str, archives: Archives) -> None:
    """Puts a set-up's libraries in place; does nothing where they are."""
    pinned = tomllib.loads((root / "models/prepare/runtimes.toml").read_text())[name]
    place = root / PLACE
    if is_there(place, name, pinned):
        return
    if name != "cpu" and shutil.disk_usage(root).free < ROOM:
        raise Problem(f"the {name} set-up needs {ROOM >> 30} GB of free disk; make room and run it again")
    note(f"fetching ONNX Runtime {pinned['version']} ({name})")
    fresh = place.with_name("onnxruntime.new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    for file in pinned["file"]:
        take(archives, pinned, file, fresh)
    for library in pinned.get("library", []):
        note(f"fetching {library['package']} {library['version']}")
        take(archives, library, library, fresh)
    (fresh / STAMP).write_text(stamp(name, pinned))
    shutil.rmtree(place, ignore_errors=True)
    fresh.rename(place)


def take(archives: Archives, package: dict, file: dict, into: Path) -> None:
    """The file of a wheel, or everything its pattern names."""
    source = f"pypi:{package['package']}=={package['version']}"
    if "*" not in file["member"]:
        content = archives.member(source, file["member"], file["sha256"])
        (into / Path(file["member"]).name).write_bytes(content)
        return
    with zipfile.ZipFile(archives.archive(source, package["sha256"])) as wheel:
        found = [name for name in wheel.namelist() if fnmatch.fnmatch(name, file["member"])]
        if not found:
            raise Problem(f"{source} holds nothing called {file['member']}; correct models/prepare/runtimes.toml")
        for name in found:
            with wheel.open(name) as content, (into / Path(name).name).open("wb") as out:
                shutil.copyfileobj(content, out)


def stamp(name: str, pinned: dict) -> str:
    return f"{name} {pinned['version']}\n"


def is_there(place: Path, name: str, pinned: dict) -> bool:
    """Whether this set-up is in place; files with a recorded checksum are hashed again."""
    marked = (place / STAMP).read_text() if (place / STAMP).exists() else ""
    if name != "cpu":
        return marked == stamp(name, pinned)
    right = all(sha256(place / Path(file["member"]).name) == file["sha256"] for file in pinned["file"])
    others = [file for file in place.glob("libonnxruntime.so*") if file.name not in {Path(f["member"]).name for f in pinned["file"]}]
    return right and not others


def chosen(root: Path) -> str:
    """The set-up whose files are here, so that `make setup` does not undo `make setup-gpu13`."""
    mark = root / PLACE / STAMP
    name = mark.read_text().split()[0] if mark.exists() else "cpu"
    return name if name in SETUPS else "cpu"
