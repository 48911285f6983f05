"""The release before the present one, unpacked from the history of the repository."""

from __future__ import annotations

import os
import subprocess
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from documents import ROOT

CHOSEN: Final = "AIF_E2E_PREVIOUS"
"""Names the commit to upgrade from, where another than the last one is to be tried."""

OPERATOR: Final = ("operator/aif", "crds", "manifests/base")
"""What a release consists of, as far as a process beside the cluster needs it."""


@dataclass(frozen=True, slots=True)
class Release:
    """A tree that holds `OPERATOR`, and what a report calls it."""

    title: str
    tree: Path


def previous(folder: Path, environ: Mapping[str, str] = os.environ, root: Path = ROOT) -> Release:
    """Return the release before the tree at `root`, unpacked into `folder`.

    It is the commit that is named, else the last one whose operator is another. A copy without that history yields the
    tree itself: then the test is one of a restart, as the title says.
    """
    commit = environ.get(CHOSEN, "") or _last_other(root)
    if not commit:
        return Release("this very tree, as the history holds no operator before it", root)
    archive = folder / "release.tar"
    archive.write_bytes(_git(root, "archive", "--format=tar", commit, *OPERATOR))
    with tarfile.open(archive) as packed:
        packed.extractall(folder, filter="data")
    return Release(_git(root, "show", "--no-patch", "--format=commit %h (%s)", commit).decode().strip(), folder)


def _last_other(root: Path) -> str:
    """Return the newest commit whose operator differs from the tree's; empty where there is none, or no history."""
    try:
        commits = _git(root, "log", "--first-parent", "--format=%H", "--", *OPERATOR).decode().split()
        older = [f"{commit}^" for commit in commits]
        return next(
            (each for each in [*commits[:1], *older[:1]] if _holds(root, each) and _differs(root, each)),
            "",
        )
    except (OSError, subprocess.CalledProcessError):
        return ""


def _holds(root: Path, commit: str) -> bool:
    """Tell whether the history reaches to a commit, and an operator was there."""
    return all(_succeeds(root, "rev-parse", "--quiet", "--verify", f"{commit}:{path}") for path in OPERATOR)


def _differs(root: Path, commit: str) -> bool:
    return not _succeeds(root, "diff", "--quiet", commit, "--", *OPERATOR)


def _succeeds(root: Path, *arguments: str) -> bool:
    command = ["git", "-C", str(root), *arguments]
    return subprocess.run(command, check=False, capture_output=True).returncode == 0


def _git(root: Path, *arguments: str) -> bytes:
    return subprocess.run(["git", "-C", str(root), *arguments], check=True, capture_output=True).stdout
