"""The plain reference for what Flyball does to a picture before and after a model: find faces, align, crop.

OpenCV and numpy, nothing clever: `reference.py` writes the golden numbers with it, `calibrate.py` the int8 ranges.
Pictures are BGR uint8 arrays [height, width, 3]; boxes are [x, y, width, height] in pixels of their picture.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import onnxruntime

SCORE_THRESHOLD = 0.6  # as in models/yunet/model.toml
NMS_IOU = 0.3  # OpenCV's own default for this detector
MOST_BOXES = 5000  # idem


@dataclass
class Face:
    """One face: its box, five points (right eye, left eye, nose, right and left mouth corner) and score."""

    box: np.ndarray
    points: np.ndarray
    score: float


def detect(picture: np.ndarray, yunet: Path, size: tuple[int, int]) -> list[Face]:
    """Faces by OpenCV's FaceDetectorYN, in the picture's pixels, best score first.

    The picture is scaled to fit `size` (width, height) and put top left on black, as Flyball does.
    """
    canvas, scale = letterbox(picture, size)
    detector = cv2.FaceDetectorYN.create(str(yunet), "", size, SCORE_THRESHOLD, NMS_IOU, MOST_BOXES)
    _, rows = detector.detect(canvas)
    rows = np.zeros((0, 15), np.float32) if rows is None else rows.astype(np.float64)
    rows[:, :14] /= scale
    found = [Face(row[:4], row[4:14].reshape(5, 2), float(row[14])) for row in rows]
    return sorted(found, key=lambda face: -face.score)


def letterbox(picture: np.ndarray, size: tuple[int, int]) -> tuple[np.ndarray, float]:
    """The picture fitted top left into `size` (width, height) on black, and its scale."""
    scale = min(size[0] / picture.shape[1], size[1] / picture.shape[0])
    inner = (round(picture.shape[1] * scale), round(picture.shape[0] * scale))
    canvas = np.zeros((size[1], size[0], 3), np.uint8)
    canvas[: inner[1], : inner[0]] = cv2.resize(picture, inner, interpolation=cv2.INTER_LINEAR)
    return canvas, scale


def similarity(source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """The least-squares rotation, uniform scale and shift from `source` to `target` points, as a 2x3 matrix.

    S. Umeyama, "Least-squares estimation of transformation parameters between two point patterns", 1991.
    """
    source_mean, target_mean = source.mean(0), target.mean(0)
    a, b = source - source_mean, target - target_mean
    u, singular, vt = np.linalg.svd(b.T @ a / len(source))
    mirror = np.array([1.0, np.sign(np.linalg.det(u @ vt))])
    rotation = u @ np.diag(mirror) @ vt
    scale = (singular * mirror).sum() / ((a**2).sum() / len(source))
    return np.hstack([scale * rotation, (target_mean - scale * rotation @ source_mean)[:, None]])


def alignment(face: Face, manifest: dict) -> np.ndarray:
    """The matrix that takes picture pixels to the aligned crop which `manifest`'s [input.align] asks for."""
    align, size = manifest["input"]["align"], manifest["input"]["size"][0]
    if align["template"] == "arcface5":
        return similarity(face.points, np.array(align["points"]) * size / align["reference_size"])
    eyes = (np.array(align["eyes"]) + align["padding"]) / (2 * align["padding"] + 1) * size
    return similarity(face.points[:2], eyes)


def aligned(picture: np.ndarray, matrix: np.ndarray, size: int) -> np.ndarray:
    """The square crop behind an alignment matrix; outside the picture is black."""
    return cv2.warpAffine(picture, matrix, (size, size), flags=cv2.INTER_LINEAR)


def crop_bounds(box: np.ndarray, scale: float, picture: np.ndarray) -> tuple[int, int, int, int]:
    """Left, top, right, bottom (inclusive) of the box grown by `scale`, moved inside the picture."""
    height, width = picture.shape[:2]
    x, y, w, h = box
    scale = min(scale, (height - 1) / h, (width - 1) / w)
    left, top = x + w / 2 - w * scale / 2, y + h / 2 - h * scale / 2
    left = min(max(left, 0.0), width - 1 - w * scale)
    top = min(max(top, 0.0), height - 1 - h * scale)
    return int(left), int(top), int(left + w * scale), int(top + h * scale)


def cropped(picture: np.ndarray, bounds: tuple[int, int, int, int], size: list[int]) -> np.ndarray:
    """That part of the picture, stretched to `size` (width, height)."""
    left, top, right, bottom = bounds
    return cv2.resize(picture[top : bottom + 1, left : right + 1], tuple(size), interpolation=cv2.INTER_LINEAR)


def tensor(crops: list[np.ndarray], manifest: dict) -> np.ndarray:
    """Stacks crops of the right size into the model's input: (pixel - mean) * scale, channels first."""
    wants = manifest["input"]
    to = {"bgr": None, "rgb": cv2.COLOR_BGR2RGB, "gray": cv2.COLOR_BGR2GRAY}[wants["channels"]]
    planes, channels = [], 1 if wants["channels"] == "gray" else 3
    mean, scale = (np.float32(wants[key][:channels]) for key in ("mean", "scale"))
    for crop in crops:
        pixels = crop if to is None else cv2.cvtColor(crop, to)
        planes.append(((np.atleast_3d(pixels).astype(np.float32) - mean) * scale).transpose(2, 0, 1))
    return np.ascontiguousarray(planes, np.float32)


def session(path: Path) -> onnxruntime.InferenceSession:
    """ONNX Runtime on one thread of the CPU."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def run(model: onnxruntime.InferenceSession, crops: np.ndarray) -> list[np.ndarray]:
    """Every output for a batch."""
    return model.run(None, {model.get_inputs()[0].name: crops})


def softmax(logits: np.ndarray) -> np.ndarray:
    """Probabilities along the last axis."""
    powers = np.exp(logits - logits.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


def read_frame(clip: Path, index: int) -> np.ndarray:
    """Frame number `index` of a clip, counted from 0 in display order."""
    video = cv2.VideoCapture(str(clip))
    for _ in range(index):
        video.grab()
    ok, picture = video.read()
    if not ok:
        raise ValueError(f"{clip} has no frame {index}")
    return picture
