"""eFigures 3 and 4: the networks as drawn from the models themselves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, Rectangle

from ichnet.reporting.figures.style import (
    BLUE,
    GREEN,
    INK,
    ORANGE,
    PAPER,
    SOFT_INK,
    new_figure,
    style,
)

UNET_TITLE = "eFigure 3. The U-Net of Inception modules"
WEIGHT_MODEL_TITLE = "eFigure 4. The weight model and what it combines"


@dataclass(frozen=True)
class Stage:
    """A part of a network.

    Attributes:
        name: e.g. ``down1``.
        matrix: rows and columns of its output.
        channels: channels of its output.
        parameters: number of its parameters.
    """

    name: str
    matrix: int
    channels: int
    parameters: int


def draw_unet(stages: Sequence[Stage]) -> Figure:
    """Draw stages as bars in a U: their height shows the matrix, their depth the halvings.

    Args:
        stages: in the order of the network, ``down1`` to ``bottom`` to ``up1``.
    """
    largest = max(stage.matrix for stage in stages)
    depth = [round(float(np.log2(largest / stage.matrix))) for stage in stages]
    with style():
        figure = new_figure(10.4, 4.6)
        axes = figure.subplots()
        axes.set_axis_off()
        widths = [0.16 + 0.09 * float(np.log2(stage.channels)) for stage in stages]
        for place, (stage, row, width) in enumerate(zip(stages, depth, widths, strict=True)):
            height = 0.35 + 0.55 * stage.matrix / largest
            colour = {"d": BLUE, "u": GREEN}.get(stage.name[0], ORANGE)
            corner = (place - width / 2, -row - height / 2)
            axes.add_patch(Rectangle(corner, width, height, facecolor=colour, edgecolor=PAPER))
            text = f"{stage.name}\n{stage.matrix}² × {stage.channels}\n{stage.parameters:,}"
            below = -row - height / 2 - 0.05
            axes.text(place, below, text, ha="center", va="top", fontsize=6.5, color=INK)
        for place in range(len(stages) - 1):
            _arrow(axes, (place, -depth[place]), (place + 1, -depth[place + 1]), INK, 16)
        for place, row in enumerate(depth[: len(stages) // 2]):
            mirror = len(stages) - 1 - place
            begin, end = place + widths[place] / 2, mirror - widths[mirror] / 2
            _arrow(axes, (begin, -row), (end, -row), SOFT_INK, 2)
        axes.set_xlim(-0.7, len(stages) - 0.3)
        axes.set_ylim(-max(depth) - 1.0, 0.7)
    return figure


def draw_weight_model(members: Sequence[str], steps: Sequence[str]) -> Figure:
    """Draw the members' maps, the layers that give their weights, and the weighted mean.

    Args:
        members: titles of the segmenters.
        steps: titles of the weight model's layers, from the stacked maps to the weights.
    """
    with style():
        figure = new_figure(10.4, 3.8)
        axes = figure.subplots()
        axes.set_axis_off()
        middle = (len(members) - 1) / 2
        for place, member in enumerate(members):
            _box(axes, 0, middle - place, 1.5, member, BLUE)
            _arrow(axes, (0.75, middle - place), (1.6, 0), SOFT_INK, 4)
        _box(axes, 2.1, 0, 0.9, "maps,\nstacked", ORANGE)
        for index, step in enumerate(steps):
            _box(axes, 3.3 + 1.25 * index, 1.1, 1.1, step, GREEN)
            if index:
                begin = (3.3 + 1.25 * (index - 1) + 0.55, 1.1)
                _arrow(axes, begin, (3.3 + 1.25 * index - 0.55, 1.1), INK, 0)
        end = 3.3 + 1.25 * (len(steps) - 1)
        _arrow(axes, (2.55, 0.2), (2.75, 1.1), INK, 0)
        _box(axes, end + 1.5, 0, 1.2, "weighted\nmean", ORANGE)
        _arrow(axes, (2.55, -0.1), (end + 0.9, -0.1), INK, 0)
        _arrow(axes, (end + 0.55, 1.1), (end + 1.2, 0.35), INK, 0)
        _box(axes, end + 3.1, 0, 1.2, "mask:\n> threshold", ORANGE)
        _arrow(axes, (end + 2.1, 0), (end + 2.5, 0), INK, 0)
        axes.set_xlim(-0.9, end + 3.9)
        axes.set_ylim(-middle - 0.6, middle + 0.6)
    return figure


def _box(axes: Any, x: float, y: float, width: float, text: str, colour: str) -> None:
    axes.add_patch(
        Rectangle(
            (x - width / 2, y - 0.3), width, 0.6, facecolor=colour, edgecolor=PAPER, alpha=0.9
        )
    )
    axes.text(x, y, text, ha="center", va="center", fontsize=6.5, color=PAPER)


def _arrow(
    axes: Any, begin: tuple[float, float], end: tuple[float, float], colour: str, shrink: float
) -> None:
    axes.add_patch(
        FancyArrowPatch(
            begin,
            end,
            arrowstyle="-|>",
            mutation_scale=7,
            lw=0.8,
            color=colour,
            shrinkA=shrink,
            shrinkB=shrink,
        )
    )
