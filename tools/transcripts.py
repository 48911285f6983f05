"""Runs the ``aif`` commands that documents show, and writes what they print below them.

A transcript is a block of ``console`` whose first line is ``$ aif ...`` with files, so that it needs no cluster.

Usage: ``python tools/transcripts.py [--check] [FILE...]``
"""

from __future__ import annotations

import argparse
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
WIDTH = 120
TRANSCRIPT = re.compile(r"(?<=^```console\n)\$ (aif [^\n]*-f [^\n]*)\n.*?(?=^```$)", re.MULTILINE | re.DOTALL)


def documents() -> list[Path]:
    """All documents that may hold transcripts."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def output(command: str) -> str:
    """What ``command`` prints at the root of the project, without colours and without blanks at the end of a line."""
    program, *arguments = shlex.split(command)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AIF_")}
    done = subprocess.run(
        [str(BIN / program), *arguments],
        cwd=ROOT,
        env=environment | {"COLUMNS": str(WIDTH), "NO_COLOR": "1", "PYTHONIOENCODING": "utf-8"},
        check=False,
        capture_output=True,
        text=True,
    )
    return "".join(f"{line.rstrip()}\n" for line in (done.stdout + done.stderr).rstrip().splitlines())


def renewed(text: str) -> str:
    """``text`` with the present output in each transcript."""
    return TRANSCRIPT.sub(lambda found: f"$ {found[1]}\n{output(found[1])}", text)


def main() -> int:
    """Renew the transcripts of the files that were named, or of all; with ``--check`` only say which are old."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing; 1 where a transcript is not up to date")
    parser.add_argument("files", nargs="*", type=Path)
    asked = parser.parse_args()
    old = 0
    for path in asked.files or documents():
        text = path.read_text(encoding="utf-8")
        new = renewed(text)
        if new == text:
            continue
        old += 1
        if not asked.check:
            path.write_text(new, encoding="utf-8")
        print(f"{path}: {'not what the commands print; run python tools/transcripts.py' if asked.check else 'renewed'}")
    return 1 if asked.check and old else 0


if __name__ == "__main__":
    sys.exit(main())
