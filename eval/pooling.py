"""Write tables/pooling: how each model pools slice scores, as chosen on validation scans.

    python eval/pooling.py --run runs/phantom

Needs no TensorFlow.
"""

from __future__ import annotations

from ichnet.config import load_config
from ichnet.reporting.tables.files import write_table
from ichnet.reporting.tables.pooling import pooling_table
from ichnet.runs import RunFolder
from ichnet.scripts import run_parser, run_script


def main() -> None:
    """Run the script."""
    run = RunFolder(run_parser(__doc__).parse_args().run)
    for path in write_table(pooling_table(run, load_config(run.config)), run.tables):
        print(path)


if __name__ == "__main__":
    run_script(main)
