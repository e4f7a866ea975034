"""What an experiment costs on another machine: a table from measured steps, and a schedule.

It reads a workload as ``eval/full_scale.py`` measured it, and needs no TensorFlow.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ichnet.reporting.tables.table import Table

BACKWARD = 3
"""Operations of a training step, as a multiple of those of its forward pass."""

BYTES_PER_PARAMETER = 16
"""float32 weights, their gradient, and Adam's two moments."""

CAPTION = (
    "Training alone, at the configuration's matrix and batches; early stopping off. Seconds a "
    "slice are measured on this machine (matrix products at {rate:.3g} TFLOP/s, steps of {batch} "
    "slices, median of {steps}); the share is that of the matrix-product rate that a step reaches. "
    "Hours on a device of {device:g} TFLOP/s are the same operations at the same share: "
    "arithmetic, not a measurement. So is memory: 16 bytes a parameter (weights, gradient, two "
    "moments) and all layers' outputs of a batch; kernels need room of their own."
)


@dataclass(frozen=True)
class Cost:
    """One network in one experiment.

    Attributes:
        network: its name.
        jobs: how many trainings use it.
        parameters: number of its parameters.
        forward_flops: floating-point operations of the forward pass of one slice.
        activation_bytes: bytes of all layers' outputs for one slice.
        seconds_per_slice: measured time of a training step for each slice of its batch.
        slices: number of slices that one training sees, repeats included.
        batch: slices in a step.
    """

    network: str
    jobs: int
    parameters: int
    forward_flops: float
    activation_bytes: int
    seconds_per_slice: float
    slices: int
    batch: int

    @property
    def bytes_of_a_step(self) -> int:
        """Memory that a training step needs, in bytes."""
        return self.parameters * BYTES_PER_PARAMETER + self.batch * self.activation_bytes

    def share(self, rate: float) -> float:
        """Return the share of a matrix-product rate (FLOP/s) that a training step reaches."""
        return BACKWARD * self.forward_flops / self.seconds_per_slice / rate

    def hours(self, rate: float, device_rate: float) -> float:
        """Return the hours of one training on a device, measured at ``rate`` here."""
        return self.seconds_per_slice * self.slices / 3600 * rate / device_rate


def full_scale_table(
    costs: Sequence[Cost],
    schedule: Mapping[int, float],
    rate: float,
    device_rate: float,
    batch: int,
    steps: int,
) -> Table:
    """Return one row a network: size, measured step, hours here and on a faster device.

    Args:
        costs: one for each network.
        schedule: hours until the last training ends, by the number of such devices.
        rate: throughput of matrix products on the machine that measured, FLOP/s.
        device_rate: throughput of the target device, float32 FLOP/s.
        batch: slices of a measured step.
        steps: number of measured steps.
    """
    rows = tuple(
        (
            cost.network,
            str(cost.jobs),
            f"{cost.parameters / 1e6:.2f}",
            f"{cost.forward_flops / 1e9:.1f}",
            f"{cost.seconds_per_slice:.3g}",
            f"{cost.share(rate):.2f}",
            f"{cost.slices:,}",
            f"{cost.hours(rate, rate):,.0f}",
            f"{cost.hours(rate, device_rate):.1f}",
            str(cost.batch),
            f"{cost.bytes_of_a_step / 1e9:.1f}",
        )
        for cost in costs
    )
    return Table(
        name="full_scale",
        title="What every training costs",
        caption=CAPTION.format(
            rate=rate / 1e12, batch=batch, steps=steps, device=device_rate / 1e12
        ),
        columns=(
            "Network",
            "Trainings",
            "Parameters, M",
            "GFLOP a slice, forward",
            "Seconds a slice, here",
            "Share of the rate",
            "Slices of one training",
            "Hours of one, here",
            "Hours of one, device",
            "Batch",
            "GB of a step",
        ),
        rows=rows,
        notes=tuple(
            f"All trainings on {count} such device{'s' if count > 1 else ''}, one job each at a "
            f"time: {hours:,.0f} hours."
            for count, hours in schedule.items()
        ),
    )


def makespan(hours: Mapping[str, float], after: Mapping[str, Sequence[str]], devices: int) -> float:
    """Return when the last job ends if each device takes the longest job that can start.

    Args:
        hours: of each job.
        after: the jobs each of them waits for.
        devices: how many jobs run at a time.

    Raises:
        ValueError: when jobs wait for each other, or for one that does not exist.
    """
    waiting, done, now = set(hours), set[str](), 0.0
    running: list[tuple[float, str]] = []
    while waiting or running:
        ready = [job for job in waiting if done.issuperset(after.get(job, ()))]
        ready.sort(key=lambda job: (hours[job], job))
        while ready and len(running) < devices:
            job = ready.pop()
            waiting.remove(job)
            heapq.heappush(running, (now + hours[job], job))
        if not running:
            raise ValueError(f"never ready: {', '.join(sorted(waiting))}")
        now, job = heapq.heappop(running)
        done.add(job)
    return now
