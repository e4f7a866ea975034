"""Draw eFigures 6 and 7: ROC curves of networks by arm, and on each external test set.

    python eval/roc_panels.py --run runs/phantom

Needs no TensorFlow. Prints where the figures lie (PNG, SVG).
"""

from __future__ import annotations

from ichnet.config import load_config
from ichnet.reporting.figures.roc_panels import draw_panels, efigure6, efigure7
from ichnet.reporting.figures.style import write_figure
from ichnet.runs import RunFolder
from ichnet.scripts import experiment_parser, run_script


def main() -> None:
    """Run the script."""
    run = RunFolder(experiment_parser(__doc__, "run").parse_args().run)
    config = load_config(run.root / "config.yaml")
    for result in (efigure6(run, config), efigure7(run, config)):
        caption = f"{result.title}. {result.caption}"
        for path in write_figure(draw_panels(result), run.figures, result.name, caption):
            print(path)


if __name__ == "__main__":
    run_script(main)
