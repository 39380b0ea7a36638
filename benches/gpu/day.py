"""What a machine with an NVIDIA GPU is asked, step by step (`make bench-gpu`); answers go to target/reports/gpu/.

    python3 benches/gpu/day.py                       # all steps
    python3 benches/gpu/day.py kernel streams        # some
    python3 benches/gpu/day.py squeeze --hold 60

Needs the `fast` build, the example `gpu`, prepared models, and for `squeeze` and `streams` raw clips (Y4M): an encoded clip
would measure the decoder. `clips` makes them with OpenCV, which `make setup` puts into .venv. Only what Flyball prints is read;
a step that fails is reported and the next one is taken.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MODELS = ["yunet", "dlib_resnet", "minifasnet"]
SIZES = {"720p15": ((1280, 720), 15), "1080p30": ((1920, 1080), 30)}
SECONDS = 20  # of the sample clip, which has 30 pictures a second; one at 1080p30 takes 1.8 GB


class Day:
    def __init__(self, args: argparse.Namespace) -> None:
        self.args, self.out = args, args.out
        self.flyball, self.gpu = str(args.bin / "flyball"), str(args.bin / "examples/gpu")
        self.out.mkdir(parents=True, exist_ok=True)
        self.written: list[Path] = []

    def call(self, name: str, command: list[str], limit: float = 300) -> str:
        """Runs a command, keeps what it says, and answers its standard output."""
        done = subprocess.run(command, cwd=ROOT, text=True, capture_output=True, timeout=limit, check=False)
        (self.out / f"{name}.txt").write_text(done.stdout + done.stderr)
        if done.returncode:
            print(f"{name}: ended with {done.returncode}: {(done.stderr or done.stdout)[-600:].strip()}", flush=True)
        return done.stdout

    # --- steps, in the order of the day

    def machine(self) -> None:
        print(self.call("doctor", [self.flyball, "doctor", "--json"])[-3000:])
        print(self.call("nvidia-smi", ["nvidia-smi"]))

    def verify(self) -> None:
        """Golden outputs on the device."""
        said = self.call("verify", [self.flyball, "models", "verify", "--device", self.args.device, "--json"])
        for model in (json.loads(said) if said else {}).get("models", []):
            if not model["skipped"]:
                print(f"verify {model['name']} {model['variant']}: {model['error'] or model['note']}")

    def profile(self) -> None:
        """What every variant and batch takes there; the governor reads it from state/profile.json from now on."""
        print(self.call("profile", [self.flyball, "models", "bench", *MODELS, "--device", self.args.device,
                                    "--batches", "1,4,16", "--seconds", str(self.args.seconds)]))

    def kernel(self) -> None:
        print(self.call("kernel", [self.gpu, "letterbox"]))

    def soak(self) -> None:
        """Memory of the device while the number of faces changes: our settings, and the provider's own."""
        for flags in ([], ["--provider-defaults"]):
            name = "soak" + "".join(flags)
            print(self.call(name, [self.flyball, "bench", "--config", "config/gpu.toml", "--json", "--soak-faces", str(self.args.faces),
                                   "--for", f"{self.args.soak}s", *flags], self.args.soak + 120))

    def squeeze(self) -> None:
        """A first tenant makes the device small: what a run alone holds, and a third more. Then a second one takes its share
        of what is left in one step, holds it, and gives it back."""
        alone = self.deployment("alone", "720p15", self.args.cameras)
        record = self.out / "alone.decisions.jsonl"
        self.started("alone", alone, self.args.calm, ["--decisions", str(record)]).wait(self.args.calm + 60)
        readings = [json.loads(line)["reading"]["memory"]["ours"] for line in record.read_text().splitlines()[1:]]
        first = self.tenant("tenant-1", ["--leave", f"{int(max(readings) * self.args.room)}B", "--for", f"{self.args.hold + 180}s"])
        try:
            time.sleep(6)
            seconds = self.args.hold + 2 * self.args.calm
            file = self.deployment("squeeze", "720p15", self.args.cameras)
            run = self.started("squeeze", file, seconds, ["--decisions", str(self.out / "squeeze.decisions.jsonl")])
            flags = ["--share", str(self.args.share), "--after", f"{self.args.calm}s", "--for", f"{self.args.hold}s"]
            second = self.tenant("tenant-2", flags)
            run.wait(seconds + 60)
            second.wait(60)
        finally:
            first.kill()
        self.told("squeeze")
        print((self.out / "tenant-1.txt").read_text() + (self.out / "tenant-2.txt").read_text())

    def streams(self) -> None:
        """How many cameras are served, with the governor and without."""
        for size in self.args.sizes:
            for cameras in self.args.streams:
                for governed in (True, False):
                    name = f"streams-{size}-{cameras}-{'governed' if governed else 'free'}"
                    flags = ["--decisions", str(self.out / f"{name}.decisions.jsonl")] if governed else ["--no-governor"]
                    file = self.deployment(name, size, cameras)
                    self.started(name, file, self.args.each, flags).wait(self.args.each + 90)
                    self.told(name)

    def clips(self) -> None:
        import cv2  # noqa: PLC0415 # only this step needs it

        for size, ((width, height), fps) in SIZES.items():
            raw = self.args.clips / f"{size}.y4m"
            if raw.exists():
                continue
            clip, part = cv2.VideoCapture(str(self.args.clip)), raw.with_suffix(".part")
            with part.open("wb") as out:
                out.write(f"YUV4MPEG2 W{width} H{height} F{fps}:1 Ip A1:1 C420jpeg\n".encode())
                for number in range(30 * SECONDS):
                    there, picture = clip.read()
                    if there and number % (30 // fps) == 0:
                        picture = cv2.cvtColor(cv2.resize(picture, (width, height)), cv2.COLOR_BGR2YUV_I420)
                        out.write(b"FRAME\n" + picture.tobytes())
            part.rename(raw)

    # --- what they share

    def deployment(self, name: str, size: str, cameras: int) -> Path:
        """`config/gpu.toml` with so many cameras that play one raw clip."""
        text = re.sub(r"\[\[camera\]\].*?(?=\n\[models\])", "", (ROOT / "config/gpu.toml").read_text(), flags=re.S)
        clip = self.args.clips / f"{size}.y4m"
        camera = '\n[[camera]]\nid = "cam-{:03}"\nsource = {{ file = "{}", pace = "realtime", repeat = true }}\n'
        text += "".join(camera.format(number, clip) for number in range(cameras))
        file = ROOT / f"config/.{name}.toml"  # beside the others, so that its relative paths hold
        self.written.append(file)
        file.write_text(text.replace('"cuda:0"', f'"{self.args.device}"'))
        return file

    def started(self, name: str, file: Path, seconds: float, flags: list[str]) -> subprocess.Popen:
        command = [self.flyball, "run", str(file), "--plain", "--no-doctor", "--for", f"{seconds}s", "--log", "info",
                   "--events", str(self.out / f"{name}.events.jsonl"), *flags]
        log = (self.out / f"{name}.log").open("w")
        return subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log, stdin=subprocess.DEVNULL)

    def told(self, name: str) -> None:
        """The last words of a run, its status every five seconds, and what became of its visits."""
        log = (self.out / f"{name}.log").read_text()
        windows = [float(p95) for p95 in re.findall(r"^status .* p95 ([\d.]+) ms", log, flags=re.M)]
        last = [line for line in log.splitlines() if line.startswith("ran ")] or log.splitlines()[-3:]
        states: dict[str, set[str]] = {}
        for line in (self.out / f"{name}.events.jsonl").read_text().splitlines():
            if visit := json.loads(line)["data"].get("visit"):
                states.setdefault(visit["id"], set()).add(visit["state"])
        lost = sum("closed" not in seen for seen in states.values())
        memory = log.count("out of memory")
        print(f"{name}: p95 of five seconds {windows}; {' '.join(last)}; visits {len(states)}, never closed {lost}; "
              f"'out of memory' {memory} times", flush=True)

    def tenant(self, name: str, flags: list[str]) -> subprocess.Popen:
        log = (self.out / f"{name}.txt").open("w")
        return subprocess.Popen([self.gpu, "tenant", *flags], stdout=log, stderr=log)


def main() -> None:
    steps = ["machine", "verify", "profile", "kernel", "clips", "soak", "squeeze", "streams"]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("steps", nargs="*", default=steps, help=f"of {', '.join(steps)}")
    parser.add_argument("--bin", type=Path, default=ROOT / "target/fast")
    parser.add_argument("--out", type=Path, default=ROOT / "target/reports/gpu")
    parser.add_argument("--device", default="cuda:0")
    parser.add_argument("--seconds", type=float, default=1.0, help="of measuring each variant and batch")
    parser.add_argument("--faces", type=int, default=1_000_000, help="recognitions of the soak")
    parser.add_argument("--soak", type=int, default=600, help="seconds of the soak at most")
    parser.add_argument("--room", type=float, default=1.35, help="of the squeeze: memory left by the first tenant, per byte that a run alone holds")
    parser.add_argument("--share", type=float, default=0.9, help="what the second one takes of what is free then")
    parser.add_argument("--hold", type=int, default=60, help="seconds the second one stays")
    parser.add_argument("--calm", type=int, default=20, help="seconds before it comes and after it left")
    parser.add_argument("--cameras", type=int, default=12, help="of the squeeze")
    parser.add_argument("--sizes", nargs="*", default=list(SIZES), help="of the streams")
    parser.add_argument("--streams", type=int, nargs="*", default=[16, 32, 64], help="cameras to try")
    parser.add_argument("--each", type=int, default=30, help="seconds a run of the streams")
    parser.add_argument("--clip", type=Path, default=ROOT / "samples/footage/mosaic4_720p.mp4")
    parser.add_argument("--clips", type=Path, default=ROOT / "target/reports/gpu")
    args = parser.parse_args()
    if unknown := [step for step in args.steps if step not in steps]:
        parser.error(f"no step is called {', '.join(unknown)}; there are {', '.join(steps)}")
    day = Day(args)
    for step in args.steps:
        began = time.monotonic()
        print(f"== {step}", flush=True)
        try:
            getattr(day, step)()
        except (OSError, subprocess.SubprocessError, ValueError) as cause:
            print(f"{step}: {type(cause).__name__}: {cause}")
        finally:
            while day.written:
                day.written.pop().unlink(missing_ok=True)
        print(f"== {step}: {time.monotonic() - began:.0f} s", flush=True)


if __name__ == "__main__":
    main()
