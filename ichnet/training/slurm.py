"""The workers of a SLURM job step, in the format of TensorFlow's ``TF_CONFIG``.

TensorFlow's own ``SlurmClusterResolver`` asks ``nvidia-smi`` for GPUs and so fails on nodes without
any, overwrites the ``CUDA_VISIBLE_DEVICES`` that SLURM sets for a task, and sorts hosts by name
(``node10`` before ``node2``), whereas SLURM numbers tasks in the order of its node list.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

FIRST_PORT, PORTS = 20000, 10000


def slurm_cluster(environment: Mapping[str, str]) -> dict[str, Any] | None:
    """Return the content of ``TF_CONFIG`` for this task, ``None`` for a step with one task.

    Ports are derived from the job's id, so that two jobs can share a node. Tasks must be numbered
    node by node, which is the default of ``srun`` (``--distribution=block``).

    Args:
        environment: environment variables of a process started by ``srun``.
    """
    if int(environment.get("SLURM_STEP_NUM_TASKS", "1")) < 2:
        return None
    hosts = expand_hosts(environment["SLURM_STEP_NODELIST"])
    counts = expand_counts(environment["SLURM_STEP_TASKS_PER_NODE"])
    port = FIRST_PORT + int(environment["SLURM_JOB_ID"]) % PORTS
    workers = [
        f"{host}:{port + task}"
        for host, count in zip(hosts, counts, strict=True)
        for task in range(count)
    ]
    task = {"type": "worker", "index": int(environment["SLURM_PROCID"])}
    return {"cluster": {"worker": workers}, "task": task}


def expand_hosts(nodes: str) -> list[str]:
    """Return the hosts of a node list, e.g. three of ``gpu[01-02],login``."""
    hosts = []
    # commas separate hosts, but not inside brackets
    for part in re.findall(r"(?:[^,\[]|\[[^\]]*\])+", nodes):
        names = [""]
        for text, ranges in re.findall(r"([^\[]+)|\[([^\]]*)\]", part):
            names = [name + end for name in names for end in ([text] if text else _range(ranges))]
        hosts += names
    return hosts


def expand_counts(counts: str) -> list[int]:
    """Return the number of tasks on each node, e.g. 2, 2, 1 of ``2(x2),1``."""
    expanded: list[int] = []
    for count, _, times in re.findall(r"(\d+)(\(x(\d+)\))?", counts):
        expanded += [int(count)] * int(times or 1)
    return expanded


def _range(ranges: str) -> list[str]:
    """Return the numbers of ranges such as ``01-03,07``, with leading zeros, as texts."""
    numbers = []
    for part in ranges.split(","):
        first, _, last = part.partition("-")
        width = len(first)
        numbers += [f"{number:0{width}}" for number in range(int(first), int(last or first) + 1)]
    return numbers
