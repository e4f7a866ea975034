"""Write Table 1, the baseline characteristics of the cohorts, from the record sets' listings.

    python eval/table1.py --run runs/phantom

Needs no TensorFlow. Prints where the tables lie (CSV, Markdown, HTML).
"""

from __future__ import annotations

from ichnet.reporting.tables.files import write_table
from ichnet.reporting.tables.table1 import table1
from ichnet.scripts import open_experiment, run_parser, run_script


def main() -> None:
    """Run the script."""
    one = open_experiment(run_parser(__doc__).parse_args())
    for path in write_table(table1(one.records), one.run.tables):
        print(path)


if __name__ == "__main__":
    run_script(main)
