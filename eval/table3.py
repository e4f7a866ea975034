"""Write Table 3: five weighted ensembles on all hemorrhages, SDH, SAH and small lesions.

    python eval/table3.py --run runs/phantom

Needs no TensorFlow. Prints where the tables lie (CSV, Markdown, HTML).
"""

from __future__ import annotations

from ichnet.config import load_config
from ichnet.reporting.table3 import table3
from ichnet.reporting.tables import write_table
from ichnet.runs import RunFolder
from ichnet.scripts import experiment_parser, run_script


def main() -> None:
    """Run the script."""
    run = RunFolder(experiment_parser(__doc__, "run").parse_args().run)
    for path in write_table(table3(run, load_config(run.root / "config.yaml")), run.tables):
        print(path)


if __name__ == "__main__":
    run_script(main)
