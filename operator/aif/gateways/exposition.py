"""What Prometheus scrapes of the operator itself; per object there is only what services used."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

CONTENT_TYPE: Final = CONTENT_TYPE_PLAIN_0_0_4
DURATIONS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)

RATIOS: Final = (0.1, 0.25, 0.5, 0.67, 0.8, 0.9, 0.95, 1.05, 1.1, 1.25, 1.5, 2.0, 4.0, 10.0)


PHASES: Final = (1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0)
"""Bounds in seconds: a phase is as long as a pod takes to start, or a look at its metrics."""


class Exposition:
    """The metrics of one operator process, each with the prefix ``aif_``, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._watch_ages: dict[str, list[Callable[[], float]]] = {}
        self._leadership()
        self._work()
        self._decisions()
        self._learning()
        self._api_server()
        self._measuring()
        self._usage()

    def _leadership(self) -> None:
        self.leader = Gauge("aif_leader", "1 while this replica holds the Lease.", registry=self.registry)
        self.kopf_up = Gauge("aif_kopf_up", "1 while kopf watches AIServices.", registry=self.registry)
        self.event_loop_lag_seconds = Gauge(
            "aif_event_loop_lag_seconds", "How late the event loop ran a timer last.", registry=self.registry
        )

    def _work(self) -> None:
        self.workqueue_depth = Gauge("aif_workqueue_depth", "Keys that wait for a worker.", registry=self.registry)
        self.reconcile_duration_seconds = Histogram(
            "aif_reconcile_duration_seconds",
            "Time to read, decide and act once.",
            ("kind",),
            buckets=DURATIONS,
            registry=self.registry,
        )
        self.reconcile_errors_total = Counter(
            "aif_reconcile_errors_total", "Reconciliations that failed.", ("kind", "error"), registry=self.registry
        )
        self.status_writes_total = Counter(
            "aif_status_writes_total", "Statuses written.", ("kind",), registry=self.registry
        )
        self.events_total = Counter(
            "aif_events_total", "Events, by what became of them.", ("outcome",), registry=self.registry
        )

    def _decisions(self) -> None:
        self.decision_seconds = Histogram(
            "aif_decision_seconds",
            "Time to decide for the services of one batch.",
            buckets=DURATIONS,
            registry=self.registry,
        )
        self.rejections_total = Counter(
            "aif_rejections_total", "Decisions that found no place, by reason.", ("reason",), registry=self.registry
        )
        self.recorded_decisions_total = Counter(
            "aif_recorded_decisions_total",
            "Decisions to be recorded, by what became of them: recorded or lost.",
            ("outcome",),
            registry=self.registry,
        )
        self.services_waiting = Gauge(
            "aif_services_waiting", "Services that wait for capacity.", registry=self.registry
        )
        self.migrations_in_flight = Gauge(
            "aif_migrations_in_flight", "Services with a copy that has yet to go.", registry=self.registry
        )
        self.moves_total = Counter(
            "aif_moves_total", "Moves of services off their nodes, by reason.", ("reason",), registry=self.registry
        )
        self.migrations_total = Counter(
            "aif_migrations_total",
            "Moves that ended, by result and trigger.",
            ("result", "trigger"),
            registry=self.registry,
        )
        self.migration_phase_seconds = Histogram(
            "aif_migration_phase_seconds",
            "How long moves were in each phase.",
            ("phase",),
            buckets=PHASES,
            registry=self.registry,
        )

    def _learning(self) -> None:
        self.training_jobs = Gauge("aif_training_jobs", "Training jobs, by state.", ("state",), registry=self.registry)
        self.training_rounds_total = Counter(
            "aif_training_rounds_total", "Rounds that training jobs finished.", registry=self.registry
        )
        self.training_bytes_total = Counter(
            "aif_training_bytes_total", "What training jobs sent and received.", registry=self.registry
        )

    def _measuring(self) -> None:
        self.evaluation_tick_seconds = Histogram(
            "aif_evaluation_tick_seconds",
            "Time to judge all contracts once.",
            buckets=DURATIONS,
            registry=self.registry,
        )
        self.evaluation_lag_seconds = Gauge(
            "aif_evaluation_lag_seconds", "How late the last look at all contracts began.", registry=self.registry
        )
        self.threshold_alarms = Gauge("aif_threshold_alarms", "Alarms that are raised.", registry=self.registry)
        self.resource_alarms = Gauge(
            "aif_resource_alarms",
            "Resources of services under pressure, by resource.",
            ("resource",),
            registry=self.registry,
        )
        self.node_alarms = Gauge(
            "aif_node_alarms", "Alarms of ComputeNodes that are raised, by kind.", ("alarm",), registry=self.registry
        )
        self.prediction_ratio = Histogram(
            "aif_prediction_ratio",
            "Measured by predicted time and energy of computing a request, by dimension.",
            ("dimension",),
            buckets=RATIOS,
            registry=self.registry,
        )
        self.contract_load = Gauge(
            "aif_contract_load",
            "Share of each promise that is used up, 1 on its target.",
            ("aiservice_namespace", "aiservice", "dimension"),
            registry=self.registry,
        )
        self.node_load = Gauge(
            "aif_node_load", "Share of a node's busiest device in use.", ("compute_node",), registry=self.registry
        )
        self.prometheus_errors_total = Counter(
            "aif_prometheus_errors_total", "Queries without a usable answer.", ("error",), registry=self.registry
        )

    def _usage(self) -> None:
        who = ("aiservice_namespace", "aiservice")
        self.usage_flop_total = Counter(
            "aif_usage_flop_total", "Work of the requests that a service answered, FLOP.", who, registry=self.registry
        )
        self.usage_device_seconds_total = Counter(
            "aif_usage_device_seconds_total",
            "Time that devices, or cores, were held for a service.",
            (*who, "device"),
            registry=self.registry,
        )
        self.usage_bytes_total = Counter(
            "aif_usage_bytes_total",
            "What a service received and sent, by source: measured or estimated.",
            (*who, "source"),
            registry=self.registry,
        )
        self.usage_joules_total = Counter(
            "aif_usage_joules_total",
            "Energy that a service took, by source: measured or estimated.",
            (*who, "source"),
            registry=self.registry,
        )

    def _api_server(self) -> None:
        self.watch_last_event_age_seconds = Gauge(
            "aif_watch_last_event_age_seconds", "Time since a watch last spoke.", ("resource",), registry=self.registry
        )
        self.relists_total = Counter(
            "aif_relists_total", "Complete lists of a resource.", ("resource",), registry=self.registry
        )
        self.unreadable_objects_total = Counter(
            "aif_unreadable_objects_total", "Objects left out as unreadable.", ("resource",), registry=self.registry
        )
        self.apiserver_requests_total = Counter(
            "aif_apiserver_requests_total",
            "Requests to the API server, by status code; 0 where no answer came.",
            ("method", "code"),
            registry=self.registry,
        )
        self.write_wait_seconds_total = Counter(
            "aif_write_wait_seconds_total", "Time that writes waited for the write budget.", registry=self.registry
        )

    def watch_age(self, resource: str, age: Callable[[], float]) -> None:
        """Have ``age`` (seconds) shown for a watch of ``resource``; of several watches the greatest is shown."""
        ages = self._watch_ages.setdefault(resource, [])
        ages.append(age)
        self.watch_last_event_age_seconds.labels(resource).set_function(lambda: max(age() for age in ages))

    def render(self) -> bytes:
        """Return all metrics in the text format."""
        return generate_latest(self.registry)
