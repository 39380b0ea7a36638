"""`PYTHONPATH=models python3 -m prepare COMMAND`: what the Makefile calls."""

from __future__ import annotations

import argparse
import errno
import os
import subprocess
import sys
import time
from pathlib import Path

from . import machine, runtimes, samples, weights
from .archives import Archives
from .manifest import Model, read_models
from .say import Problem, note, sha256

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = "target/fast/flyball"


def setup(extra: bool) -> None:
    """Everything a machine needs, in order; what is there and right is left alone."""
    started = time.monotonic()
    machine.check_basics()
    machine.install_packages(ROOT / "models/.cache/apt.log")
    archives = Archives(ROOT / weights.CACHE)
    models = read_models(ROOT, extra)
    python = machine.python_environment(ROOT)
    if not all(model.is_ready() for model in models):
        machine.check_room(ROOT)
    runtimes.install(ROOT, runtimes.chosen(ROOT), archives)
    weights.fetch(ROOT, models, archives)
    samples.fetch(ROOT, archives)
    samples.make(ROOT)
    _in_environment(python, "prepare", extra)
    note(f"setup: complete ({time.monotonic() - started:.1f} s)")


def pull(names: list[str], extra: bool) -> None:
    """Fetches and prepares models alone; named ones even if they are large and optional."""
    machine.check_basics()
    models = read_models(ROOT, extra=True)
    unknown = set(names) - {model.name for model in models}
    if unknown:
        known = ", ".join(model.name for model in models)
        raise Problem(f"there is no model called {', '.join(sorted(unknown))}; known are {known}")
    wanted = [model for model in models if model.name in names] if names else read_models(ROOT, extra)
    python = machine.python_environment(ROOT)
    if not all(model.is_ready() for model in wanted):
        machine.check_room(ROOT)
    weights.fetch(ROOT, wanted, Archives(ROOT / weights.CACHE))
    _in_environment(python, "models", extra, names)


def prepare_models(names: list[str], extra: bool) -> None:
    """The part of that which needs `.venv`."""
    models = read_models(ROOT, extra=True) if names else read_models(ROOT, extra)
    weights.prepare(ROOT, [model for model in models if not names or model.name in names])


def runtime(name: str) -> None:
    """The inference library of one set-up, into vendor/, where `flyball` looks for it."""
    machine.check_basics()
    runtimes.install(ROOT, name, Archives(ROOT / weights.CACHE))
    note(f"runtime: {name} is in place; `flyball doctor` says whether it loads")


def production() -> None:
    """What a deployment needs and nothing to develop with: Debian's run-time packages, the runtime, models."""
    machine.check_basics()
    machine.install_packages(ROOT / "models/.cache/apt.log", machine.RUN_PACKAGES)
    models = [model for model in read_models(ROOT, False) if not model.is_copyleft()]
    python = machine.python_environment(ROOT)
    archives = Archives(ROOT / weights.CACHE)
    runtimes.install(ROOT, runtimes.chosen(ROOT), archives)
    weights.fetch(ROOT, models, archives)
    _in_environment(python, "models", False, [model.name for model in models])


def prepare(extra: bool) -> None:
    """The part of set-up that needs `.venv`: model files, synthetic attacks, the pixels behind golden numbers."""
    weights.prepare(ROOT, read_models(ROOT, extra))
    from . import recapture, reference

    recapture.make(ROOT)
    reference.restore(ROOT)


def _in_environment(python: Path, command: str, extra: bool, names: list[str] | None = None) -> None:
    """Runs one of this tool's commands with the interpreter that has numpy and onnx."""
    call = [str(python), "-m", "prepare", command, *(f"--model={name}" for name in names or []), *(["--extra"] if extra else [])]
    if subprocess.run(call, env={**os.environ, "PYTHONPATH": str(ROOT / "models")}).returncode != 0:
        raise SystemExit(1)  # it has said why


def goldens() -> None:
    from . import reference

    reference.write(ROOT)


def calibrate() -> None:
    from . import calibrate as ranges

    ranges.write(ROOT)


def loop(clip: Path) -> None:
    """The Python loop that `flyball bench` is measured beside; one JSON object."""
    from . import loop as reference_loop

    reference_loop.main(ROOT, clip)


def beside(clip: Path) -> None:
    """Both in turn."""
    from . import beside as both

    both.compare(ROOT, clip, ROOT / PROGRAM)


def latency() -> None:
    """Capture to subscriber."""
    from . import latency as to_subscriber

    to_subscriber.measure(ROOT, ROOT / PROGRAM)


def main() -> None:
    """Reads the command line; every expected failure ends as one sentence and exit status 1."""
    parser = argparse.ArgumentParser(prog="prepare", description="Sets up what Flyball needs on this machine.")
    commands = ["setup", "production", "prepare", "models", "pull", "runtime", "goldens", "calibrate", "loop", "beside", "latency"]
    parser.add_argument("command", choices=commands)
    parser.add_argument("name", nargs="?", choices=runtimes.SETUPS, default="cpu", help="which runtime")
    parser.add_argument("--model", action="append", default=[], dest="names", help="with pull and models: only this one")
    parser.add_argument("--extra", action="store_true", help="also the large optional models")
    parser.add_argument("--clip", type=Path, default=ROOT / "samples/footage/mosaic4_720p.mp4", help="for loop and beside")
    asked = parser.parse_args()
    try:
        if asked.command in ("pull", "models"):
            {"pull": pull, "models": prepare_models}[asked.command](asked.names, asked.extra)
        elif asked.command in ("setup", "prepare"):
            {"setup": setup, "prepare": prepare}[asked.command](asked.extra)
        elif asked.command in ("loop", "beside"):
            {"loop": loop, "beside": beside}[asked.command](asked.clip)
        elif asked.command == "latency":
            latency()
        elif asked.command == "runtime":
            runtime(asked.name)
        else:
            {"production": production, "goldens": goldens, "calibrate": calibrate}[asked.command]()
    except Problem as problem:
        sys.exit(f"setup: {problem}")
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        sys.exit(f"setup: the disk is full ({error.filename or ROOT}); make room and run `make setup` again")


if __name__ == "__main__":
    main()
