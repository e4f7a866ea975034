"""Write Table 1, the baseline characteristics of the cohorts, from the record sets' listings.

    python eval/table1.py --run runs/phantom --records work/phantom/records

Needs no TensorFlow. Prints where the tables lie (CSV, Markdown, HTML).
"""

from __future__ import annotations

from ichnet.reporting.tables.files import write_table
from ichnet.reporting.tables.table1 import table1
from ichnet.runs import RunFolder
from ichnet.scripts import experiment_parser, run_script


def main() -> None:
    """Run the script."""
    arguments = experiment_parser(__doc__, "run", "records").parse_args()
    run = RunFolder(arguments.run)
    for path in write_table(table1(arguments.records), run.tables):
        print(path)


if __name__ == "__main__":
    run_script(main)
