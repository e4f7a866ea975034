"""Draw Figure 2, the ROC curves of the strong classifiers and the final ensemble, and eTable 1.

    python eval/figure2.py --run runs/phantom

Needs no TensorFlow. Prints where the figure (PNG, SVG, its points as CSV) and the table lie.
"""

from __future__ import annotations

from ichnet.config import load_config
from ichnet.reporting.figures.figure2 import FIGURE2_TITLE, draw_figure2, figure2, write_curves
from ichnet.reporting.figures.style import write_figure
from ichnet.reporting.tables.etable1 import etable1
from ichnet.reporting.tables.files import write_table
from ichnet.runs import RunFolder
from ichnet.scripts import run_parser, run_script


def main() -> None:
    """Run the script."""
    run = RunFolder(run_parser(__doc__).parse_args().run)
    config = load_config(run.config)
    result = figure2(run, config)
    caption = f"{FIGURE2_TITLE}. {result.caption}"
    paths = write_figure(draw_figure2(result), run.figures, "figure2", caption)
    paths.append(write_curves(result.curves, run.figures / "figure2.csv"))
    for path in paths + write_table(etable1(run, config), run.tables):
        print(path)


if __name__ == "__main__":
    run_script(main)
