"""Write the table of time and memory that each step of the workflow took.

    python eval/costs.py --run runs/phantom

Needs no TensorFlow. Prints where the table lies (CSV, Markdown, HTML).
"""

from __future__ import annotations

from ichnet.reporting.tables.costs import costs_table
from ichnet.reporting.tables.files import write_table
from ichnet.runs import RunFolder
from ichnet.scripts import experiment_parser, run_script


def main() -> None:
    """Run the script."""
    run = RunFolder(experiment_parser(__doc__, "run").parse_args().run)
    for path in write_table(costs_table(run), run.tables):
        print(path)


if __name__ == "__main__":
    run_script(main)
