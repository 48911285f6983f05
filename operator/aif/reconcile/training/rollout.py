"""From placements to children: what has to be applied, made anew, or taken away."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from aif.api.trainingjob import Tls, TrainingJob
from aif.api.trainingjob_status import RolePlacement
from aif.domain.actions import Action, Apply, Delete, MakeCertificates
from aif.domain.cluster import Child
from aif.domain.learning import TEMPLATE_LABEL, JobView, RoleGroup, roles_of
from aif.reconcile.children import covers
from aif.reconcile.copies import HOSTNAME, Json
from aif.reconcile.training.children import certificates, config_map, network_policy, service
from aif.reconcile.training.files import service_name
from aif.reconcile.training.pods import batch_job
from aif.reconcile.training.scene import JobSnapshot
from aif.reconcile.training.signing import certificate, signed, unsigned


def rollout(job: TrainingJob, placements: Sequence[RolePlacement], snapshot: JobSnapshot) -> list[Action]:
    """Return what brings the children of ``job`` to where they should be; nothing where they are there.

    A Job cannot be changed: one whose pods are to be others goes, and comes anew once it is gone. Jobs come last, when
    it is known at which address each role will be dialled, and once its certificates are signed.
    """
    view, roles = snapshot.view, roles_of(job)
    first = [*_shared(job, view), *(action for role in roles for action in _beside(job, role, view))]
    if first:
        return first
    if unsigned(job, view):
        return []
    hosts = _hosts(job, snapshot)
    if any(service_name(job, role.name) not in hosts for role in roles if role.listens):
        return []
    return [action for role in roles for action in _job(job, role, placements, snapshot, hosts)]


def removal(job: TrainingJob, view: JobView, *, finished: bool) -> list[Action]:
    """Return what takes the Jobs of ``job`` away; those that are done stay where the whole has ended."""
    jobs = (child for child in view.children if child.reference.kind == "Job" and _ours(child, job))
    return [_delete(child) for child in jobs if not child.terminating and not (finished and _over(child))]


def _shared(job: TrainingJob, view: JobView) -> Iterator[Action]:
    """Yield the certificates where nothing was made yet: what is in the Secret nobody here can read."""
    talks = job.spec.tls is Tls.MADE and len(roles_of(job)) > 1
    if talks and not any(child.reference.kind == "ConfigMap" for child in view.children):
        body, names = certificates(job)
        yield MakeCertificates(body, names)


def _beside(job: TrainingJob, role: RoleGroup, view: JobView) -> Iterator[Action]:
    bodies = [network_policy(job, role), *([service(job, role)] if role.listens else []), config_map(job, role)]
    bodies += [certificate(job, role)] if role in signed(job) else []
    for body in bodies:
        known = view.child(body["kind"], body["metadata"]["name"])
        if known is None or not (_ours(known, job) and covers(known.body, body)):
            yield Apply(body, known=known is not None and _ours(known, job))


def _job(
    job: TrainingJob,
    role: RoleGroup,
    placements: Sequence[RolePlacement],
    snapshot: JobSnapshot,
    hosts: dict[str, str],
) -> Iterator[Action]:
    own = [each for each in placements if each.role == role.name]
    if any(each.node_name not in hosts for each in own):
        return
    body: Json = batch_job(job, role, own, hosts, snapshot.policy)
    known = snapshot.view.child("Job", body["metadata"]["name"])
    if known is None:
        yield Apply(body)
    elif _ours(known, job) and not known.terminating:
        same = known.labels.get(TEMPLATE_LABEL) == body["metadata"]["labels"][TEMPLATE_LABEL]
        if not same and not _over(known):
            yield _delete(known)
    elif not _ours(known, job):
        yield Apply(body)  # refused by whoever looks at it: the name is somebody else's


def _hosts(job: TrainingJob, snapshot: JobSnapshot) -> dict[str, str]:
    """Return the hostname of each Node, and the address of each of the job's Services."""
    found = {name: node.labels.get(HOSTNAME, name) for name, node in snapshot.nodes.items()}
    for role in roles_of(job):
        child = snapshot.view.child("Service", name := service_name(job, role.name)) if role.listens else None
        if child is not None and (address := (child.body.get("spec") or {}).get("clusterIP")):
            found[name] = str(address)
    return found


def _ours(child: Child, job: TrainingJob) -> bool:
    return child.owner_uid == job.metadata.uid


def _over(child: Child) -> bool:
    conditions = (child.body.get("status") or {}).get("conditions") or ()
    return any(one.get("type") in ("Complete", "Failed") and one.get("status") == "True" for one in conditions)


def _delete(child: Child) -> Delete:
    return Delete(child.reference, child.resource_version)
