"""Draw Figure 1: every model and its training data.

    python eval/figure1.py --run runs/phantom --records work/phantom/records

Needs no TensorFlow. Prints where the figure lies (PNG, SVG).
"""

from __future__ import annotations

from ichnet.config import load_config
from ichnet.reporting.figures.figure1 import TITLE, draw_figure1, figure1
from ichnet.reporting.figures.style import write_figure
from ichnet.runs import RunFolder
from ichnet.scripts import experiment_parser, run_script


def main() -> None:
    """Run the script."""
    arguments = experiment_parser(__doc__, "run", "records").parse_args()
    run = RunFolder(arguments.run)
    result = figure1(arguments.records, load_config(run.root / "config.yaml"))
    caption = f"{TITLE}. {result.caption}"
    for path in write_figure(draw_figure1(result), run.figures, "figure1", caption):
        print(path)


if __name__ == "__main__":
    run_script(main)
