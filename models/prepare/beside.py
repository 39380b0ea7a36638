"""Flyball and the Python loop on the same clip, in turn, in one run: `make bench`.

CPU time is what is compared, because wall time on a shared machine says little, and the median of the pairs' ratios is
what is quoted, because the machine's speed drifts between pairs. Figures go to target/reports/bench.json.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from datetime import datetime, timezone
from pathlib import Path

from .say import Problem, note

ROUNDS = 3
REPORT = "target/reports/bench.json"


def compare(root: Path, clip: Path, program: Path) -> None:
    """Alternates the two; prints a row each and the medians."""
    rows = []
    for number in range(1, ROUNDS + 1):
        note(f"bench: round {number} of {ROUNDS}")
        flyball = last_object([str(program), "bench", str(clip), "--json"])
        python = last_object([sys.executable, "-m", "prepare", "loop", "--clip", str(clip)])
        rows.append({"flyball": flyball, "python": python, "ratio": flyball["cpu_ms_per_frame"] / python["cpu_ms_per_frame"]})
    report = {"clip": clip.name, "date": datetime.now(timezone.utc).isoformat(timespec="seconds"), **summary(rows), "rounds": rows}
    (root / REPORT).parent.mkdir(parents=True, exist_ok=True)
    (root / REPORT).write_text(json.dumps(report, indent=1) + "\n")
    show(report)


def last_object(command: list[str]) -> dict:
    """The JSON object a command prints as its last line."""
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise Problem(f"`{' '.join(command)}` failed: {done.stderr.strip().splitlines()[-1:]}")
    return json.loads(done.stdout.strip().splitlines()[-1])


def summary(rows: list[dict]) -> dict:
    """Medians over the rounds."""

    def middle(of):
        return round(statistics.median(of(row) for row in rows), 3)

    return {
        "flyball_cpu_ms_per_frame": middle(lambda row: row["flyball"]["cpu_ms_per_frame"]),
        "python_cpu_ms_per_frame": middle(lambda row: row["python"]["cpu_ms_per_frame"]),
        "ratio": middle(lambda row: row["ratio"]),
        "overhead": middle(lambda row: row["flyball"]["overhead"]),
    }


def show(report: dict) -> None:
    """A row a round, then the medians."""
    print(f"{'round':<8}{'Flyball':>12}{'Python loop':>14}{'ratio':>8}{'overhead':>10}")
    for number, row in enumerate(report["rounds"], 1):
        ours, theirs = row["flyball"]["cpu_ms_per_frame"], row["python"]["cpu_ms_per_frame"]
        print(f"{number:<8}{ours:>9.1f} ms{theirs:>11.1f} ms{row['ratio']:>8.2f}{row['flyball']['overhead']:>10.2f}")
    ours, theirs = report["flyball_cpu_ms_per_frame"], report["python_cpu_ms_per_frame"]
    print(f"{'median':<8}{ours:>9.1f} ms{theirs:>11.1f} ms{report['ratio']:>8.2f}{report['overhead']:>10.2f}")
    print(json.dumps({key: report[key] for key in report if key != "rounds"}))
