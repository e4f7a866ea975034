"""The trainings of an experiment, and their measured steps, at a tiny size."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from eagerly import eagerly  # noqa: F401

from ichnet.config import load_config
from ichnet.reporting.tables.full_scale import makespan
from ichnet.training.workload import measure_networks, trainings

MODELS = Path(__file__).parents[2] / "models"


def test_the_paper_has_22_trainings_and_an_encoder():
    jobs = {job.model: job for job in trainings(load_config(MODELS / "paper.yaml"))}
    assert len(jobs) == 12 + 1 + 5 + 5
    # 32 slices x 406 steps x 30 epochs
    assert jobs["VGG19-aihub-strong"].slices == 389_760
    assert jobs["VGG19-aihub-strong"].batch == 32
    assert jobs["segmenter-subtype"].after == ("encoder-subtype",)
    assert len(jobs["ensemble-basic"].after) == 5
    assert makespan(dict.fromkeys(jobs, 1.0), {j: jobs[j].after for j in jobs}, 99) == 3.0


@pytest.mark.slow
@pytest.mark.usefixtures("eagerly")
def test_each_network_is_measured_once():
    config = load_config(MODELS / "phantom.yaml")
    config = replace(
        config,
        image=replace(config.image, matrix=32),
        segmenters=replace(config.segmenters, base_width=4, neighbours=0, weights=None, depth=2),
    )
    found = {one.name: one for one in measure_networks(config, batch=1)}
    assert list(found) == ["MobileNetV2", "Encoder", "Inception U-Net", "Weight model"]
    for one in found.values():
        assert one.parameters > 0
        assert one.forward_flops > 0
        assert one.activation_bytes > 32 * 32 * 4
        assert one.seconds_per_slice > 0
    # the encoder is a part of the U-Net
    assert found["Encoder"].forward_flops < found["Inception U-Net"].forward_flops
