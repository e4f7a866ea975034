"""Node lists by hand, and the cluster that each task of a step is told of."""

from __future__ import annotations

import pytest

from ichnet.training.slurm import expand_counts, expand_hosts, slurm_cluster


@pytest.mark.parametrize(
    ("nodes", "hosts"),
    [
        ("node7", ["node7"]),
        ("node2,node10", ["node2", "node10"]),
        ("gpu[08-10,2],login", ["gpu08", "gpu09", "gpu10", "gpu2", "login"]),
        ("r[1-2]n[5-6].site", ["r1n5.site", "r1n6.site", "r2n5.site", "r2n6.site"]),
    ],
)
def test_node_lists(nodes, hosts):
    assert expand_hosts(nodes) == hosts


@pytest.mark.parametrize(
    ("counts", "expanded"), [("2", [2]), ("2(x3),1", [2, 2, 2, 1]), ("4,3(x2)", [4, 3, 3])]
)
def test_tasks_of_each_node(counts, expanded):
    assert expand_counts(counts) == expanded


def test_a_step_of_three_tasks_on_two_nodes():
    """In the order of the node list, in which SLURM numbers the tasks, not by name."""
    environment = {
        "SLURM_STEP_NUM_TASKS": "3",
        "SLURM_STEP_NODELIST": "node2,node10",
        "SLURM_STEP_TASKS_PER_NODE": "2,1",
        "SLURM_JOB_ID": "1230017",
        "SLURM_PROCID": "2",
    }
    assert slurm_cluster(environment) == {
        "cluster": {"worker": ["node2:20017", "node2:20018", "node10:20017"]},
        "task": {"type": "worker", "index": 2},
    }


@pytest.mark.parametrize("environment", [{}, {"SLURM_STEP_NUM_TASKS": "1"}])
def test_a_task_alone_needs_no_cluster(environment):
    assert slurm_cluster(environment) is None
