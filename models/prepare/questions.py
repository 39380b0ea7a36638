"""Asks one model about one picture, the plain way, and writes the answer down as golden cases.

Faces always come from OpenCV's YuNet at 640x640; a case names its face by index there (best score first) and
repeats its box and points, so that a test can start behind the detector.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import cv2
import numpy as np

from . import decoders, faces, weights
from .manifest import Model
from .say import sha256

FACES_FROM = (640, 640)  # the detector's input when a case only needs faces
DETECTOR_SIZES = ((640, 640), (640, 384))
EYES = ((36, (37, 38, 40, 41), 39), (42, (43, 44, 46, 47), 45))  # corner, lid points, corner: iBUG numbers


@dataclass
class Picture:
    """How golden files name a picture, and its pixels (BGR)."""

    name: dict
    pixels: np.ndarray


def ask(root: Path, models: dict[str, Model], model: Model, picture: Picture) -> list[dict]:
    """The golden cases of one model on one picture: one a picture for detectors, one a face for the others."""
    role = model.written["role"]
    if role in ("detect", "content"):
        return [{"picture": picture.name, **detections(root, model, picture)}]
    found = faces.detect(picture.pixels, weights.published(root, models["yunet"]), FACES_FROM)
    answer = ANSWERS[role]
    cases = []
    for index, face in enumerate(found):
        seen = {"index": index, "box": _round(face.box, 2), "points": _round(face.points, 2), "score": _round(face.score, 4)}
        cases.append({"picture": picture.name, "face": seen, **answer(root, models, model, picture, face)})
    return cases


def detections(root: Path, model: Model, picture: Picture) -> dict:
    """Boxes in picture pixels at each input size."""
    if model.name == "yunet":
        sizes = {size: faces.detect(picture.pixels, weights.published(root, model), size) for size in DETECTOR_SIZES}
        return {"faces": {f"{w}x{h}": [_face(face) for face in found] for (w, h), found in sizes.items()}}
    size = model.written["input"]["size"]
    canvas, scale = faces.letterbox(picture.pixels, size)
    outputs = _run(model, [canvas])
    found = decoders.decode(outputs, model.written)
    rows = [{"box": _round(box / scale, 2), "score": _round(score, 4)} for box, score in zip(found.boxes, found.scores)]
    for row, kind, at in zip(rows, found.classes, range(len(rows))):
        if "classes" in model.written["output"]:
            row["class"] = model.written["output"]["classes"][kind]
        if found.points is not None:
            row["points"] = _round(found.points[at] / scale, 2)
    return {"faces" if model.written["role"] == "detect" else "regions": {f"{size[0]}x{size[1]}": rows}}


def embedding(root: Path, _: dict, model: Model, picture: Picture, face: faces.Face) -> dict:
    """The raw output (not normalised) for the aligned crop, which is kept too."""
    matrix, crop, outputs = _aligned_run(model, picture, face)
    source = Path(picture.name.get("pixels", picture.name)["file"]).stem
    file = f"samples/reference/{source}_{int(face.box[0])}_{model.name}.png"
    kept = {**keep(root, file, crop), "size": crop.shape[0]}
    return {"matrix": _round(matrix, 6), "crop": kept, "embedding": _round(outputs[0][0], 5)}


def aligned_probabilities(root: Path, _: dict, model: Model, picture: Picture, face: faces.Face) -> dict:
    """Age and gender: probabilities of the aligned crop, and the expected value where there is one."""
    matrix, _, outputs = _aligned_run(model, picture, face)
    chances, values = outputs[0][0], model.written["output"].get("values")
    answer = {"years": _round(float(chances @ np.array(values)), 3)} if values else {"probabilities": _round(chances, 5)}
    return {"matrix": _round(matrix, 6), **answer}


def cropped_probabilities(root: Path, _: dict, model: Model, picture: Picture, face: faces.Face) -> dict:
    """Liveness and synthetic-image scores of the grown face box."""
    bounds, outputs = _cropped_run(model, picture, face)
    chances = list(outputs.values())[0][0]
    if model.written["output"]["logits"]:
        chances = faces.softmax(chances)
    return {"bounds": bounds, "probabilities": _round(chances, 5)}


def landmarks(root: Path, _: dict, model: Model, picture: Picture, face: faces.Face) -> dict:
    """68 points, as parts of the crop and in picture pixels."""
    bounds, outputs = _cropped_run(model, picture, face)
    parts = outputs["output"].reshape(68, 2)
    return {"bounds": bounds, "parts": _round(parts, 5), "points": _round(_in_picture(parts, bounds), 2)}


def eyes(root: Path, models: dict[str, Model], model: Model, picture: Picture, face: faces.Face) -> dict:
    """Closed and open for the two eyes that landmarks68 finds."""
    bounds, outputs = _cropped_run(models["landmarks68"], picture, face)
    marks = _in_picture(outputs["output"].reshape(68, 2), bounds)
    answers = []
    for first, lids, last in EYES:
        side = model.written["input"]["crop"]["scale"] * float(np.linalg.norm(marks[last] - marks[first]))
        box = np.array([*(marks[list(lids)].mean(0) - side / 2), side, side])
        bounds = faces.crop_bounds(box, 1.0, picture.pixels)
        crop = faces.cropped(picture.pixels, bounds, model.written["input"]["size"])
        answers.append({"bounds": bounds, "probabilities": _round(faces.softmax(_run(model, [crop])["output"][0]), 5)})
    return {"eyes": answers}


def pose(root: Path, _: dict, model: Model, picture: Picture, face: faces.Face) -> dict:
    """Yaw, pitch and roll in degrees."""
    bounds, outputs = _cropped_run(model, picture, face)
    rules = model.written["output"]
    bins = np.arange(rules["bins"])
    angles = {
        name: float(faces.softmax(outputs[rules[name]][0]) @ bins) * rules["degrees_per_bin"] + rules["offset"]
        for name in ("yaw", "pitch", "roll")
    }
    return {"bounds": bounds, "degrees": {name: _round(angle, 3) for name, angle in angles.items()}}


ANSWERS: dict[str, Callable] = {
    "recognize": embedding,
    "age": aligned_probabilities,
    "gender": aligned_probabilities,
    "liveness": cropped_probabilities,
    "deepfake": cropped_probabilities,
    "landmarks": landmarks,
    "eye": eyes,
    "pose": pose,
}


def keep(root: Path, file: str, pixels: np.ndarray) -> dict:
    """Writes pixels as a lossless picture, and names it with its hash."""
    path = root / file
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), pixels)
    return {"file": file, "sha256": sha256(path)}


def _aligned_run(model: Model, picture: Picture, face: faces.Face) -> tuple[np.ndarray, np.ndarray, list[np.ndarray]]:
    matrix = np.round(faces.alignment(face, model.written), 6)  # as the golden file will have it
    crop = faces.aligned(picture.pixels, matrix, model.written["input"]["size"][0])
    return matrix, crop, list(_run(model, [crop]).values())


def _cropped_run(model: Model, picture: Picture, face: faces.Face) -> tuple[tuple[int, int, int, int], dict[str, np.ndarray]]:
    bounds = faces.crop_bounds(face.box, model.written["input"]["crop"]["scale"], picture.pixels)
    return bounds, _run(model, [faces.cropped(picture.pixels, bounds, model.written["input"]["size"])])


def alone(model: Model) -> dict:
    """What the network says of numbers that anybody can make: nothing is cut or resized between two programs then."""
    (width, height), hashed = model.written["input"]["size"], 2654435761
    numbers = np.arange(3 * height * width, dtype=np.uint64) * hashed % 2**32 / 2**32 * 4 - 2
    session = _session(model.products[0].path)
    outputs = faces.run(session, numbers.astype(np.float32).reshape(1, 3, height, width))
    names = [output.name for output in session.get_outputs()]
    said = {name: _round(values.ravel(), 5) for name, values in zip(names, outputs)}
    return {"rule": f"float32(k * {hashed} mod 2^32 / 2^32 * 4 - 2) for the k-th number of the tensor", "outputs": said}


def _run(model: Model, crops: list[np.ndarray]) -> dict[str, np.ndarray]:
    """Outputs by name, of the full precision file."""
    session = _session(model.products[0].path)
    outputs = faces.run(session, faces.tensor(crops, model.written))
    return dict(zip([output.name for output in session.get_outputs()], outputs))


@cache
def _session(path: Path):
    return faces.session(path)


def _in_picture(parts: np.ndarray, bounds: tuple[int, int, int, int]) -> np.ndarray:
    left, top, right, bottom = bounds
    return parts * [right - left + 1, bottom - top + 1] + [left, top]


def _face(face: faces.Face) -> dict:
    return {"box": _round(face.box, 2), "points": _round(face.points, 2), "score": _round(face.score, 4)}


def _round(values, digits: int):
    return np.round(np.asarray(values, np.float64), digits).tolist()
