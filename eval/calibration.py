"""Write the calibration table, and draw reliability diagrams.

    python eval/calibration.py --run runs/phantom

Needs no TensorFlow. Prints where the files lie.
"""

from __future__ import annotations

from ichnet.config import load_config
from ichnet.reporting.figures.reliability import draw_reliability, reliability_diagrams
from ichnet.reporting.figures.style import write_figure
from ichnet.reporting.tables.calibration import calibration_table
from ichnet.reporting.tables.files import write_table
from ichnet.runs import RunFolder
from ichnet.scripts import experiment_parser, run_script


def main() -> None:
    """Run the script."""
    run = RunFolder(experiment_parser(__doc__, "run").parse_args().run)
    config = load_config(run.root / "config.yaml")
    found, caption = reliability_diagrams(run, config)
    paths = write_table(calibration_table(run, config), run.tables)
    paths += write_figure(draw_reliability(found), run.figures, "reliability", caption)
    for path in paths:
        print(path)


if __name__ == "__main__":
    run_script(main)
