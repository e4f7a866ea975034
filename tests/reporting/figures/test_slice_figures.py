"""Slices as drawn: channels, arms, weights."""

from __future__ import annotations

import numpy as np
import pytest

from ichnet.config import WindowConfig
from ichnet.reporting.figures.slice_figures import ArmMap, draw_arms, draw_channels, draw_weights

HU = np.array([[0.0, 40.0], [80.0, 2000.0]], np.float32)


def test_channels_are_windows() -> None:
    """Unit 40, width 80: 0 HU is black, 40 is a half, 80 and more white."""
    panels = draw_channels(HU, (WindowConfig(40, 80), WindowConfig(600, 2800))).axes

    assert [axes.get_title("left") for axes in panels[1:]] == ["40 ± 40 HU", "600 ± 1400 HU"]
    np.testing.assert_allclose(panels[1].images[0].get_array(), [[0, 0.5], [1, 1]])
    assert panels[0].images[0].get_array()[1, 1] == pytest.approx(3024 / 4095)


def test_evidence_lies_on_the_slice_in_red() -> None:
    outline = np.array([[False, True], [False, False]])
    arm = ArmMap("aihub-weak", np.array([[0.5]], np.float32), 0.25)

    panels = draw_arms(HU, outline, [arm]).axes

    assert panels[1].get_title("left") == "aihub-weak, p = 0.25"
    heat = panels[1].images[1]
    assert heat.get_extent() == [-0.5, 1.5, 1.5, -0.5]
    np.testing.assert_allclose(heat.get_alpha(), [[0.3]])


def test_weights_are_boxes_by_kind_and_member() -> None:
    weights = {"SDH": np.full((3, 2), 0.5), "normal": np.array([[0.2, 0.8]])}

    axes = draw_weights(weights, ["all", "sdh"]).axes[0]

    assert [label.get_text() for label in axes.get_xticklabels()] == ["SDH\nn = 3", "normal\nn = 1"]
    assert len(axes.patches) == 4
    np.testing.assert_allclose(axes.get_xticks(), [0, 1])
