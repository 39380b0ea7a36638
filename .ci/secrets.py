"""Looks for secrets in everything Git tracks: keys, tokens, passwords in addresses. Exit status 1 with file and line, never with
the secret itself.

A line that only looks like one ends with `secret-scan: ` and why it is none, or its file is listed below.
"""

from __future__ import annotations

import re
import subprocess
import sys

from crates import ROOT

PATTERNS = {
    "a private key": re.compile(r"-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----"),
    "a cloud access key": re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"),
    "a GitHub token": re.compile(r"\b(?:ghp|gho|ghs|ghr|github_pat)_[0-9A-Za-z_]{30,}"),
    "a Slack token": re.compile(r"\bxox[abprs]-[0-9A-Za-z-]{10,}"),
    "a Google key": re.compile(r"\bAIza[0-9A-Za-z_-]{35}\b"),
    "an npm or PyPI token": re.compile(r"\b(?:npm_[0-9A-Za-z]{36}|pypi-AgEI[0-9A-Za-z_-]{20,})"),
    "a JSON web token": re.compile(r"\beyJ[0-9A-Za-z_-]{10,}\.eyJ[0-9A-Za-z_-]{10,}\.[0-9A-Za-z_-]{10,}"),
    "an error-reporting key": re.compile(r"https://[0-9a-f]{32}@[\w.-]+/\d+"),
}
# Paths whose keys open nothing, each with why.
KNOWN = {
    "tests/certificates/": "made for the tests of TLS, trusted by nobody else",
}
SHOWN_AS_EXAMPLE = "secret-scan: "
LARGEST = 1 << 20  # bytes; what is longer is data


def tracked() -> list[str]:
    """Paths that Git tracks or would."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split("\0")[:-1]


def find(text: str) -> list[tuple[int, str]]:
    """Line numbers, and what stands there."""
    lines = enumerate(text.splitlines(), start=1)
    return [(at, kind) for at, line in lines if SHOWN_AS_EXAMPLE not in line for kind, it in PATTERNS.items() if it.search(line)]


def main() -> None:
    found = 0
    for name in tracked():
        path = ROOT / name
        known = any(name.startswith(folder) for folder in KNOWN)
        if known or not path.is_file() or path.stat().st_size > LARGEST:
            continue
        for line, kind in find(path.read_text(errors="replace")):
            found += 1
            print(f"{name}:{line}: looks like {kind}")
    print(f"secret scan: {found} found")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
