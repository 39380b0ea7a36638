"""Pictures of pictures: a face printed on paper or shown on a screen, held up and photographed again.

No package carries real attack pictures, so the liveness tests use these. A print loses contrast and gains a halftone
and a paper border; a screen shifts colours and gains moire, glare and a bezel. Both are then held slightly askew in
front of a room, blurred, given sensor noise and compressed.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from . import faces, weights
from .made import Made
from .manifest import read_model, read_toml
from .say import Progress, sha256

ROOM = (960, 720)  # width, height of the made picture
HELD_WIDTH = 360  # pixels the held picture is wide
HELD_AT = (280, 140)  # its upper left corner
BORDER = 25  # pixels of paper or bezel
SKEW = 18.0  # pixels each corner may be off
AROUND = 1.1  # face heights kept on every side of the face's centre
BLUR, NOISE, JPEG = 1.0, 3.0, 80  # sigma in pixels, sigma in grey levels, quality in percent


def make(root: Path) -> None:
    """The pictures that samples/photos.toml lists as [[attack]], where they are not there yet."""
    photos = root / "samples/photos"
    made, count = Made(photos), 0
    listed = read_toml(root / "samples/photos.toml")["attack"]
    progress = Progress("making attacks", len(listed))
    for entry in listed:
        recipe = [entry["kind"], entry["seed"], sha256(photos / entry["photo"])]
        if made.is_current(entry["file"], recipe):
            continue
        progress.step(entry["file"])
        cv2.imwrite(str(photos / entry["file"]), recapture(root, photos / entry["photo"], entry["kind"], entry["seed"]))
        made.remember(entry["file"], recipe, entry["sha256"])
        count += 1
    progress.finish(f"{len(listed) - count} of {len(listed)} were there, {count} made")


def recapture(root: Path, photo: Path, kind: str, seed: int) -> np.ndarray:
    """One attack on the best face of `photo`."""
    random = np.random.default_rng(seed)
    held = portrait(root, cv2.imread(str(photo)))
    held = printed(held) if kind == "print" else screened(held)
    picture = hold_up(held, room(random), random)
    picture = cv2.GaussianBlur(picture, (0, 0), BLUR).astype(np.float32)
    noisy = np.clip(picture + random.normal(0, NOISE, picture.shape), 0, 255).astype(np.uint8)
    return cv2.imdecode(cv2.imencode(".jpg", noisy, [cv2.IMWRITE_JPEG_QUALITY, JPEG])[1], cv2.IMREAD_COLOR)


def portrait(root: Path, picture: np.ndarray) -> np.ndarray:
    """The face with its surroundings, as float32, HELD_WIDTH wide."""
    yunet = read_model(root / "models/yunet/model.toml")
    detector = weights.published(root, yunet)
    x, y, w, h = faces.detect(picture, detector, (640, 640))[0].box
    reach, height, width = AROUND * h, *picture.shape[:2]
    left, right = int(max(0, x + w / 2 - reach)), int(min(width, x + w / 2 + reach))
    top, bottom = int(max(0, y + h / 2 - reach)), int(min(height, y + h / 2 + reach))
    tall = HELD_WIDTH * (bottom - top) // (right - left)
    return cv2.resize(picture[top:bottom, left:right], (HELD_WIDTH, tall)).astype(np.float32)


def printed(picture: np.ndarray) -> np.ndarray:
    """Less contrast, a halftone, a white border."""
    y, x = np.mgrid[: picture.shape[0], : picture.shape[1]]
    halftone = 8 * np.sin(x * 2.2) * np.sin(y * 2.2)
    return framed(picture * 0.75 + 45 + halftone[..., None], grey=235)


def screened(picture: np.ndarray) -> np.ndarray:
    """Brighter, bluer, moire in two directions, a glare, a black bezel."""
    shown = 255 * (picture / 255) ** 0.8
    shown[..., 0] *= 1.1
    y, x = np.mgrid[: picture.shape[0], : picture.shape[1]]
    moire = 12 * np.sin(x * 1.9 + y * 0.15) + 8 * np.sin(y * 2.1 + x * 0.1)
    glare = 70 * np.exp(-((x - 250.0) ** 2 + (y - 90.0) ** 2) / 9000)
    return framed(shown + (moire + glare)[..., None], grey=18)


def framed(picture: np.ndarray, grey: int) -> np.ndarray:
    """Back to bytes, with paper or a bezel around it."""
    edges = [BORDER] * 4
    return cv2.copyMakeBorder(np.clip(picture, 0, 255).astype(np.uint8), *edges, cv2.BORDER_CONSTANT, value=[grey] * 3)


def room(random: np.random.Generator) -> np.ndarray:
    """A plain room: a wall lit from one side, a few pieces of furniture."""
    width, height = ROOM
    light = np.linspace(110, 190, width, dtype=np.float32)[None, :, None] + np.zeros((height, width, 3), np.float32)
    picture = light * np.float32([0.85, 0.95, 1.0])
    for _ in range(6):
        left, top = random.integers(0, width - 200), random.integers(height // 3, height - 100)
        colour = random.uniform(40, 200, 3).tolist()
        size = random.integers(80, 300, 2)
        cv2.rectangle(picture, (int(left), int(top)), (int(left + size[0]), int(top + size[1])), colour, -1)
    return cv2.GaussianBlur(picture, (0, 0), 3).clip(0, 255).astype(np.uint8)


def hold_up(held: np.ndarray, behind: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """The held picture in perspective in front of the room."""
    tall, wide = held.shape[:2]
    corners = np.float32([[0, 0], [wide, 0], [wide, tall], [0, tall]])
    skewed = corners + np.float32(HELD_AT) + random.uniform(-SKEW, SKEW, (4, 2)).astype(np.float32)
    matrix = cv2.getPerspectiveTransform(corners, skewed)
    warped = cv2.warpPerspective(held, matrix, ROOM)
    covered = cv2.warpPerspective(np.full((tall, wide), 255, np.uint8), matrix, ROOM) > 0
    behind[covered] = warped[covered]
    return behind
