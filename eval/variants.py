"""Write the table of what explains the answers: variants of the experiment against itself.

    python eval/variants.py --run runs/phantom

Needs no TensorFlow. Prints where the table lies (CSV, Markdown, HTML).
"""

from __future__ import annotations

from ichnet.config import load_config
from ichnet.reporting.tables.files import write_table
from ichnet.reporting.tables.variants import variants_table
from ichnet.runs import RunFolder
from ichnet.scripts import run_parser, run_script


def main() -> None:
    """Run the script."""
    run = RunFolder(run_parser(__doc__).parse_args().run)
    for path in write_table(variants_table(run, load_config(run.config)), run.tables):
        print(path)


if __name__ == "__main__":
    run_script(main)
