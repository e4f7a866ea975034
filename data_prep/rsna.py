"""Prepare RSNA 2019: raw files to TFRecords.

Draws experiment A's slices, as many of each subtype (paper section 1.2), split by patient; with
--whole takes every scan, for testing.
What cannot be used is counted and listed in excluded.csv. Layout of the files: docs/data/rsna.md

Example:
    python data_prep/rsna.py --input raw/rsna --output records/rsna
"""

from ichnet.scripts import preparation_parser, run_preparation, run_script


def main() -> None:
    """Parse arguments, prepare, print the report."""
    args = preparation_parser(__doc__, sets=("slices",)).parse_args()
    run_preparation(args, "rsna")


if __name__ == "__main__":
    run_script(main)
