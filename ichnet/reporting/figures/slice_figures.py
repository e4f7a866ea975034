"""eFigures 1, 2 and 5: input channels, saliency maps of each arm, weights of the members."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from ichnet.config import WindowConfig
from ichnet.ct.windows import apply_window
from ichnet.reporting.figures.style import BLUE, INK, ORANGE, SOFT_INK, VERMILION, new_figure, style

CHANNELS_TITLE = "eFigure 1. From HU to four channels"
ARMS_TITLE = "eFigure 2. What each arm compares with the outline"
WEIGHTS_TITLE = "eFigure 5. Weights by what a slice shows"

Image = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class ArmMap:
    """The saliency map and score of one arm's classifier on a slice.

    Attributes:
        title: the arm's title.
        evidence: its saliency map, scaled to [0, 1], [h, w].
        score: the slice's score, in [0, 1].
    """

    title: str
    evidence: Image
    score: float


def draw_channels(hu: Image, windows: Sequence[WindowConfig]) -> Figure:
    """Draw a slice and the channels that a network sees of it.

    Args:
        hu: [rows, columns].
        windows: level and width of each channel.
    """
    with style():
        figure = new_figure(2.1 * (1 + len(windows)), 2.6)
        panels = figure.subplots(1, 1 + len(windows))
        _show(panels[0], np.clip((hu + 1024) / 4095, 0, 1), "HU, −1024 to 3071")
        for axes, window in zip(panels[1:], windows, strict=True):
            grey = apply_window(hu, window.level_hu, window.width_hu)
            _show(axes, grey, f"{window.level_hu:g} ± {window.width_hu / 2:g} HU")
    return figure


def draw_arms(hu: Image, outline: NDArray[np.bool_], arms: Sequence[ArmMap]) -> Figure:
    """Draw a slice with its outline, and each arm's evidence on it.

    Args:
        hu: [rows, columns].
        outline: where the lesion was drawn, [rows, columns].
        arms: one panel each.
    """
    grey = apply_window(hu, 40, 80)
    with style():
        figure = new_figure(2.5 * (1 + len(arms)), 3.0)
        panels = figure.subplots(1, 1 + len(arms))
        _show(panels[0], grey, "outline")
        panels[0].contour(outline, levels=[0.5], colors=ORANGE, linewidths=1.2)
        for axes, arm in zip(panels[1:], arms, strict=True):
            _show(axes, grey, f"{arm.title}, p = {arm.score:.2f}")
            extent = (-0.5, hu.shape[1] - 0.5, hu.shape[0] - 0.5, -0.5)
            alpha = 0.6 * np.asarray(arm.evidence, float)
            axes.imshow(
                np.ones_like(alpha), cmap="Reds", vmin=0, vmax=1.3, alpha=alpha, extent=extent
            )
            axes.contour(outline, levels=[0.5], colors=ORANGE, linewidths=0.8)
    return figure


def draw_weights(weights: Mapping[str, NDArray[np.float64]], members: Sequence[str]) -> Figure:
    """Draw the distribution of each member's weight over slices of each kind.

    Args:
        weights: by kind, [slices, members].
        members: their titles.
    """
    colours = (BLUE, SOFT_INK, ORANGE, VERMILION, INK)
    with style():
        figure = new_figure(10.4, 3.2)
        axes = figure.subplots()
        width = 0.8 / len(members)
        for column, member in enumerate(members):
            colour = colours[column % len(colours)]
            drawn = axes.boxplot(
                [values[:, column] for values in weights.values()],
                positions=np.arange(len(weights)) + (column - (len(members) - 1) / 2) * width,
                widths=0.8 * width,
                showfliers=False,
                patch_artist=True,
                # in the member's colour, so that a box of height zero can be seen
                medianprops={"color": colour, "lw": 2},
                whiskerprops={"color": colour},
                capprops={"color": colour},
            )
            for box in drawn["boxes"]:
                box.set(facecolor=(colour, 0.3), edgecolor=colour)
            axes.plot([], [], lw=6, color=colour, label=member)
        axes.axhline(1 / len(members), color=SOFT_INK, lw=0.8, ls=(0, (2, 2)))
        titles = [f"{kind}\nn = {len(values):,}" for kind, values in weights.items()]
        axes.set_xticks(np.arange(len(weights)), titles)
        axes.set_ylabel("weight")
        figure.legend(loc="outside upper center", ncols=len(members), fontsize=7.5)
    return figure


def _show(axes: Any, grey: Image, title: str) -> None:
    axes.imshow(grey, cmap="gray", vmin=0, vmax=1)
    axes.set_title(title, fontsize=8)
    axes.set_axis_off()
