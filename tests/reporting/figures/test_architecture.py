"""Networks as drawn: a bar for each stage, a box for each layer."""

from __future__ import annotations

from matplotlib.patches import FancyArrowPatch, Rectangle

from ichnet.reporting.figures.architecture import Stage, draw_unet, draw_weight_model

STAGES = [
    Stage("down1", 32, 4, 100),
    Stage("down2", 16, 8, 400),
    Stage("bottom", 8, 16, 1600),
    Stage("up2", 16, 8, 800),
    Stage("up1", 32, 4, 200),
]


def test_a_unet_has_a_bar_for_each_stage_and_two_skips() -> None:
    axes = draw_unet(STAGES).axes[0]

    bars = [patch for patch in axes.patches if isinstance(patch, Rectangle)]
    assert len(bars) == 5
    assert [bar.get_y() + bar.get_height() / 2 for bar in bars] == [0, -1, -2, -1, 0]
    assert bars[0].get_height() > bars[1].get_height() > bars[2].get_height()
    arrows = [patch for patch in axes.patches if isinstance(patch, FancyArrowPatch)]
    assert len(arrows) == 4 + 2
    assert "bottom\n8² × 16\n1,600" in [text.get_text() for text in axes.texts]


def test_a_weight_model_has_a_box_for_each_member_and_layer() -> None:
    axes = draw_weight_model(["map of all", "map of sdh"], ["pool\n16", "weights\n2"]).axes[0]

    boxes = [patch for patch in axes.patches if isinstance(patch, Rectangle)]
    assert len(boxes) == 2 + 2 + 3  # members, layers, stack, mean and mask
    assert {"map of sdh", "weights\n2"} <= {text.get_text() for text in axes.texts}
