"""Plain decoders for the detectors that OpenCV has no reader for: CenterFace, UltraFace, YOLOv8 heads.

Each takes the outputs for one picture by name and gives rows [left, top, width, height] in input pixels, a score
each, a class each, and points where the model has them. `reference.py` writes the golden numbers with them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass
class Found:
    """What a detector sees in one picture, best score first."""

    boxes: np.ndarray
    scores: np.ndarray
    classes: np.ndarray
    points: np.ndarray | None = None

    def suppressed(self, most_overlap: float) -> Found:
        """Greedy non-maximum suppression, per class."""
        kept: list[int] = []
        for at in np.argsort(-self.scores, kind="stable"):
            rivals = [k for k in kept if self.classes[k] == self.classes[at]]
            if all(overlap(self.boxes[at], self.boxes[k]) <= most_overlap for k in rivals):
                kept.append(int(at))
        points = None if self.points is None else self.points[kept]
        return Found(self.boxes[kept], self.scores[kept], self.classes[kept], points)


def overlap(a: np.ndarray, b: np.ndarray) -> float:
    """Intersection over union of two [left, top, width, height] boxes."""
    wide = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0])
    high = min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1])
    shared = max(wide, 0.0) * max(high, 0.0)
    return shared / (a[2] * a[3] + b[2] * b[3] - shared)


def decode(outputs: dict[str, np.ndarray], manifest: dict) -> Found:
    """By the manifest's decoder, after its score threshold and suppression."""
    rules = manifest["output"]
    size = manifest["input"]["size"]
    found = {"centerface": centerface, "ultraface": ultraface, "yolov8": yolov8}[rules["decoder"]](outputs, rules, size)
    return found.suppressed(rules["nms_iou"])


def centerface(outputs: dict[str, np.ndarray], rules: dict, size: list[int]) -> Found:
    """Peaks of a heat map; sizes are logarithms, everything comes as (y, x)."""
    heat = outputs[rules["heatmap"]][0, 0]
    rows, columns = np.where(heat > rules["score_threshold"])
    stride = rules["stride"]
    sizes = np.exp(outputs[rules["scale"]][0][:, rows, columns]) * stride
    shifts = outputs[rules["offset"]][0][:, rows, columns]
    top = (rows + shifts[0] + 0.5) * stride - sizes[0] / 2
    left = (columns + shifts[1] + 0.5) * stride - sizes[1] / 2
    boxes = np.stack([left, top, sizes[1], sizes[0]], 1)
    marks = outputs[rules["landmarks"]][0][:, rows, columns].T.reshape(-1, 5, 2)[..., ::-1]
    points = marks * boxes[:, None, 2:] + boxes[:, None, :2]
    return Found(boxes, heat[rows, columns], np.zeros(len(rows), int), points)


def ultraface(outputs: dict[str, np.ndarray], rules: dict, size: list[int]) -> Found:
    """Corners as parts of the input, already decoded inside the graph; class 1 is face."""
    scores = outputs[rules["scores"]][0][:, 1]
    kept = scores > rules["score_threshold"]
    corners = outputs[rules["boxes"]][0][kept] * np.array([*size, *size])
    boxes = np.concatenate([corners[:, :2], corners[:, 2:] - corners[:, :2]], 1)
    return Found(boxes, scores[kept], np.zeros(int(kept.sum()), int))


def yolov8(outputs: dict[str, np.ndarray], rules: dict, size: list[int]) -> Found:
    """Centre and size in input pixels, then one score a class."""
    cells = outputs[rules["name"]][0].T
    classes, scores = cells[:, 4:].argmax(1), cells[:, 4:].max(1)
    kept = scores > rules["score_threshold"]
    centres, sizes = cells[kept, :2], cells[kept, 2:4]
    return Found(np.concatenate([centres - sizes / 2, sizes], 1), scores[kept], classes[kept])
