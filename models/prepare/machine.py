"""What the machine itself must have: Debian packages, room on the disk, a Python environment for the tools."""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import subprocess
import sys
import time
from pathlib import Path

from .say import Problem, note

# Decoding and serving video, building against it, making sample footage, and for the tests a browser that sends and watches,
# an MQTT broker, and another RTSP server.
APT_PACKAGES = (
    "gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-plugins-bad gstreamer1.0-plugins-ugly "
    "gstreamer1.0-libav gstreamer1.0-tools gstreamer1.0-rtsp gstreamer1.0-nice libgstreamer1.0-dev "
    "libgstreamer-plugins-base1.0-dev libgstreamer-plugins-bad1.0-dev libgstrtspserver-1.0-dev pkg-config gcc g++ "
    "libc6-dev ffmpeg chromium mosquitto vlc-bin vlc-plugin-base"
).split()
# What a machine that only runs it needs.
RUN_PACKAGES = (
    "gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-plugins-bad gstreamer1.0-libav gstreamer1.0-nice "
    "libgstrtspserver-1.0-0"
).split()
APT_TRIES = 2  # a second apt running at the same time makes the first one fail
APT_PAUSE = 10  # s between tries
PIP_TRIES = ["--retries", "2", "--disable-pip-version-check"]  # so that "no network" is said within seconds
NETWORK_WORDS = ("connection", "resolution", "timed out", "econnrefused", "enotfound", "proxy", "certificate")
SHOWN = 200  # characters of another program's words
ROOM = 3 << 30  # bytes: apt packages 1.2 GB, Python environment 0.4 GB, archives and models 0.3 GB, and some air
OLDEST_PYTHON = (3, 11)  # the first with tomllib; Debian 12 has it


def check_basics() -> None:
    """Stops early where nothing below could work."""
    if sys.version_info < OLDEST_PYTHON:
        raise Problem(f"Python {platform.python_version()} is too old for set-up; install Python 3.11 or newer")
    if platform.machine() != "x86_64" or platform.system() != "Linux":
        raise Problem(f"set-up fetches files for x86_64 Linux only, and this is {platform.machine()} {platform.system()}")


def check_room(root: Path) -> None:
    """Only asked when something is about to be fetched or installed."""
    free = shutil.disk_usage(root).free
    if free < ROOM:
        needs = f"set-up needs {ROOM >> 30} GB of free disk under {root} and {free / (1 << 30):.1f} GB are left"
        raise Problem(f"{needs}; make room and run it again")


def install_packages(log: Path, wanted: list[str] = APT_PACKAGES) -> None:
    """Installs the Debian packages that are missing; does nothing, quickly, when none is."""
    missing = missing_packages(wanted)
    if not missing:
        return
    if os.geteuid() != 0:
        command = f"sudo apt-get install {' '.join(missing)}"
        raise Problem(f"only root can install the missing Debian packages; run `{command}` and then `make setup` again")
    check_room(Path("/usr"))
    note(f"apt: installing {len(missing)} packages, one to three minutes (log: {log})")
    started = time.monotonic()
    for attempt in range(1, APT_TRIES + 1):
        if _apt(["update"], log) and _apt(["install", "-y", "--no-install-recommends", *missing], log):
            break
        if attempt < APT_TRIES:
            note(f"apt: failed, trying once more in {APT_PAUSE} s")
            time.sleep(APT_PAUSE)
    if "mosquitto" in missing and shutil.which("systemctl"):
        # Tests start a broker of their own; the one that Debian would run from now on was not asked for.
        subprocess.run(["systemctl", "disable", "--now", "mosquitto"], capture_output=True)
    missing = missing_packages(wanted)
    if missing:
        failure = f"apt-get could not install {' '.join(missing)}"
        raise Problem(f"{failure}; check the network and {log}, then run `make setup` again")
    note(f"apt: done ({time.monotonic() - started:.1f} s)")


def missing_packages(wanted: list[str]) -> list[str]:
    """Those that dpkg does not list as installed."""
    if not shutil.which("dpkg-query"):
        by_hand = "install GStreamer 1.22 or newer with its -dev files and ffmpeg by hand"
        raise Problem(f"set-up installs Debian packages and this system has no dpkg; {by_hand}")
    query = ["dpkg-query", "-W", "-f", "${Package} ${db:Status-Status}\\n", *wanted]
    listed = subprocess.run(query, capture_output=True, text=True).stdout.splitlines()
    installed = {line.split()[0] for line in listed if line.endswith(" installed")}
    return [package for package in wanted if package not in installed]


def _apt(arguments: list[str], log: Path) -> bool:
    """One apt-get call, its words in the log; waits up to two minutes for another apt to finish."""
    command = ["apt-get", "-q", "-o", "DPkg::Lock::Timeout=120", *arguments]
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("a") as out:
        env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        return subprocess.run(command, stdout=out, stderr=out, stdin=subprocess.DEVNULL, env=env).returncode == 0


def python_environment(root: Path) -> Path:
    """The interpreter of `.venv`, with exactly models/requirements.txt installed (hashes checked by pip)."""
    place, wanted = root / ".venv", root / "models/requirements.txt"
    python, stamp = place / "bin/python", place / "requirements.sha256"
    digest = hashlib.sha256(wanted.read_bytes()).hexdigest()
    if python.exists() and stamp.exists() and stamp.read_text() == digest:
        return python
    check_room(root)
    note("python: installing the preparation tools into .venv, about half a minute")
    started = time.monotonic()
    # Without pip: Debian's python3 has no ensurepip, and the pip outside can install into it.
    _python([sys.executable, "-m", "venv", "--clear", "--without-pip", str(place)], "could not create .venv")
    install = ["--python", str(python), "install", "-q", *PIP_TRIES, "--require-hashes", "--only-binary=:all:", "-r", str(wanted)]
    _python([sys.executable, "-m", "pip", *install], "pip could not install models/requirements.txt")
    stamp.write_text(digest)
    note(f"python: done ({time.monotonic() - started:.1f} s)")
    return python


def _python(command: list[str], failure: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise Problem(f"{failure} ({last_words(done.stderr)}); check the network and the disk, then run `make setup` again")


def last_words(text: str) -> str:
    """Why an unhappy program stopped, in few words: the network, or else its last error, or else its last line."""
    lines = [line.strip() for line in text.splitlines() if line.strip()] or ["it said nothing"]
    if any(word in text.lower() for word in NETWORK_WORDS):
        return "its server could not be reached"
    errors = [line for line in lines if "error" in line.lower()]
    return (errors or lines)[-1][:SHOWN]
