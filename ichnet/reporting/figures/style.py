"""One look for all figures: colours that colour-blind readers can tell apart, plain axes.

Figures are made with matplotlib's object interface, so that nothing is kept between them, and
written without dates and with fixed identifiers, so that the same numbers give the same bytes.
"""

from __future__ import annotations

import html
import io
import re
import textwrap
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from ichnet.files import whole_path

INK, SOFT_INK, LINE, PAPER = "#16202b", "#5b6875", "#d5dce3", "#ffffff"
"""Text, secondary text, rules and background."""

BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY = (
    "#0072b2",
    "#d55e00",
    "#009e73",
    "#b8578f",
    "#c98500",
    "#3f9bd1",
)
"""After Okabe and Ito's palette; purple, orange and sky are darkened to show on white."""

MODEL_COLOURS: dict[str, str] = {
    "DenseNet121": SKY,
    "InceptionResNetV2": GREEN,
    "MobileNetV2": ORANGE,
    "VGG19": PURPLE,
    "rsna-weak": SOFT_INK,
    "aihub-weak": ORANGE,
    "aihub-strong": BLUE,
    "ensemble": VERMILION,
    "segmenter": GREEN,
}
"""A colour for each backbone, arm and kind of model."""

MODEL_DASHES: dict[str, str | tuple[int, tuple[int, ...]]] = {
    "DenseNet121": (0, (5, 2)),
    "InceptionResNetV2": (0, (3, 1, 1, 1)),
    "MobileNetV2": (0, (1, 1)),
    "VGG19": (0, (7, 2, 1, 2)),
    "ensemble": "solid",
}
"""Line styles, for readers who cannot tell the colours apart."""

THEME_VARIABLES: dict[str, str] = {
    INK: "var(--ink)",
    SOFT_INK: "var(--soft)",
    LINE: "var(--line)",
    PAPER: "var(--paper)",
    BLUE: "var(--blue)",
    VERMILION: "var(--vermilion)",
    GREEN: "var(--green)",
    PURPLE: "var(--purple)",
    ORANGE: "var(--orange)",
    SKY: "var(--sky)",
}
"""The CSS variable for each colour in a page, which has a light and a dark theme."""

RC: dict[Any, Any] = {
    "font.family": ["DejaVu Sans"],
    "font.size": 9.0,
    "text.color": INK,
    "axes.edgecolor": SOFT_INK,
    "axes.labelcolor": INK,
    "axes.titlesize": 9.0,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.8,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": LINE,
    "grid.linewidth": 0.6,
    "xtick.color": SOFT_INK,
    "ytick.color": SOFT_INK,
    "xtick.major.size": 0.0,
    "ytick.major.size": 0.0,
    "legend.frameon": False,
    "lines.linewidth": 1.6,
    "lines.solid_capstyle": "round",
    "svg.fonttype": "none",
    "text.parse_math": False,
}


def kind_colour(model: str) -> str:
    """Return the colour of a model's kind: its arm, ensemble or segmenter."""
    kinds = ("rsna-weak", "aihub-weak", "aihub-strong", "ensemble", "segmenter")
    return next((MODEL_COLOURS[kind] for kind in kinds if kind in model), INK)


def model_line(model: str) -> dict[str, Any]:
    """Return the colour and dashes that tell a strong classifier or ensemble from the others."""
    name = next((name for name in MODEL_DASHES if model.startswith(name)), "ensemble")
    return {"color": MODEL_COLOURS[name], "linestyle": MODEL_DASHES[name]}


def new_figure(width_inches: float, height_inches: float) -> Figure:
    """Return an empty figure that fits its contents; draw on it inside :func:`style`."""
    figure = Figure(figsize=(width_inches, height_inches), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def style(salt: str = "ichnet") -> AbstractContextManager[None]:
    """Return the context in which figures are drawn and written; ``salt`` seeds identifiers."""
    return mpl.rc_context({**RC, "svg.hashsalt": salt})


def write_figure(figure: Figure, folder: Path, name: str, caption: str) -> list[Path]:
    """Write a figure with its caption underneath, as PNG and SVG.

    Returns:
        The two paths.
    """
    text = "\n".join(textwrap.wrap(caption, width=int(figure.get_figwidth() * 16)))
    paths = [folder / f"{name}.png", folder / f"{name}.svg"]
    with style(name):
        figure.supxlabel(text, x=0.01, ha="left", fontsize=7.5, color=SOFT_INK)
        for path, metadata in zip(paths, ({"Software": None}, {"Date": None}), strict=True):
            with whole_path(path) as temporary:
                figure.savefig(temporary, dpi=200, metadata=metadata)
    return paths


def inline_svg(figure: Figure, name: str, description: str) -> str:
    """Return a figure as an ``svg`` element for an HTML page.

    Colours become the page's variables, so that the figure follows a dark page; identifiers are
    made unique by ``name``; the element scales with its container.

    Args:
        figure: drawn inside :func:`style`.
        name: unique in the page, letters, digits and hyphens.
        description: alternative text.
    """
    buffer = io.StringIO()
    with style(name):
        figure.savefig(buffer, format="svg", metadata={"Date": None}, transparent=True)
    svg = buffer.getvalue()
    # metadata names matplotlib's site, and a style sheet would reach the whole page
    svg = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'\bid="', f'id="{name}-', svg)
    svg = re.sub(r'(href="|url\()#', rf"\1#{name}-", svg)
    for colour, variable in THEME_VARIABLES.items():
        svg = svg.replace(colour, variable)
    start = svg.index("<svg")
    opening, contents = svg[start : (end := svg.index(">", start))], svg[end + 1 :]
    view_box = opening.split('viewBox="')[1].split('"')[0]
    label = html.escape(description)
    return f'<svg viewBox="{view_box}" role="img" aria-label="{label}">{contents}'
