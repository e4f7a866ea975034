"""Write Table 2: four networks, weak against strong annotation, by scan and by slice.

    python eval/table2.py --run runs/phantom

Needs no TensorFlow. Prints where the tables lie (CSV, Markdown, HTML).
"""

from __future__ import annotations

from ichnet.config import load_config
from ichnet.reporting.tables.files import write_table
from ichnet.reporting.tables.table2 import table2
from ichnet.runs import RunFolder
from ichnet.scripts import experiment_parser, run_script


def main() -> None:
    """Run the script."""
    run = RunFolder(experiment_parser(__doc__, "run").parse_args().run)
    for table in table2(run, load_config(run.root / "config.yaml")):
        for path in write_table(table, run.tables):
            print(path)


if __name__ == "__main__":
    run_script(main)
