"""Write the cases that were difficult for the final ensemble and for human readers.

    python eval/difficult_cases.py --run runs/phantom

Needs no TensorFlow. Prints where the tables lie (CSV, Markdown, HTML).
"""

from __future__ import annotations

from ichnet.config import load_config
from ichnet.reporting.tables.difficult import difficult_tables
from ichnet.reporting.tables.files import write_table
from ichnet.runs import RunFolder
from ichnet.scripts import experiment_parser, run_script


def main() -> None:
    """Run the script."""
    run = RunFolder(experiment_parser(__doc__, "run").parse_args().run)
    for table in difficult_tables(run, load_config(run.root / "config.yaml")):
        for path in write_table(table, run.tables):
            print(path)


if __name__ == "__main__":
    run_script(main)
