"""The events that people read in ``kubectl describe``, a constructor each."""

from __future__ import annotations

from typing import Literal

from aif.domain.actions import Emit
from aif.domain.cluster import ObjectReference

RETIRED = "Retired"


def placed(service: ObjectReference, node: str, variant: str, why: str) -> Emit:
    """Tell where a service was placed, and why there."""
    return Emit(service, "Normal", "Placed", "Place", f"Placed on {node} as variant {variant}: {why}")


def replaced(service: ObjectReference, source: str, target: str, why: str) -> Emit:
    """Tell that a new copy comes up in place of one that serves no more."""
    note = f"New copy on {target} in place of the one on {source}, which serves no more: {why}"
    return Emit(service, "Normal", "Moving", "Place", note)


def move_started(service: ObjectReference, course: str, trigger: str, why: str) -> Emit:
    """Tell that a new copy comes up while the old one serves, and why."""
    return Emit(service, "Normal", "MoveStarted", "Move", f"{course}, because of {trigger}: {why}")


def target_ready(service: ObjectReference, course: str) -> Emit:
    """Tell that both copies serve, and are judged."""
    return Emit(service, "Normal", "TargetReady", "Move", f"{course}: the new copy is ready, both serve")


def verified(service: ObjectReference, course: str, by: str) -> Emit:
    """Tell what says that the new copy may take over."""
    return Emit(service, "Normal", "ContractVerified", "Move", f"{course}: the new copy may take over, by {by}")


def switched(service: ObjectReference, course: str) -> Emit:
    """Tell that the new copy serves alone, while the old one stands ready."""
    note = f"{course}: requests go to the new copy, the old one stands ready"
    return Emit(service, "Normal", "TrafficSwitched", "Move", note)


def completed(service: ObjectReference, course: str, seconds: float) -> Emit:
    """Tell that a move is over, and how long it took."""
    return Emit(service, "Normal", "Completed", "Move", f"{course}: over after {seconds:.0f} s, the old copy is gone")


def rolled_back(service: ObjectReference, course: str, reason: str, why: str) -> Emit:
    """Tell that the old copy serves on, and why."""
    return Emit(service, "Warning", "RolledBack", "Move", f"{course}: taken back, {reason}: {why}")


def forbidden(service: ObjectReference, message: str) -> Emit:
    """Tell a person why a move that was asked for cannot be."""
    return Emit(service, "Warning", "MigrationForbidden", "Move", message)


def retired(service: ObjectReference, copy: str) -> Emit:
    """Tell that a copy goes that is not wanted any more."""
    return Emit(service, "Normal", RETIRED, "Retire", f"Copy {copy} goes: others serve in its place")


def refused(service: ObjectReference, reason: str, message: str) -> Emit:
    """Tell why a service is not placed."""
    return Emit(service, "Warning", reason, "Place", message)


def suspended(service: ObjectReference) -> Emit:
    """Tell that a service was stopped on request."""
    return Emit(service, "Normal", "Suspended", "Suspend", "Copies removed and capacity released")


def repaired(service: ObjectReference, kind: str, name: str) -> Emit:
    """Tell that somebody had changed a child, and that it is restored."""
    return Emit(service, "Warning", "Repaired", "Repair", f"{kind} {name} had been changed and was restored")


def proposed(service: ObjectReference, node: str, token: str) -> Emit:
    """Tell what waits for a person, and how to let it go on."""
    note = f"Would place on {node}; approve with the annotation net4ai.io/approve={token}"
    return Emit(service, "Normal", "AwaitingApproval", "Propose", note)


def alarm(service: ObjectReference, reason: str, sentence: str) -> Emit:
    """Tell that a promise of the contract has been broken for long enough."""
    return Emit(service, "Warning", reason, "Alarm", sentence)


def cleared(service: ObjectReference, sentence: str) -> Emit:
    """Tell that a broken promise is kept again."""
    return Emit(service, "Normal", "AlarmCleared", "Alarm", sentence)


def node_alarm(node: ObjectReference, reason: str, sentence: str) -> Emit:
    """Tell that something is wrong with a node."""
    return Emit(node, "Warning", reason, "Alarm", sentence)


def node_cleared(node: ObjectReference, condition: str, sentence: str) -> Emit:
    """Tell that what was wrong with a node no longer is."""
    return Emit(node, "Normal", "AlarmCleared", "Alarm", f"{condition}: {sentence}")


def registered(node: ObjectReference, tier: str) -> Emit:
    """Tell that a Node was registered as a ComputeNode."""
    return Emit(node, "Normal", "Registered", "Register", f"Registered as ComputeNode of tier {tier}")


def unregistrable(node: ObjectReference, reason: str, message: str) -> Emit:
    """Tell why a Node or ComputeNode is not taken."""
    return Emit(node, "Warning", reason, "Register", message)


def job_placed(job: ObjectReference, where: str, *, again: bool) -> Emit:
    """Tell where the roles of a training job go."""
    return Emit(job, "Normal", "Placed", "Place", f"{'Placed anew' if again else 'Placed'}: {where}")


def job_waits(job: ObjectReference, message: str) -> Emit:
    """Tell what a training job waits for before it starts."""
    return Emit(job, "Normal", "WaitingForStart", "Place", message)


def job_trains(job: ObjectReference, run: int) -> Emit:
    """Tell that enough clients are there, and rounds are made."""
    return Emit(job, "Normal", "Training", "Train", f"Training goes on in run {run}" if run > 1 else "Training began")


def job_held_back(job: ObjectReference, reason: str, message: str) -> Emit:
    """Tell that a training job was stopped, on request or for a service, and keeps its rounds."""
    return Emit(job, "Normal", reason, "Suspend", f"{message}; pods removed, capacity released")


def job_alarm(job: ObjectReference, reason: str, message: str) -> Emit:
    """Tell that a training job lacks something, or breaks a bound of its contract."""
    return Emit(job, "Warning", reason, "Alarm", message)


def job_ended(job: ObjectReference, reason: str, message: str, *, failed: bool) -> Emit:
    """Tell how a training job ended."""
    kind: Literal["Normal", "Warning"] = "Warning" if failed else "Normal"
    return Emit(job, kind, reason, "End", f"{'Failed' if failed else 'Complete'}: {message}")
