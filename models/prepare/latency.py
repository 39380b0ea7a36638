"""Capture to a subscriber in another process: `make bench-latency`.

A real RTSP server plays a 1280x720 clip at 15 frames a second whose face comes and goes; `flyball run` watches it with the
usual pipeline; this process subscribes over Zenoh. Latency is the time an event arrives here less the capture time it
carries, for events whose capture time comes from the server's RTCP reports: both clocks are this machine's.
"""

from __future__ import annotations

import json
import queue
import socket
import subprocess
import tempfile
import time
from datetime import datetime, timezone
from pathlib import Path

import numpy as np
import zenoh

from .say import Problem, note

SECONDS = 120
SECONDS_TO_START = 20
REPORT = "target/reports/latency.json"
DEPLOYMENT = """
[deployment]
name = "latency"
site = "bench"
pipeline = "{root}/pipelines/face-gate.toml"
[[camera]]
id = "gate"
source = {{ rtsp = "rtsp://127.0.0.1:{rtsp}/cam", transport = "{transport}" }}
[models]
dir = "{root}/models"
[events.zenoh]
mode = "peer"
listen = ["tcp/127.0.0.1:{zenoh}"]
[governor]
enabled = false
"""


def measure(root: Path, program: Path, transport: str = "tcp") -> None:
    """Runs the three processes for two minutes and prints the percentiles, JSON last."""
    with tempfile.TemporaryDirectory() as place:
        clip, deployment = Path(place) / "clip.mp4", Path(place) / "latency.toml"
        make_clip(root / "samples/footage/appears_leaves.mp4", clip)
        rtsp, port = free_port(), free_port()
        deployment.write_text(DEPLOYMENT.format(root=root, rtsp=rtsp, zenoh=port, transport=transport))
        camera = subprocess.Popen([program, "sample-camera", clip, "--listen", f"127.0.0.1:{rtsp}"], stderr=subprocess.DEVNULL)
        watcher = subprocess.Popen([program, "run", deployment, "--plain", "--for", f"{SECONDS}s"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            latencies = listen(port, watcher)
        finally:
            watcher.terminate()
            camera.terminate()
            watcher.wait()
            camera.wait()
    report(root, latencies, transport)


def make_clip(source: Path, clip: Path) -> None:
    size = "scale=1280:720:force_original_aspect_ratio=decrease,pad=1280:720:-1:-1,fps=15"
    encoder = ["-c:v", "libx264", "-preset", "veryfast", "-bf", "0", "-g", "15", "-pix_fmt", "yuv420p", "-an"]
    done = subprocess.run(["ffmpeg", "-v", "error", "-i", source, "-vf", size, *encoder, clip], capture_output=True, text=True)
    if done.returncode != 0:
        raise Problem(f"ffmpeg could not make the clip: {done.stderr.strip()}; run `make setup`")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def listen(port: int, watcher: subprocess.Popen) -> list[tuple[str, float]]:
    """Event type and latency in milliseconds of everything heard until the watcher ends."""
    config, heard = zenoh.Config(), queue.Queue()
    for key, value in {"connect/endpoints": [f"tcp/127.0.0.1:{port}"], "listen/endpoints": [], "scouting/multicast/enabled": False}.items():
        config.insert_json5(key, json.dumps(value))
    note(f"latency: listening for {SECONDS} s")
    with zenoh.open(config) as session:
        session.declare_subscriber("flyball/v1/*/*/faces/**", lambda sample: heard.put((time.time(), sample.payload.to_string())))
        watcher.wait(SECONDS + SECONDS_TO_START)
    found = []
    while not heard.empty():
        arrived, text = heard.get()
        event = json.loads(text)
        when = event["data"]["time"]
        if when["time_source"] == "rtcp_sr" and not event["type"].endswith("closed.v1"):
            captured = datetime.fromisoformat(when["capture"]).timestamp()
            found.append((event["type"], (arrived - captured) * 1e3))
    return found


def report(root: Path, latencies: list[tuple[str, float]], transport: str) -> None:
    if not latencies:
        raise Problem("no event with a capture time from RTCP arrived; look at `flyball run` by hand")
    p50, p95, p99 = (round(float(np.percentile([ms for _, ms in latencies], p)), 1) for p in (50, 95, 99))
    figures = {"transport": transport, "events": len(latencies), "p50_ms": p50, "p95_ms": p95, "p99_ms": p99}
    figures["date"] = datetime.now(timezone.utc).isoformat(timespec="seconds")
    (root / REPORT).parent.mkdir(parents=True, exist_ok=True)
    (root / REPORT).write_text(json.dumps(figures, indent=1) + "\n")
    print(f"capture to subscriber over {transport}: p50 {p50} ms, p95 {p95} ms over {len(latencies)} events")
    print(json.dumps(figures))
