"""What the commands do, once the command line is parsed."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import UTC, datetime
from types import ModuleType
from typing import TYPE_CHECKING

from aif.api.aiservice import AIService
from aif.cli import nodes
from aif.cli.explain import explanation, history
from aif.cli.explain import view as explanation_view
from aif.cli.inputs import load
from aif.cli.output import Json, Output, View, errors, show, show_again
from aif.cli.simulation import placements, replay_view
from aif.cli.simulation.decisions import Simulation
from aif.cli.simulation.decisions import simulate as simulated
from aif.cli.simulation.replay import Wanted, recording
from aif.cli.top import jobs as top_jobs
from aif.cli.top import nodes as top_nodes
from aif.cli.top import services as top_services
from aif.errors import InvalidInput
from aif.scheduling.ledger import Ledger
from aif.settings import Settings

if TYPE_CHECKING:
    from aif.cli.live import Access


def simulate(files: Sequence[str], output: Output) -> bool:
    """Print what would be placed where; return whether every service and job finds a place.

    Raises:
        InvalidInput: A file cannot be read, or an object in it breaks a rule.
    """
    result = of_files(files)
    show(placements.placements(result), output, lambda screen: placements.view(result, screen))
    return not (result.unplaced or result.unplaced_jobs)


def is_recording(path: str) -> bool:
    """Tell whether ``path`` is a folder that an operator recorded its decisions into."""
    return bool(recording(path))


def replay(folder: str, service: str, node: str, output: Output) -> bool:
    """Print the decisions of a recording beside what is decided now; return whether all are the same.

    Raises:
        InvalidInput: The recording cannot be read, or nothing in it is about ``service`` and ``node``.
    """
    verdicts = replay_view.replayed(recording(folder), Wanted(service, node))
    if not verdicts:
        asked = " and ".join(filter(None, (service, node))) or "any service"
        raise InvalidInput(f"{folder}: no decision about {asked} is recorded there")
    structure = replay_view.report(verdicts)
    show(structure, output, lambda screen: replay_view.view(structure, screen))
    return all(verdict.same for verdict in verdicts)


def explain(name: str, namespace: str, files: Sequence[str], access: tuple[str, str], output: Output) -> None:
    """Print why the service ``name`` is where it is, in ``files`` or in the cluster of ``access``.

    Raises:
        AifError: It is not there, or cannot be read.
    """
    if files:
        service = named(of_files(files).services, name, namespace)
    else:
        service = _live().service(_access(access, namespace), name)
    show(explanation.explanation(service), output, lambda screen: explanation_view.view(service, screen))


def list_nodes(files: Sequence[str], access: tuple[str, str], output: Output) -> None:
    """Print the compute nodes in ``files``, or in the cluster of ``access``.

    Raises:
        AifError: They cannot be read.
    """
    if files:
        result = of_files(files)
        structure = nodes.report(result.network, result.services, result.ledger)
    else:
        network, services = _live().network(_access(access, ""))
        structure = nodes.report(network, services, Ledger())
    show(structure, output, lambda screen: nodes.view(structure, screen))


def top_of_nodes(
    files: Sequence[str], access: tuple[str, str], sort_by: str, output: Output, *, watch: bool = False
) -> None:
    """Print what compute nodes have, what is claimed and what is free, in ``files`` or in the cluster of ``access``.

    ``watch`` prints it anew every two seconds, until a person has enough.

    Raises:
        AifError: They cannot be read, or nothing is called ``sort_by``.
    """

    def look() -> Json:
        if files:
            result = of_files(files)
            network, services, ledger = result.network, result.services, result.ledger
        else:
            network, services = _live().network(_access(access, ""))
            ledger = top_nodes.claims_of(network, services, Settings.from_environ(os.environ).policy)
        return top_nodes.report(network, services, ledger, sort_by or top_nodes.TIER)

    show_again(look, top_nodes.view) if watch else _show(look(), output, top_nodes.view)


def top_of_services(
    files: Sequence[str],
    access: tuple[str, str],
    namespace: tuple[str, bool],
    sort_by: str,
    output: Output,
    *,
    watch: bool = False,
) -> None:
    """Print what services ask for and how they fare, those of a namespace, or all where the flag beside it says so.

    ``watch`` prints it anew every two seconds, until a person has enough.

    Raises:
        AifError: They cannot be read, or nothing is called ``sort_by``.
    """
    name, everywhere = namespace

    def look() -> Json:
        if files:
            services = tuple(one for one in of_files(files).services if name in ("", one.metadata.namespace))
        else:
            services = _live().services(_access(access, name), everywhere=everywhere)
        return top_services.report(services, sort_by or "name")

    show_again(look, top_services.view) if watch else _show(look(), output, top_services.view)


def top_of_jobs(
    files: Sequence[str],
    access: tuple[str, str],
    namespace: tuple[str, bool],
    sort_by: str,
    output: Output,
    *,
    watch: bool = False,
) -> None:
    """Print how far training jobs are, those of a namespace, or all where the flag beside it says so.

    ``watch`` prints it anew every two seconds, until a person has enough.

    Raises:
        AifError: They cannot be read, or nothing is called ``sort_by``.
    """
    name, everywhere = namespace

    def look() -> Json:
        if files:
            jobs = tuple(one for one in load(files).jobs if name in ("", one.metadata.namespace))
        else:
            from aif.cli.train import cluster  # noqa: PLC0415 - the client for Kubernetes loads slowly

            jobs = cluster.jobs(_access(access, name), everywhere=everywhere)
        return top_jobs.report(jobs, sort_by or "name")

    show_again(look, top_jobs.view) if watch else _show(look(), output, top_jobs.view)


def _show(structure: Json, output: Output, view: View) -> None:
    show(structure, output, lambda screen: view(structure, screen))


def tell_history(name: str, namespace: str, access: tuple[str, str], output: Output) -> None:
    """Print what happened to the service ``name``.

    Raises:
        AifError: It is not there, or cannot be read.
    """
    where = _access(access, namespace)
    service = _live().service(where, name)
    structure = history.report(service, _live().events(where, service), datetime.now(UTC))
    show(structure, output, lambda screen: history.view(structure, screen))


def of_files(files: Sequence[str]) -> Simulation:
    """Return what the operator would decide about the objects in ``files``, by the policy of the environment."""
    given = load(files)
    for kind, count in given.ignored:
        errors().print(f"note: {count} of kind {kind} left aside", soft_wrap=True)
    return simulated(given, Settings.from_environ(os.environ).policy, datetime.now(UTC))


def named(services: Sequence[AIService], name: str, namespace: str) -> AIService:
    """Return the service of this name; ``namespace`` decides where there are several.

    Raises:
        InvalidInput: There is none, or more than one.
    """
    found = [one for one in services if one.metadata.name == name and namespace in ("", one.metadata.namespace)]
    if len(found) == 1:
        return found[0]
    if found:
        raise InvalidInput(f"{name} stands in several namespaces: name one of them with --namespace")
    known = ", ".join(one.metadata.name for one in services) or "none"
    raise InvalidInput(f"no AIService {name} in these files; there are: {known}")


def _access(access: tuple[str, str], namespace: str) -> Access:
    kubeconfig, context = access
    found: Access = _live().Access(kubeconfig, context, namespace)
    return found


def _live() -> ModuleType:
    from aif.cli import live  # noqa: PLC0415 - the client for Kubernetes loads slowly, and files need none

    return live
