"""What a good Python engineer writes today: the loop that `flyball bench` is measured beside.

OpenCV decodes, ONNX Runtime runs the same files on one thread, faces are followed by overlap. The policy is the one of
pipelines/bench.toml: every frame detected at 640x384; recognition when a face appears and every second; liveness five
times when it appears and every second. Nothing is done per pixel in Python, sessions and buffers are made once.
"""

from __future__ import annotations

import json
import resource
import time
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

from . import faces
from .decoders import overlap
from .manifest import read_models

SIZE = (640, 384)
STRIDES = (8, 16, 32)
SAME_FACE = 0.3  # least overlap with the last box
FORGOTTEN = 30  # frames without a match
EVERY_S = 1.0
LIVENESS_AT_BIRTH = 5


@dataclass
class Track:
    """One face followed: where it was seen last, and when it was last asked about."""

    box: np.ndarray
    seen: int
    recognised: float = -1e9
    liveness: float = -1e9
    looks: int = 0
    embedding: np.ndarray | None = None
    live: list[float] = field(default_factory=list)


class Loop:
    """Sessions, tracks and counts."""

    def __init__(self, root: Path) -> None:
        models = {model.name: model for model in read_models(root, extra=False)}
        self.manifests = {name: models[name].written for name in ("yunet", "dlib_resnet", "minifasnet")}
        self.sessions = {name: faces.session(models[name].products[0].path) for name in self.manifests}
        self.names = [output.name for output in self.sessions["yunet"].get_outputs()]
        self.canvas = np.zeros((SIZE[1], SIZE[0], 3), np.uint8)
        self.cells = {s: np.divmod(np.arange(SIZE[0] // s * (SIZE[1] // s)), SIZE[0] // s) for s in STRIDES}
        self.tracks: list[Track] = []
        self.counts = {"frames": 0, "faces": 0, "tracks": 0, "detect": 0, "recognize": 0, "liveness": 0}

    def frame(self, picture: np.ndarray, now: float) -> None:
        """Everything for one frame."""
        found = self.detect(picture)
        self.counts["frames"] += 1
        self.counts["faces"] += len(found)
        for face in found:
            track = self.follow(face)
            if now - track.recognised >= EVERY_S:
                track.recognised, track.embedding = now, self.recognise(picture, face)
            if track.looks < LIVENESS_AT_BIRTH or now - track.liveness >= EVERY_S:
                track.looks, track.liveness = track.looks + 1, now
                track.live.append(self.alive(picture, face))
        self.tracks = [track for track in self.tracks if self.counts["frames"] - track.seen < FORGOTTEN]

    def detect(self, picture: np.ndarray) -> list[faces.Face]:
        """YuNet on a letterboxed frame; its cells become boxes as OpenCV's FaceDetectorYN reads them."""
        scale = min(SIZE[0] / picture.shape[1], SIZE[1] / picture.shape[0])
        inner = (round(picture.shape[1] * scale), round(picture.shape[0] * scale))
        cv2.resize(picture, inner, dst=self.canvas[: inner[1], : inner[0]], interpolation=cv2.INTER_LINEAR)
        outputs = self.sessions["yunet"].run(self.names, {"input": cv2.dnn.blobFromImage(self.canvas)})
        self.counts["detect"] += 1
        rows = np.concatenate([self.boxes(dict(zip(self.names, outputs)), stride) for stride in STRIDES])
        if not len(rows):
            return []
        kept = cv2.dnn.NMSBoxes(rows[:, :4].tolist(), rows[:, 14].tolist(), faces.SCORE_THRESHOLD, faces.NMS_IOU)
        rows[:, :14] /= scale
        return [faces.Face(rows[k, :4], rows[k, 4:14].reshape(5, 2), float(rows[k, 14])) for k in kept]

    def boxes(self, outputs: dict[str, np.ndarray], stride: int) -> np.ndarray:
        """Rows [left, top, width, height, ten point coordinates, score] of one stride, above the threshold."""
        score = np.sqrt(np.clip(outputs[f"cls_{stride}"][0, :, 0], 0, 1) * np.clip(outputs[f"obj_{stride}"][0, :, 0], 0, 1))
        at = np.flatnonzero(score > faces.SCORE_THRESHOLD)
        y, x = (cells[at].astype(np.float32) for cells in self.cells[stride])
        box, marks = outputs[f"bbox_{stride}"][0, at], outputs[f"kps_{stride}"][0, at].reshape(-1, 5, 2)
        size = np.exp(box[:, 2:]) * stride
        corner = (np.stack([x, y], 1) + box[:, :2]) * stride - size / 2
        points = (marks + np.stack([x, y], 1)[:, None]) * stride
        return np.concatenate([corner, size, points.reshape(-1, 10), score[at, None]], 1)

    def follow(self, face: faces.Face) -> Track:
        """The track whose last box this face overlaps most, or a new one."""
        free = [track for track in self.tracks if track.seen < self.counts["frames"]]
        best = max(free, key=lambda track: overlap(track.box, face.box), default=None)
        if best is None or overlap(best.box, face.box) < SAME_FACE:
            best = Track(face.box, 0)
            self.tracks.append(best)
            self.counts["tracks"] += 1
        best.box, best.seen = face.box, self.counts["frames"]
        return best

    def recognise(self, picture: np.ndarray, face: faces.Face) -> np.ndarray:
        self.counts["recognize"] += 1
        manifest = self.manifests["dlib_resnet"]
        crop = faces.aligned(picture, faces.alignment(face, manifest), manifest["input"]["size"][0])
        embedding = faces.run(self.sessions["dlib_resnet"], faces.tensor([crop], manifest))[0][0]
        return embedding / np.linalg.norm(embedding)

    def alive(self, picture: np.ndarray, face: faces.Face) -> float:
        self.counts["liveness"] += 1
        manifest = self.manifests["minifasnet"]
        bounds = faces.crop_bounds(face.box, manifest["input"]["crop"]["scale"], picture)
        crop = faces.cropped(picture, bounds, manifest["input"]["size"])
        return float(faces.softmax(faces.run(self.sessions["minifasnet"], faces.tensor([crop], manifest))[0])[0, 0])


def run(root: Path, clip: Path) -> dict:
    """The loop over a whole clip; CPU time is that of everything but importing."""
    cv2.setNumThreads(1)
    began, wall = time.process_time(), time.monotonic()
    video, loop = cv2.VideoCapture(str(clip), cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, 1]), Loop(root)
    pace = video.get(cv2.CAP_PROP_FPS)
    while True:
        there, picture = video.read()
        if not there:
            break
        loop.frame(picture, loop.counts["frames"] / pace)
    cpu, frames = time.process_time() - began, max(loop.counts["frames"], 1)
    return {
        "cpu_ms_per_frame": round(cpu / frames * 1e3, 3),
        "cpu_s": round(cpu, 3),
        "wall_s": round(time.monotonic() - wall, 3),
        "peak_rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6, 1),
        **loop.counts,
    }


def main(root: Path, clip: Path) -> None:
    print(json.dumps(run(root, clip)))
