"""A move at one moment: both ends of it, and what is known of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from aif.api.aiservice import AIService
from aif.api.conditions import Reason
from aif.api.migration_status import MigrationStatus, Phase, Placement
from aif.domain.actions import Emit
from aif.domain.cluster import ObjectReference
from aif.reconcile.moving.state import advanced, course_of
from aif.reconcile.rollout import reference
from aif.reconcile.snapshot import Snapshot

IMAGE_FAULTS = frozenset({"ImagePullBackOff", "ErrImagePull", "InvalidImageName", "ErrImageNeverPull"})
"""What the kubelet says where an image does not come."""


@dataclass(frozen=True, slots=True)
class Scene:
    """A move at one moment.

    Attributes:
        service: What moves.
        move: How far it has come.
        snapshot: The world.
        now: The time.
        news: What was found out on the way, for people.
    """

    service: AIService
    move: MigrationStatus
    snapshot: Snapshot
    now: datetime
    news: tuple[Emit, ...] = ()

    @property
    def leaving(self) -> list[Placement]:
        """Return the placements that are left."""
        copies = {each.copy_id for each in self.move.sources}
        return [each for each in self.service.status.placements if each.copy_id in copies]

    @property
    def target_ready(self) -> bool:
        """Tell whether all replicas of the new copies are ready."""
        view = self.snapshot.view
        return all(view.ready_pods(each.copy_id) >= each.replicas for each in self.move.targets)

    @property
    def target_serves(self) -> bool:
        """Tell whether the Service leads to all of them."""
        view = self.snapshot.view
        return all(view.serving_pods(each.copy_id) >= each.replicas for each in self.move.targets)

    @property
    def source_ready(self) -> bool:
        """Tell whether a copy that is left could still serve."""
        return any(self.snapshot.view.ready_pods(each.copy_id) for each in self.leaving)

    @property
    def here(self) -> ObjectReference:
        """Return the service, for events."""
        return reference(self.service)

    @property
    def course(self) -> str:
        """Return which move it is, for people."""
        return course_of(self.move)

    @property
    def fault(self) -> Reason | None:
        """Return why a pod of the new copies does not run, where the kubelet says so."""
        copies = {each.copy_id for each in self.move.targets}
        waiting = {pod.waiting for pod in self.snapshot.view.pods if pod.copy in copies}
        if waiting & IMAGE_FAULTS:
            return Reason.IMAGE_PULL_FAILED
        return Reason.CRASH_LOOPING if "CrashLoopBackOff" in waiting else None

    def on(self, phase: Phase, *news: Emit, **told: object) -> Scene:
        """Return the scene in the next phase."""
        return replace(self, move=advanced(self.move, phase, self.now, **told), news=(*self.news, *news))
