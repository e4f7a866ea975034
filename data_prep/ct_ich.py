"""Prepare PhysioNet CT-ICH (82 scans, 36 with hemorrhage, outlined): NIfTI to TFRecords.

An open stand-in for AI-Hub. With --whole takes every scan, for testing; else draws experiment A's
slices or B's scans.
What cannot be used is counted and listed in excluded.csv. Layout of the files: docs/data/ct_ich.md

Example:
    python data_prep/ct_ich.py --whole --input raw/ct_ich --output records/ct_ich
"""

from ichnet.scripts import preparation_parser, run_preparation, run_script


def main() -> None:
    """Parse arguments, prepare, print the report."""
    args = preparation_parser(__doc__, sets=("slices", "scans")).parse_args()
    run_preparation(args, "ct_ich")


if __name__ == "__main__":
    run_script(main)
