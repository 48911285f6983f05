"""kubectl, as a user calls it."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass

from cluster.api import Cluster


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

    def _context(self) -> tuple[str, ...]:
        return ("--context", self.cluster.context) if self.cluster.context else ()
