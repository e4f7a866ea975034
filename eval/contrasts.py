"""Write the table of the contrasts that the configuration names, with their repeats.

    python eval/contrasts.py --run runs/phantom

Needs no TensorFlow. Prints where the table lies (CSV, Markdown, HTML).
"""

from __future__ import annotations

from ichnet.config import load_config
from ichnet.reporting.tables.contrasts import contrasts_table
from ichnet.reporting.tables.files import write_table
from ichnet.runs import RunFolder
from ichnet.scripts import experiment_parser, run_script


def main() -> None:
    """Run the script."""
    run = RunFolder(experiment_parser(__doc__, "run").parse_args().run)
    for path in write_table(
        contrasts_table(run, load_config(run.root / "config.yaml")), run.tables
    ):
        print(path)


if __name__ == "__main__":
    run_script(main)
