"""Prometheus metrics: queue, seconds per scan, refusals by reason, share of hemorrhages."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from ichnet.serving.state import STATES, WAITING, State

RECENT = 100
"""Number of last scans for the share of hemorrhages, in which a drift shows first."""

BUCKETS_S = (0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1800, 3600)


class Metrics:
    """Counters of this process, and gauges that are read from the state on request."""

    def __init__(self, state: State) -> None:
        self._registry = CollectorRegistry()
        self._registry.register(_StateCollector(state))
        self.instances = Counter(
            "ichnet_instances",
            "Instances that came by C-STORE",
            ["outcome"],  # new, repeated, or the reason for which it was not taken
            registry=self._registry,
        )
        self.scans = Counter(
            "ichnet_scans",
            "Scans that were dealt with",
            ["outcome"],  # hemorrhage, no hemorrhage, refused, set-aside
            registry=self._registry,
        )
        self.refusals = Counter(
            "ichnet_refusals", "Scans without a result", ["reason"], registry=self._registry
        )
        self.seconds = Histogram(
            "ichnet_scan_seconds",
            "Reading, model and writing of a scan",
            buckets=BUCKETS_S,
            registry=self._registry,
        )
        self.turnaround_seconds = Histogram(
            "ichnet_turnaround_seconds",
            "From the last slice of a scan to its result at every destination",
            buckets=BUCKETS_S,
            registry=self._registry,
        )
        self.deliveries = Counter(
            "ichnet_deliveries",
            "Attempts to send a result",
            ["destination", "outcome"],  # sent, failed
            registry=self._registry,
        )

    def text(self) -> bytes:
        """Return all metrics in Prometheus' text format."""
        return generate_latest(self._registry)


class _StateCollector(Collector):
    def __init__(self, state: State) -> None:
        self._state = state

    def collect(self) -> Iterator[Metric]:
        series = GaugeMetricFamily("ichnet_series", "Series by state", labels=["state"])
        counts = count_by_state(self._state)
        for name in STATES:
            series.add_metric([name], counts.get(name, 0))
        yield series
        waiting = GaugeMetricFamily(
            "ichnet_deliveries_waiting", "Results to be sent", labels=["destination"]
        )
        for row in self._state.rows(
            "SELECT destination, count(*) AS number FROM delivery WHERE state = ? "
            "GROUP BY destination",
            WAITING,
        ):
            waiting.add_metric([row["destination"]], row["number"])
        yield waiting
        share, number = positive_share(self._state)
        yield GaugeMetricFamily(
            "ichnet_positive_share",
            f"Share of hemorrhages among the last {RECENT} scans with a result",
            value=share,
        )
        yield GaugeMetricFamily(
            "ichnet_positive_share_scans", "Scans that this share is of", value=number
        )


def count_by_state(state: State) -> dict[str, int]:
    """Return the number of series in each state, without empty states."""
    rows = state.rows("SELECT state, count(*) AS number FROM series GROUP BY state")
    return {row["state"]: row["number"] for row in rows}


def positive_share(state: State) -> tuple[float, int]:
    """Return the share of hemorrhages among the last scans with a result, and their number."""
    (row,) = state.rows(
        "SELECT avg(decision = 'hemorrhage') AS share, count(*) AS number FROM "
        "(SELECT decision FROM series WHERE decision != '' ORDER BY predicted_at DESC LIMIT ?)",
        RECENT,
    )
    return (float("nan") if row["share"] is None else row["share"]), row["number"]
