"""The kinds of the API group: what a CustomResourceDefinition says besides the schema."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from aif.api.aiservice import AIService
from aif.api.base import GROUP, ApiModel
from aif.api.columns import AISERVICE_COLUMNS, COMPUTENODE_COLUMNS, TRAININGJOB_COLUMNS, Column
from aif.api.computenode import ComputeNode
from aif.api.trainingjob import TrainingJob

CATEGORY: Final = "aif"


@dataclass(frozen=True, slots=True)
class Scale:
    """JSONPaths of the scale subresource, through which a HorizontalPodAutoscaler drives a kind."""

    spec_replicas: str
    status_replicas: str
    selector: str


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind, its names, and how ``kubectl`` shows and selects it."""

    model: type[ApiModel]
    plural: str
    short_name: str
    namespaced: bool
    columns: tuple[Column, ...]
    selectable: tuple[str, ...]
    scale: Scale | None = None

    @property
    def name(self) -> str:
        """Return the kind as manifests spell it."""
        return self.model.__name__

    @property
    def crd_name(self) -> str:
        """Return the name of the CustomResourceDefinition."""
        return f"{self.plural}.{GROUP}"


AISERVICE: Final = Kind(
    model=AIService,
    plural="aiservices",
    short_name="ais",
    namespaced=True,
    columns=AISERVICE_COLUMNS,
    selectable=(".spec.serviceType", ".status.summary.node"),
    scale=Scale(".spec.workload.replicas", ".status.replicas", ".status.selector"),
)

COMPUTENODE: Final = Kind(
    model=ComputeNode,
    plural="computenodes",
    short_name="cn",
    namespaced=False,
    columns=COMPUTENODE_COLUMNS,
    selectable=(".spec.tier", ".spec.origin", ".spec.nodeName"),
)

TRAININGJOB: Final = Kind(
    model=TrainingJob,
    plural="trainingjobs",
    short_name="tj",
    namespaced=True,
    columns=TRAININGJOB_COLUMNS,
    selectable=(".spec.mode", ".status.summary.state"),
)

KINDS: Final = (AISERVICE, COMPUTENODE, TRAININGJOB)
