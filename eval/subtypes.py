"""Write tables/subtypes: how well the final ensemble tells which hemorrhage a scan shows.

    python eval/subtypes.py --run runs/phantom

Needs no TensorFlow.
"""

from __future__ import annotations

from ichnet.config import load_config
from ichnet.reporting.tables.files import write_table
from ichnet.reporting.tables.subtypes import subtypes_table
from ichnet.runs import RunFolder
from ichnet.scripts import run_parser, run_script


def main() -> None:
    """Run the script."""
    run = RunFolder(run_parser(__doc__).parse_args().run)
    for path in write_table(subtypes_table(run, load_config(run.config)), run.tables):
        print(path)


if __name__ == "__main__":
    run_script(main)
