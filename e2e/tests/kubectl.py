"""kubectl, as a user calls it."""

from __future__ import annotations

import os
import subprocess
import time
from dataclasses import dataclass
from typing import Final

from cluster.api import Cluster

_PAUSE_S: Final = 0.2


class KubectlFailed(AssertionError):
    """kubectl ended with an error; the text is what it printed."""


@dataclass(frozen=True, slots=True)
class Kubectl:
    """kubectl, bound to a cluster: a call returns what it printed."""

    cluster: Cluster

    def __call__(self, *arguments: str, stdin: str | None = None) -> str:
        """Run kubectl with `arguments`.

        Raises:
            KubectlFailed: It ended with an error.
        """
        done = subprocess.run(
            [str(self.cluster.kubectl or "kubectl"), *self._context(), *arguments],
            input=stdin,
            env=os.environ | self._environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise KubectlFailed(f"kubectl {' '.join(arguments)}: {done.stderr.strip()}")
        return done.stdout

    def _environment(self) -> dict[str, str]:
        return {"KUBECONFIG": self.cluster.kubeconfig} if self.cluster.kubeconfig else {}

    def await_kinds(self, *kinds: str, seconds: int = 60) -> None:
        """Wait until these CustomResourceDefinitions (names, or `-f` and a path) are served.

        `kubectl wait` fails on one that was created a moment ago and has no conditions yet.
        """
        end = time.monotonic() + seconds
        while True:
            try:
                self("wait", "--for=condition=Established", f"--timeout={seconds}s", *kinds)
            except KubectlFailed as error:
                if "accessor error" not in str(error) or time.monotonic() > end:
                    raise
                time.sleep(_PAUSE_S)
            else:
                return

    def _context(self) -> tuple[str, ...]:
        return ("--context", self.cluster.context) if self.cluster.context else ()
