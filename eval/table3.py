"""Write Table 3: five weighted ensembles on all hemorrhages, SDH, SAH and small lesions.

Beside it a table of single segmenters and fixed combinations on the same scans, and one of all of
them at matched sensitivity.

    python eval/table3.py --run runs/phantom

Needs no TensorFlow. Prints where the tables lie (CSV, Markdown, HTML).
"""

from __future__ import annotations

from ichnet.config import load_config
from ichnet.reporting.tables.files import write_table
from ichnet.reporting.tables.table3 import baselines_table, table3
from ichnet.reporting.tables.table3_matched import table3_matched
from ichnet.runs import RunFolder
from ichnet.scripts import experiment_parser, run_script


def main() -> None:
    """Run the script."""
    run = RunFolder(experiment_parser(__doc__, "run").parse_args().run)
    config = load_config(run.root / "config.yaml")
    for make in (table3, baselines_table, table3_matched):
        for path in write_table(make(run, config), run.tables):
            print(path)


if __name__ == "__main__":
    run_script(main)
