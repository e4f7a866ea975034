"""Prepare BHSD (192 scans with outlines of all five subtypes): NIfTI to TFRecords.

An open stand-in for AI-Hub. With --whole takes every scan, for testing; else draws experiment A's
slices or B's scans.
What cannot be used is counted and listed in excluded.csv. Layout of the files: docs/data/bhsd.md

Example:
    python data_prep/bhsd.py --whole --input raw/bhsd --output records/bhsd
"""

from ichnet.scripts import preparation_parser, run_preparation, run_script


def main() -> None:
    """Parse arguments, prepare, print the report."""
    args = preparation_parser(__doc__, sets=("slices", "scans")).parse_args()
    run_preparation(args, "bhsd")


if __name__ == "__main__":
    run_script(main)
