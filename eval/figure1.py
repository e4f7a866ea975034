"""Draw Figure 1: every model and its training data.

    python eval/figure1.py --run runs/phantom

Needs no TensorFlow. Prints where the figure lies (PNG, SVG).
"""

from __future__ import annotations

from ichnet.reporting.figures.figure1 import TITLE, draw_figure1, figure1
from ichnet.reporting.figures.style import write_figure
from ichnet.scripts import open_experiment, run_parser, run_script


def main() -> None:
    """Run the script."""
    one = open_experiment(run_parser(__doc__).parse_args())
    result = figure1(one.records, one.config)
    caption = f"{TITLE}. {result.caption}"
    for path in write_figure(draw_figure1(result), one.run.figures, "figure1", caption):
        print(path)


if __name__ == "__main__":
    run_script(main)
