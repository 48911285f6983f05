"""Conditions and the one enumeration of reasons that all kinds share."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from aif.api.base import ApiModel, Count, Timestamp

ConditionStatus = Literal["True", "False", "Unknown"]


class Reason(StrEnum):
    """Why a condition has its status; where several hold, the first of this list is told."""

    INVALID_SPEC = "InvalidSpec"
    REF_NOT_FOUND = "RefNotFound"
    NAME_CONFLICT = "NameConflict"

    VERIFICATION_FAILED = "VerificationFailed"
    VERIFICATION_PENDING = "VerificationPending"
    NODE_UNREACHABLE = "NodeUnreachable"
    NODE_NOT_READY = "NodeNotReady"

    SUSPENDED = "Suspended"
    PREEMPTED = "Preempted"
    WAITING_FOR_QUOTA = "WaitingForQuota"
    QUOTA_EXCEEDED = "QuotaExceeded"
    AWAITING_APPROVAL = "AwaitingApproval"
    WAITING_FOR_START = "WaitingForStart"
    NOT_IMPLEMENTED = "NotImplemented"

    NODE_NOT_JOINED = "NodeNotJoined"
    NODE_CORDONED = "NodeCordoned"
    NOT_SELECTED = "NotSelected"
    CAPABILITY_STALE = "CapabilityStale"
    ALLOCATABLE_LOWERED = "AllocatableLowered"
    CAPABILITY_NOT_ATTAINED = "CapabilityNotAttained"
    SECURITY_INFEASIBLE = "SecurityInfeasible"
    PRIVACY_INFEASIBLE = "PrivacyInfeasible"
    ACCELERATOR_UNAVAILABLE = "AcceleratorUnavailable"
    MEMORY_INFEASIBLE = "MemoryInfeasible"
    LATENCY_INFEASIBLE = "LatencyInfeasible"
    COMPUTE_INFEASIBLE = "ComputeInfeasible"
    BANDWIDTH_INFEASIBLE = "BandwidthInfeasible"
    ACCURACY_INFEASIBLE = "AccuracyInfeasible"
    AVAILABILITY_INFEASIBLE = "AvailabilityInfeasible"
    TRANSFER_INFEASIBLE = "TransferInfeasible"
    STORAGE_INFEASIBLE = "StorageInfeasible"
    TIME_INFEASIBLE = "TimeInfeasible"
    ENERGY_BUDGET_EXCEEDED = "EnergyBudgetExceeded"
    CAPACITY_RESERVED = "CapacityReserved"
    NO_CANDIDATE_NODE = "NoCandidateNode"
    NO_SURGE_CAPACITY = "NoSurgeCapacity"

    IMAGE_PULL_FAILED = "ImagePullFailed"
    CRASH_LOOPING = "CrashLooping"
    NO_READY_ENDPOINT = "NoReadyEndpoint"

    PROMETHEUS_ERROR = "PrometheusError"
    METRICS_MISSING = "MetricsMissing"
    METRICS_STALE = "MetricsStale"
    BUCKET_TOO_COARSE = "BucketTooCoarse"
    TOO_FEW_REQUESTS = "TooFewRequests"

    LATENCY_BREACHED = "LatencyBreached"
    ENERGY_BREACHED = "EnergyBreached"
    ACCURACY_BREACHED = "AccuracyBreached"
    AVAILABILITY_BREACHED = "AvailabilityBreached"
    JITTER_BREACHED = "JitterBreached"
    RELIABILITY_BREACHED = "ReliabilityBreached"
    TIME_BREACHED = "TimeBreached"
    TRANSFER_BREACHED = "TransferBreached"
    STORAGE_BREACHED = "StorageBreached"
    WAITING_OUT_SPIKE = "WaitingOutSpike"
    SCALE_INSTEAD = "ScaleInstead"
    RESOURCE_OVERLOADED = "ResourceOverloaded"
    NODE_OVERLOADED = "NodeOverloaded"

    MIGRATION_TIMEOUT = "MigrationTimeout"
    CONTRACT_NOT_VERIFIED = "ContractNotVerified"
    ROLLED_BACK = "RolledBack"
    MIGRATION_FORBIDDEN = "MigrationForbidden"
    RATE_LIMITED = "RateLimited"
    COOLING_DOWN = "CoolingDown"
    GAIN_TOO_SMALL = "GainTooSmall"
    ABORTED = "Aborted"
    SUPERSEDED = "Superseded"

    SPEC_CHANGED = "SpecChanged"
    REQUESTED = "Requested"
    REBALANCE = "Rebalance"
    HANDOVER_EXPECTED = "HandoverExpected"

    CERTIFICATE_PENDING = "CertificatePending"
    K_ANONYMITY_NOT_REACHED = "KAnonymityNotReached"
    QUORUM_NOT_REACHED = "QuorumNotReached"
    WAITING_FOR_CONSENT = "WaitingForConsent"
    CLIENT_LOST = "ClientLost"
    DIVERGED = "Diverged"
    VALIDATION_FAILED = "ValidationFailed"
    DEADLINE_EXCEEDED = "DeadlineExceeded"
    JOB_FAILED = "JobFailed"

    TARGET_REACHED = "TargetReached"
    CONVERGED = "Converged"
    ROUNDS_REACHED = "RoundsReached"

    PROGRESSING = "Progressing"
    SERVED_LOCALLY = "ServedLocally"
    AS_EXPECTED = "AsExpected"


class Condition(ApiModel):
    """One aspect of an object's state, as ``metav1.Condition``."""

    type: Annotated[str, Field(max_length=64)]
    """Aspect that is judged, such as Ready or Placed."""

    status: ConditionStatus
    """True, False, or Unknown until judged."""

    reason: Annotated[str, Field(max_length=64)]
    """Stable CamelCase word for programs."""

    message: Annotated[str, Field(max_length=1024)] = ""
    """Sentence for people: what is short, by how much, and what to do."""

    last_transition_time: Timestamp
    """When the status last changed."""

    observed_generation: Count | None = None
    """Generation of the spec that was judged."""
